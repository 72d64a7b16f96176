"""The commands of the README do what they say there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from beanops import Client
from tests.cli.conftest import Cli, bury

README = (Path(__file__).parents[2] / "README.md").read_text()
#: The lines of the one block of commands.
COMMANDS = re.findall(
    r"^beanops [a-z]+\b.*?(?=  #|$)", README.partition("### Command line")[2].partition("Each takes")[0], re.M
)


def test_every_command_is_shown() -> None:
    shown = {word for line in README.splitlines() for word in re.findall(r"beanops ([a-z]+)", line)}
    assert shown >= {
        "tubes",
        "stats",
        "peek",
        "put",
        "kick",
        "bury",
        "release",
        "delete",
        "pause",
        "resume",
        "tui",
        "jobs",
        "job",
        "sql",
        "snapshot",
    }


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
