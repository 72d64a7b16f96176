"""The server that the examples are about, and ways to run them."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from beanops import Client, connect
from beanops.alerts.files import rules_path
from beanops.cli.app import group, run
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.session.files import samples
from tests.binlog.logs import record, version, write
from tests.cli.conftest import BEANOPS, bury, cli, configure, terminal

__all__ = ["cli", "terminal"]

#: Commands that need a terminal or workers, or do not end: their arguments are checked, and nothing else.
ENDLESS = {"demo", "exporter", "reserve", "serve", "tail", "tui", "wait", "web"}
#: Exit codes of commands that say what they found.
FINDING = {"doctor": (0, 1), "problems": (0, 1), "check": (0, 1, 2)}
#: The cause of most jobs.
CAUSE = Causes(Reader()).of(b'{"customer": 7, "error": "card declined"}')
#: What lines of a block have in common: variables, or a line that goes on. ``$.name`` is a path of JSON.
_SHARES = re.compile(r"\$[\w({]|^export |\\$|^ ", re.M)


class Shop(NamedTuple):
    """A server with jobs, and what the examples say of them.

    Attributes
    ----------
    address : str
        Where it listens.
    run : str
        A run that can be undone.
    group : str
        The name of the group of most jobs.
    """

    address: str
    run: str
    group: str


@pytest.fixture
def shop(
    client: Client,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    """Fill the test's server: 50 jobs of ``billing``, 46 of them buried, two of ``mail``, and files beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)
    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path))
    servers = {"prod": beanstalkd.address, "staging": start_beanstalkd().address}
    tables = "".join(f'[servers.{name}]\naddress = "{address}"\n' for name, address in servers.items())
    configure(f'{tables}[groups]\nall = ["prod", "staging"]\n')
    poison = {10, 20}
    bodies = [b'{"customer": 8}' if n in poison else b'{"customer": 7, "error": "card declined"}' for n in range(1, 51)]
    bury(client, "billing", *bodies)
    client.kick_job(42)
    for name in ("ann", "bob"):
        client.put(b'{"to": "%s"}' % name.encode(), tube="mail")
    with connect(beanstalkd.address) as session:
        done = session.kick([1, 2, 3])
        session.export("saved.jsonl", [1, 2, 3])
        samples.save("refund", samples.sample_of("billing", b'{"customer": 7}'))
    write(Path("binlog"), version() + record(7, b'{"to": "ann"}') + record(8, b"{}", tube="billing", state="buried"))
    rules_path().write_text(
        '[notifiers.log]\ntype = "command"\ncommand = ["true"]\n[[rule]]\nname = "a"\nwhen = "ready < 0"\n'
    )
    Path("poison.txt").write_text("42\n")
    Path("body.json").write_text("{}")
    Path("worker.log").write_text("10:00 job=42 failed\n10:01 job=1 failed\n")
    return Shop(beanstalkd.address, done.id, CAUSE.name)


@pytest.fixture
def shell(shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Run a block of shell: lines of beanops alone in this process, anything else by bash.

    A process takes five times as long as what it runs.
    """

    def run_here(line: str) -> None:
        words = shlex.split(line, comments=True)[1:]
        endless = bool(ENDLESS & set(words[:1]) or {"--follow", "--canary"} & set(words))
        if endless or _opens_editor(words) or words == ["alert"]:
            check_arguments(words)
            return
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        code = run(words)
        out, err = capfd.readouterr()
        codes = next((FINDING[word] for word in words if word in FINDING), (0,))
        assert (line, code in codes, _notes(err)) == (line, True, "")
        assert out or set(words) & {"snapshot", "export"}, line

    def run_block(block: str) -> None:
        block = block.replace("g7f31c0a2", shop.group).replace("g7f3", shop.group[:5])
        block = block.replace("/var/lib/beanstalkd", "binlog")
        block = block.replace("RUN", shop.run).replace("queue.internal:11300", shop.address)
        if _SHARES.search(block):
            run_by_bash(block)
            return
        for line in block.splitlines():
            if line.startswith("beanops ") and _is_plain(line):
                run_here(line)
            else:
                run_by_bash(line)

    def run_by_bash(script: str) -> None:
        monkeypatch.setenv("PATH", f"{Path(BEANOPS).parent}:{os.environ['PATH']}")
        bash = ["bash", "-euo", "pipefail", "-c", script]
        ended = subprocess.run(bash, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        assert (script, ended.returncode, _notes(ended.stderr)) == (script, 0, "")

    return run_block


def _opens_editor(words: list[str]) -> bool:
    return words[:2] == ["edit", "--ids"] and "--set" not in words


def _is_plain(line: str) -> bool:
    """Return whether a line is one command, without a pipe, a file or a variable; these may stand in quotes."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
    return not any(set(word) <= set("|<>&;") for word in words)


def check_arguments(words: list[str]) -> None:
    """Have the options of a command read without running it."""
    context = group.make_context("beanops", [*words])
    name, command, rest = group.resolve_command(context, words)
    assert command is not None
    command.make_context(name, rest, parent=context)


def _notes(err: str) -> str:
    """Return what was reported, without the summary of an export whose jobs are the output."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("export: "))
