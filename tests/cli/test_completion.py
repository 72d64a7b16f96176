"""The Tab key in bash, zsh and fish: whatever servers, files and the configuration call things, nothing of it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from beanops import Client
from beanops.cli import shells
from beanops.cli.app import group
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.journal.records import RunRow
from beanops.session.config import default_journal
from beanops.session.connect import connect
from tests.cli.conftest import Cli, configure
from tests.cli.shells import Shell, read_by_bash, shell

#: Names of servers: a configuration may come from anybody, and they may have any character.
SERVERS = (
    "a b", "bq`mark`", "c$(mark)", "d;mark", "e'mark", 'f"mark', "g*", "h\\mark", "~root", "=mark", "i|mark",
    "j:mark:1", "#mark", "k&mark", "l>marked", "m!mark", "ñ$(mark)", "(mark)", "{n,m}", "o?", "-n",
)  # fmt: skip
BREAKS = " \t\n\"'><=;|&(:"


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell_here(
    request: pytest.FixtureRequest, tmp_path: Path, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)
    with shell(request.param, tmp_path) as one:
        yield one


def _name_things(address: str, home: Path) -> None:
    """Give hostile names to tubes, servers, runs, samples and files."""
    with Client(address) as client:
        for tube in ("pwn;mark", "q$(mark)", "r(mark)", "mail-a", "mail-b"):
            client.put(b"x", tube=tube)
    named = "\n".join(f"[servers.{_toml(name)}]\naddress = '127.0.0.1:1'" for name in SERVERS)
    configure(f"[servers.here]\naddress = '{address}'\n{named}\n")
    samples = Path(os.environ["BEANOPS_SAMPLES"])
    samples.mkdir()
    for name in ("s;mark", "greeting"):
        (samples / f"{name}.json").write_text("{}")
    with connect(address) as session:
        row = RunRow("z$(mark)", session._context.now(), str(session.address), "i", "a", "cli", "kick", None, None, {})
    journal = Journal(default_journal())
    journal.begin(row)
    journal.close()
    for file in ("u;mark", "w x"):
        (home / file).write_text("")


def _toml(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_what_completion_inserts_is_one_literal_word(shell_here: Shell, beanstalkd: Beanstalkd) -> None:
    _name_things(beanstalkd.address, shell_here.home)
    for keys, arguments in {
        "beanops stats pw\t": ["stats", "pwn;mark"],
        "beanops stats q\t": ["stats", "q$(mark)"],
        "beanops stats 'pw\t": ["stats", "pwn;mark"],
        'beanops stats "q\t': ["stats", "q$(mark)"],
        "beanops stats pwn\\;m\t": ["stats", "pwn;mark"],
        "beanops stats mai\ta": ["stats", "mail-a"],
        "beanops jobs r\t": ["jobs", "r(mark)"],
        "beanops export - --tube=q\t": ["export", "-", "--tube=q$(mark)"],
        "beanops -s bq\ttubes": ["-s", "bq`mark`", "tubes"],
        "beanops -s c\ttubes": ["-s", "c$(mark)", "tubes"],
        "beanops -s e\ttubes": ["-s", "e'mark", "tubes"],
        "beanops -s j:m\ttubes": ["-s", "j:mark:1", "tubes"],
        "beanops undo z\t": ["undo", "z$(mark)"],
        "beanops export u\t": ["export", "u;mark"],
    }.items():
        called = shell_here.called(keys)
        assert called == arguments, shell_here.shown
    # A file of another name is no sample, and is not offered.
    assert shell_here.called("beanops sample show s\t") == ["sample", "show", "s"]
    assert shell_here.called("beanops sample show gr\t") == ["sample", "show", "greeting"]
    assert not shell_here.marked


def test_predicates_of_the_last_facets_are_one_word(shell_here: Shell, beanstalkd: Beanstalkd, cli: Cli) -> None:
    with Client(beanstalkd.address) as client:
        client.put(b'{"list": ["a"], "api_token": "x", "password`mark`$(mark)\'": "x"}', tube="mail")
    assert cli("facets", "mail").code == 0
    # Values of keys that look like secrets are not kept, so that each of these has one candidate.
    for typed, predicate in {
        "\"data->>'\\$.api\t": "data->>'$.api_token'",
        "\"age > interval 1 hour and data->>'\\$.api\t": "age > interval 1 hour and data->>'$.api_token'",
        '"list_c\t': "list_contains(data->>'$.list[*]', ",
        "data-\\>\\>\\'\\$.api\t": "data->>'$.api_token'",
        '"data->>\'\\$.\\"pass\t': "data->>'$.\"password`mark`$(mark)''\"'",
    }.items():
        called = shell_here.called(f"beanops jobs mail --where {typed}")
        assert [one.rstrip() for one in called] == ["jobs", "mail", "--where", predicate.rstrip()], shell_here.shown
    assert not shell_here.marked


def _bash(line: str, capsys: pytest.CaptureFixture[str], breaks: str = BREAKS) -> list[str]:
    """Return the lines that bash makes of a line with each candidate in it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMP_WORDS", line)
        environment.setenv("COMP_WORDBREAKS", breaks)
        shells.answer(group, "bash_complete", [])
    start, quote = shells._replaced(line, breaks)
    candidates = [told.removeprefix("plain,") for told in capsys.readouterr().out.splitlines() if told]
    return [line[:start] + candidate + quote for candidate in candidates]


