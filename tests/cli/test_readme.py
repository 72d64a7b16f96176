"""What the README shows does what it says there: each line of shell in a real one, and the Python of its sessions."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import beanops
from beanops import Client
from beanops.cli import app
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bodies import registry
from tests.cli.conftest import BEANOPS, Cli, bury, configure

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
#: Of the blocks in no other language; each line is run alone, after the same beginning.
LINES = [line for language, block in BLOCKS if not language for line in block.splitlines()]
#: The blocks below "Python": those before are of a notebook, the one after is a test.
*PYTHON, DECODER = [block for language, block in BLOCKS if language == "python"][1:4]


def test_every_command_is_shown() -> None:
    shown = {word for line in README.splitlines() for word in re.findall(r"beanops ([a-z]+)", line)}
    assert {"demo", *shown} >= set(app.COMMANDS), "the demo is make demo there"


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("make ")])
def test_a_line_of_shell(
    cli: Cli,
    client: Client,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(BEANOPS).parent}:{os.environ['PATH']}")
    staging = start_beanstalkd().address if "staging" in line else beanstalkd.address
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\n[servers.staging]\naddress = "{staging}"')
    bury(client, "billing", *([b'{"customer": 7}'] * 50))
    client.kick_job(42)
    run = cli("kick", "--ids", "1-3", "--json").json["run"]
    cli("export", "saved.jsonl", "--ids", "1-3")
    if "sample save" not in line:
        cli("sample", "save", "refund", "--id", "42")
    Path("poison.txt").write_text("42\n")
    Path("body.json").write_text("{}")
    command = ["bash", "-o", "pipefail", "-c", line.replace("RUN", run)]
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    told = ended.stderr.replace("export: 46 done\n", "")  # where the jobs themselves are the output
    assert (ended.returncode, told) == (0, "")
    assert ended.stdout or Path(line.partition(" > ")[2].split()[0]).stat().st_size


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_a_line_of_make(line: str) -> None:
    assert re.search(rf"^{line.split()[1]}: ", (ROOT / "Makefile").read_text(), re.M)


def test_the_python(client: Client, beanstalkd: Beanstalkd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bury(client, "billing", b'{"error": "card declined"}')
    client.put(b"x" * 2000, tube="mail")
    with beanops.connect(beanstalkd.address) as session:
        names = {"session": session}
        for block in PYTHON:
            exec(block.replace("127.0.0.1:11300", beanstalkd.address), names)
        assert list(session.actions["outcome"]) == ["done"]
    assert client.peek(3).body == b"hello"


def test_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = registry.Registry()
    monkeypatch.setattr(registry, "registry", fresh)
    monkeypatch.setattr("beanops.jobs.bodies.decoding.registry", fresh)
    exec(DECODER, {"beanops": beanops})
    assert beanops.decode(b"row;a;b").data == ["a", "b"]
    assert beanops.decode(b"else").data == "else"
