"""The commands of the README do what they say there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client
from beanops.cli import app
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, bury, configure

README = (Path(__file__).parents[2] / "README.md").read_text()
#: The lines of the one block of commands.
COMMANDS = re.findall(
    r"^beanops [a-z]+\b.*?(?=  #|$)", README.partition("### Command line")[2].partition("Each takes")[0], re.M
)


def test_every_command_is_shown() -> None:
    shown = {word for line in README.splitlines() for word in re.findall(r"beanops ([a-z]+)", line)}
    assert {"demo", *shown} >= set(app.COMMANDS), "the demo is make demo there"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme(
    cli: Cli, client: Client, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bury(client, "billing", *([b'{"customer": 7}'] * 50))
    client.kick_job(42)
    command, _, stdin = line.partition(" < ")
    ended = cli(*shlex.split(command)[1:], stdin=b"42\n" if stdin else b"")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


#: The lines of the blocks on acting, the record, servers and files; each line alone, after the same beginning.
ON_THE_RECORD = re.findall(
    r"^beanops [a-z-]+\b.*?(?=  +#|$)",
    README.partition("## Act on many jobs")[2].partition("## A server wherever")[0],
    re.M,
)


@pytest.mark.parametrize("line", ON_THE_RECORD)
def test_a_command_on_the_record_of_the_readme(
    cli: Cli,
    client: Client,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    staging = start_beanstalkd().address if "staging" in line else beanstalkd.address
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\n[servers.staging]\naddress = "{staging}"')
    bury(client, "billing", *([b'{"customer": 7}'] * 50))
    client.kick_job(42)
    run = cli("kick", "--ids", "1-3", "--json").json["run"]
    cli("export", "saved.jsonl", "--ids", "1-3")
    cli("sample", "save", "charge", "--id", "42")
    stdin = b"{}"
    for step in line.replace("RUN", run).split(" | "):
        command = re.split(" [<>] ", step)[0]
        ended = cli(*shlex.split(command)[1:], stdin=stdin)
        assert ended.code == 0
        assert ended.out
        stdin = ended.out.encode(errors="replace")