@pytest.mark.parametrize("breaks", [BREAKS, " \t\n"])
@pytest.mark.parametrize(("quote", "left_out"), [("", ""), ("'", "'\\"), ('"', "!")])
def test_bash_reads_a_candidate_as_it_is_within_any_quote(
    quote: str, left_out: str, breaks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("\n".join(f"[servers.{_toml(name)}]\naddress = '127.0.0.1:1'" for name in SERVERS))
    lines = [line for line in _bash(f"beanops -s {quote}", capsys, breaks) if not line.endswith("...")]
    read = read_by_bash(lines, tmp_path)
    assert sorted(read) == sorted(name for name in SERVERS if not set(name) & set(left_out))
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_partly_quoted_is_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure("[servers.'one two;mark']\naddress = '127.0.0.1:1'\n")
    for typed in ("one\\ t", "'one 't", '"one "', "'one two;'", 'o"ne"\\ two', "one\\ two\\;m", "--server=one\\ tw"):
        option = "" if typed.startswith("--") else "-s "
        (line,) = _bash(f"FOO=1 beanops {option}{typed}", capsys)
        assert read_by_bash([line], tmp_path)[0].removeprefix("--server=") == "one two;mark"


def test_what_is_common_to_candidates_is_no_half_escape(capsys: pytest.CaptureFixture[str]) -> None:
    configure("".join(f"[servers.'{name}']\naddress = '127.0.0.1:1'\n" for name in ("x;a", "x$b")))
    made = _bash("beanops -s ", capsys)
    assert {one.removeprefix("beanops -s ") for one in made} == {"x\\;a", "x\\$b", "x..."}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("bash_complete", "plain,pwn\\;id\n"),
        ("zsh_complete", "plain\npwn;id\n_\n"),  # which quotes it
        ("powershell_complete", ""),
        ("nonsense", ""),
    ],
)
def test_a_script_of_an_older_version_gets_nothing_that_runs(
    asked: str, answer: str, cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put(b"x", tube="pwn;id")
    for name, value in {"_BEANOPS_COMPLETE": asked, "COMP_WORDS": "beanops\nstats\npw\n-o", "COMP_CWORD": "2"}.items():
        monkeypatch.setenv(name, value)
    assert cli() == (0, answer, "")


def test_the_server_of_the_line_is_asked_also_with_its_port(
    beanstalkd: Beanstalkd, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    client.put(b"x", tube="mail")
    for line in (f"beanops -s {beanstalkd.address} stats m", f"true; beanops stats -s '{beanstalkd.address}' m"):
        assert _bash(line, capsys) == [f"{line}ail"]


def test_of_several_servers_the_first_is_asked(
    beanstalkd: Beanstalkd, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    client.put(b"x", tube="mail")
    for servers in (f"-s {beanstalkd.address}", f"-s {beanstalkd.address} -s nowhere"):
        line = f"beanops exporter {servers} --tubes m"
        assert _bash(line, capsys) == [f"{line}ail"]
