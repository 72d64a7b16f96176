"""How commands end when something is wrong: one line, the right code, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client
from beanops.cli.commands import dashboard
from beanops.embedded.process import Beanstalkd, free_port
from tests.cli.conftest import Cli, Terminal, configure, one_line
from tests.names import resolve
from tests.proxies import Proxy
from tests.scripted import Scripted
from tests.waits import PATIENCE, until

Program = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fnord"], "no such command 'fnord'"),
        (["tubes", "--fnord"], "beanops tubes: no such option '--fnord'"),
        (["tubes", "-o", "xml"], "'xml' given, allowed is one of table, json, csv"),
        (["-s", "http://x", "tubes"], "address: 'http://x' given, allowed is host"),
        (["-s", "host:99999", "tubes"], "a port from 1 to 65535"),
        (["stats", "no such tube"], "tube: 'no such tube' given"),
        (["stats", "\udcff\x1b[2J"], "\\x1b[2J"),
        (["tubes", "\udcff\x1b[2J", "--\udcff\x1b"], "\\x1b"),
        (["peek"], "either tube or --ids"),
        (["peek", "mail", "--ids", "1"], "either tube or --ids"),
        (["peek", "--ids", "1", "--state", "ready"], "--state goes with a tube"),
        (["kick"], "either tube or --ids"),
        (["kick", "mail", "--ids", "1"], "either tube or --ids"),
        (["kick", "mail", "--rate", "0"], "'0' is no rate such as 500/s"),
        (["delete", "mail"], "missing --state, --where or --group"),
        (["drain", "mail"], "missing --state"),
        (["drain", "mail", "--state", "dirty", "--yes"], "state: 'dirty' given"),
        (["bury", "mail", "--state", "buried"], "bury takes delayed or ready jobs, and --state buried names none"),
        (["kick", "mail", "--where", "fnord = 1"], "there is no column 'fnord'"),
        (["move", "mail"], "missing --to"),
        (["copy", "--ids", "1"], "copy is missing the destination"),
        (["export", "-", "--delete"], "name a file"),
        (["export", "/nonexistent/file"], "cannot be written: No such file"),
        (["import", "/nonexistent/file"], "cannot be read: No such file"),
        (["sample", "save", "../x", "-"], "name: '../x' given"),
        (["sample", "save", "x"], "either --id, or -"),
        (["sample", "put", "none"], "no sample 'none'; no samples are saved"),
        (
            ["journal", "--since", "soon"],
            "'--since': 'soon' given, allowed is a date or time such as '2026-01-31', or a",
        ),
        (["journal", "--until", "2026-13-01"], "'--until': '2026-13-01' given, allowed is a date or time"),
        (["journal", "--since", "999999d"], "'--since': '999999d' given, allowed is a date or time"),
        (["journal", "--action", "kick,burry"], "'burry' given, allowed is one of kick, bury"),
        (["journal", "runs", "--action", "burry"], "did you mean 'bury'?"),
        (["journal", "verfy"], "no such command 'verfy'; did you mean 'verify'? (see beanops journal --help)"),
        (["peek", "mail", "--state", "burried"], "one of ready, delayed, buried; did you mean 'buried'?"),
        (["journal", "--job", "5-3"], "'5-3' ends before it starts"),
        (["journal", "--job", "1-2000"], "job: 2000 given, allowed is at most 1,000 of them"),
        (["sample", "save", "x", "--id", "-1"], "-1 is not in the range 0<=x"),
        (["journal", "prune", "--older-than", "90", "--yes"], "allowed is a span of time with its unit, such as '90d'"),
        (["journal", "prune", "--older-than", "999999w", "--yes"], "such as '90d', at most a hundred years"),
        (["journal", "prune"], "missing option '--older-than'"),
        (["completion"], "missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish (see"),
        (["completion", "tcsh"], "'tcsh' given, allowed is one of bash, zsh, fish"),
        (["reserve", "mail"], "this needs a terminal"),
        (["kick", "mail", "--limit", "-1"], "-1 is not in the range"),
        (["kick", "mail", "--next", "4294967296"], "is not in the range"),
        (["kick", "mail", "--next", "2", "--state", "buried"], "--next takes one tube, and no --ids"),
        (["kick", "m*", "--next", "2"], "--next takes one tube"),
        (["kick", "--ids", "2", "--next", "2"], "--next takes one tube"),
        (["kick", "mail", "--limit", "4294967296"], "is not in the range"),
        (["delete", "--ids", "5-3"], "'5-3' ends before it starts"),
        (["delete", "--ids", "5,,7"], "'' is neither an id nor a range"),
        (["delete", "--ids", "-"], "line 2 of standard input: 'x' is neither an id"),
        (["delete", "--ids", "1-99999999999"], "more than 1,000,000 ids"),
        (["delete", "--ids", "18446744073709551616"], "neither an id"),
        (["delete", "--ids", "٣"], "neither an id"),
        (["delete"], "either tube or --ids"),
        (["put", "-bad", "x"], "no such option"),
        (["put", "--", "-bad", "x"], "tube: '-bad' given"),
        (["put", "mail", "x", "--priority", "4294967296"], "is not in the range"),
        (["pause", "mail", "long"], "'long' given, allowed is whole seconds"),
        (["tui", "--replay", "day.sqlite"], "--replay needs a terminal: standard input or output is not a terminal"),
    ],
)
def test_usage(cli: Cli, client: Client, arguments: list[str], told: str) -> None:
    client.put(b"x", tube="mail")
    ended = cli(*arguments, stdin=b"1\nx\n")
    assert ended.code == 2
    assert ended.out == ""
    assert told.lower() in one_line(ended.err).lower()
    assert "\x1b" not in ended.err


@pytest.mark.parametrize("arguments", [[], ["sample"]])
def test_no_command_shows_the_help(cli: Cli, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Commands:\n" in ended.err


def test_a_tab_after_ids_from_standard_input_does_not_wait_for_any(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_BEANOPS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "beanops kick --ids - --sta")
    monkeypatch.setenv("COMP_CWORD", "4")
    process = program()  # its standard input stays open, as the shell's does
    try:
        assert process.wait(PATIENCE) == 0
        assert process.communicate()[0].split() == ["plain,--state"]
    finally:
        process.kill()


def test_no_server(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    for address in (f"127.0.0.1:{free_port()}", f"unix:{tmp_path / 'none'}", "no-such-host.invalid"):
        for arguments in (["tubes"], ["put", "mail", "x"], ["delete", "--ids", "1", "--yes"]):
            ended = cli("-s", address, *arguments)
            assert (ended.code, ended.out) == (3, "")
            assert one_line(ended.err).startswith("beanops: cannot connect to beanstalkd at ")


def test_something_that_is_no_beanstalkd(cli: Cli) -> None:
    with Scripted(b"HTTP/1.1 400 Bad \x1b[31mRequest\r\n\r\n") as server:
        ended = cli("-s", server.address, "stats")
    assert ended.code == 3
    assert "\x1b" not in one_line(ended.err)


def test_a_server_that_dies_before_the_answer(cli: Cli) -> None:
    with Scripted(b"") as server:
        assert "closed the connection" in one_line(cli("-s", server.address, "tubes").err)
        ended = cli("-s", server.address, "delete", "--ids", "1", "--yes")
    assert ended.code == 3
    assert "closed the connection" in one_line(ended.err)


def test_a_server_that_is_lost_during_an_action(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    id = client.put(b"x")
    with Proxy(beanstalkd.port, fatal=b"delete ") as network:
        ended = cli("-s", network.address, "delete", "--ids", str(id), "--yes", "--json")
    assert ended.code == 1
    assert (ended.json["done"], ended.json["unknown"]) == (0, 1)
    assert "1 unknown" in one_line(ended.err)


def test_a_file_that_cannot_be_read(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = cli("put", "mail", f"@{tmp_path}")
    assert ended.code == 2
    assert "Is a directory" in one_line(ended.err)

    def forbidden(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)  # nothing is forbidden to a root that runs the tests
    ended = cli("put", "mail", "@secret")
    assert ended.code == 2
    assert "cannot read secret: Permission denied" in one_line(ended.err)


def test_a_place_that_cannot_be_written_is_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BEANOPS_SAMPLES", f"{tmp_path}/file/samples")
    ended = cli("sample", "save", "x", "-")
    assert ended.code == 1
    assert one_line(ended.err) == f"beanops: cannot write or read {tmp_path}/file/samples: Not a directory"


def test_a_reader_that_has_left(program: Program) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    for arguments in (["tubes", "--json"], ["--help"]):
        process = program(*arguments, stdout=theirs)
        _, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (1, "")
    os.close(theirs)


def test_an_output_that_is_closed(program: Program, client: Client) -> None:
    for arguments in (["tubes"], ["put", "mail", "x"], ["export", "-"]):
        process = program(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 2
        assert one_line(err) == "beanops: standard output is closed, nothing was done"
    assert client.stats().total_jobs == 0


def test_a_full_disk(program: Program) -> None:
    with Path("/dev/full").open("w") as full:
        process = program("tubes", stdout=full)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "No space left on device" in one_line(err)


def test_a_terminal_without_utf8(program: Program, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    client.put("10 €".encode(), tube="mail")
    out, err = program("peek", "mail").communicate(timeout=PATIENCE)
    assert "10 \\u20ac" in out
    assert err == ""


def test_interrupted(program: Program) -> None:
    with Scripted(hold=True) as silent:
        process = program("-s", silent.address, "tubes")
        until(lambda: bool(silent.received))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""
    assert one_line(err.lstrip("\n")) == "beanops: interrupted"


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("\n", 4, 1), ("n\n", 4, 1), ("\x04", 4, 1), ("y\n", 0, 0), ("\x03", 130, 1)]
)
def test_delete_asks_on_a_terminal(
    terminal: Callable[..., Terminal], client: Client, beanstalkd: Beanstalkd, answer: str, code: int, left: int
) -> None:
    id = client.put(b"x", tube="mail")
    shown = terminal("delete", "--ids", str(id))
    shown.until(f"Delete job {id} on {beanstalkd.address}? [y/N]: ")
    shown.type(answer)
    assert shown.end() == code
    assert client.stats().current_jobs_ready == left
    assert ("nothing was done: delete was not confirmed" in shown.shown) == (code == 4)


def test_a_missing_extra_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("textual", "beanops.tui."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)  # an import of it fails as if it were not there
    monkeypatch.setattr(dashboard, "why_plain", lambda: "")
    ended = cli("tui")
    assert ended.code == 2
    assert "pip install 'beanops[tui]'" in one_line(ended.err)


def test_a_user_without_a_name(cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", unknown)
    client.put(b"x", tube="mail")
    (row,) = cli("unpause", "mail", "--json").json["actions"]
    assert row["actor"].startswith(f"uid {os.getuid()}@")


def test_an_unknown_profile_names_those_with_a_name_like_it(cli: Cli) -> None:
    configure('[servers.production]\naddress = "127.0.0.1:1"')
    ended = cli("tubes", "-s", "productoin")
    assert ended.code == 3
    assert one_line(ended.err).endswith("; did you mean 'production'?")
    assert "did you mean" not in cli("tubes", "-s", "production").err
    configure('[servers.production]\naddress = "127.0.0.1:1"\n[groups]\nnightly = ["production"]')
    assert one_line(cli("tubes", "-s", "nightyl").err).endswith("; did you mean 'nightly'?")
