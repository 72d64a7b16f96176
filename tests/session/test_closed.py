"""What is closed says so, whatever is asked of it; and what nobody closes is let go of without a warning."""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import beanops
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from beanops.monitor.survey import Surveyor
from beanops.protocol.errors import ConnectFailed, ConnectionClosed
from beanops.session.session import Session
from tests.proxies import Proxy
from tests.session.conftest import fill
from tests.waits import until

#: What needs neither the server nor the record.
WITHOUT = {"close", "through", "capabilities_of", "decode", "shown", "check_open", "known_capabilities"}
#: What each parameter may be given.
GIVEN: dict[str, Any] = {
    "jobs": 1, "tube": "mail", "id": 1, "ids": [1], "to": "post", "body": b"x", "bodies": [b"x"], "run": "x", "n": 1,
    "file": "x", "seconds": 1, "query": "select 1 from jobs", "directory": "x", "name": "mail", "which": "mail",
    "surveyor": Surveyor(time.monotonic), "server": None,
}  # fmt: skip


def calls() -> list[str]:
    """Return the names of all that a user can call on a session."""
    known = inspect.getmembers(Session, inspect.isfunction)
    return [name for name, _ in known if not name.startswith("_") and name not in WITHOUT]


def call(session: Session, name: str, **options: Any) -> object:
    """Call a method with what it must be given; read all of an iterator."""
    method = getattr(session, name)
    needed = [
        one.name for one in inspect.signature(method).parameters.values()
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]  # fmt: skip
    options |= {"copy": {"to": "post"}, "drain": {"state": "ready"}, "edit": {"priority": 9}}.get(name, {})
    found = method(**{one: GIVEN[one] for one in needed}, **options)
    return list(found) if hasattr(found, "__iter__") else found


@pytest.fixture
def closed(session: Session, worker: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.chdir(tmp_path)
    fill(worker, "mail")
    session.close()
    return session


@pytest.mark.parametrize("name", calls())
def test_a_session_that_was_closed_says_so(name: str, closed: Session, worker: Client, tmp_path: Path) -> None:
    before = worker.stats().total_connections
    with pytest.raises(ConnectionClosed, match=r"this session was closed by close\(\)"):
        call(closed, name)
    assert worker.stats().total_connections == before, "no connection is made for it"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["kick", "bury", "release", "delete", "export"])
def test_so_does_a_dry_run(name: str, closed: Session) -> None:
    with pytest.raises(ConnectionClosed, match="this session was closed"):
        call(closed, name, dry_run=True)


@pytest.mark.parametrize("name", ["actions", "runs", "capabilities"])
def test_so_does_what_is_no_call(name: str, closed: Session) -> None:
    with pytest.raises(ConnectionClosed, match="this session was closed"):
        getattr(closed, name)


def test_so_do_brackets_blocks_and_other_faces(closed: Session) -> None:
    for use in (lambda: closed["mail"], closed.__enter__, lambda: closed._through("tui").server()):
        with pytest.raises(ConnectionClosed, match="this session was closed"):
            use()
    assert closed.held == frozenset()
    assert closed._ipython_key_completions_() == []
    assert str(closed.address) in repr(closed)
    assert "Session on" in closed._repr_html_()
    closed.close()


def test_what_was_begun_before_it_was_closed_ends(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=3)
    job, scan, found = session.reserve("mail"), session.scan("mail"), session._lookups.jobs_by_id([1, 2])
    session.close()
    assert not job.held
    for use in (job.touch, job.release, job.bury, job.delete, lambda: list(scan), lambda: list(found)):
        with pytest.raises(ConnectionClosed, match=r"closed by close\(\)"):
            use()
    assert job.time_left == 0


def test_a_journal_that_was_closed_says_so(tmp_path: Path) -> None:
    record = Journal(str(tmp_path / "j.sqlite"))
    assert record.runs() == []
    record.close()
    with pytest.raises(JournalError, match=r"the journal at .*j\.sqlite is closed"):
        record.runs()
    record.close()


def test_a_session_whose_connection_the_server_closed_is_not_closed(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session]
) -> None:
    with Proxy(beanstalkd.port) as proxy:
        session = open_session(proxy.address)
        session.put(b"x", tube="mail")
        proxy.drop()
        assert session.put(b"x", tube="mail").complete
        assert len(session.jobs("mail")) == 2


def test_what_nobody_closed_is_let_go_of_quietly(beanstalkd: Beanstalkd, journal: str, recwarn: Any) -> None:
    client = Client(beanstalkd.address)
    client.put(b"x", tube="mail")
    session = beanops.connect(beanstalkd.address, journal=journal)
    session.put(b"x", tube="mail")
    with pytest.raises(ConnectFailed):
        Client("127.0.0.1:1")
    del client, session
    gc.collect()
    assert [str(one.message) for one in recwarn] == []
    with Client(beanstalkd.address) as other:
        # A thread that ends may have held one of them while the garbage was collected.
        until(lambda: gc.collect() >= 0 and other.stats().current_connections == 1)


SCRIPT = """
import asyncio, sys
import beanops
from beanops.embedded import serve

address, journal = sys.argv[1:]
client = beanops.Client(address)
client.put(b"x", tube="mail")
session = beanops.connect(address, journal=journal)
run = session.kick([1])
assert not session.actions.empty
for job in session._lookups.jobs_by_id([1]):
    break
held = session.reserve("mail")
for nowhere in ("127.0.0.1:1", "unix:/nowhere"):
    try:
        beanops.Client(nowhere)
    except beanops.errors.ConnectFailed:
        pass

async def ask():
    # How busy the machine is does not matter here.
    asyncio.get_running_loop().slow_callback_duration = 60
    async with beanops.AsyncClient(address) as waiting:
        await waiting.put(b"x")
        async for _ in waiting.pipeline([beanops.commands.stats()]):
            pass
    left = beanops.AsyncClient(address)
    await left.reconnect()
    await left.stats()

asyncio.run(ask())
with serve() as where, beanops.Client(where) as other:
    other.put(b"x")
"""


@pytest.mark.parametrize("flags", [["-W", "error"], ["-X", "dev", "-W", "error"]])
def test_a_script_that_closes_nothing_ends_without_a_warning(
    flags: list[str], beanstalkd: Beanstalkd, journal: str
) -> None:
    command = [sys.executable, *flags, "-c", SCRIPT, beanstalkd.address, journal]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


COMMANDS = [
    ["tubes"], ["stats"], ["stats", "mail"], ["peek", "mail"], ["jobs", "mail"], ["jobs", "mail", "-o", "parquet"],
    ["job", "1"], ["sql", "select count(*) from jobs"], ["put", "mail", "x"], ["kick", "--ids", "1"],
    ["export", "-"], ["journal"], ["servers"], ["tubes", "-s", "127.0.0.1:1"], ["jobs", "nowhere"], ["undo", "x"],
    ["copy", "mail", "--to", "post", "--yes"], ["drain", "mail", "--state", "ready", "--yes"], ["delete", "mail"],
    ["snapshot", "out"], ["import", "nowhere"], ["sample", "list"], ["--help"], ["completion", "bash"],
]  # fmt: skip


def test_no_command_warns(beanstalkd: Beanstalkd, worker: Client, tmp_path: Path) -> None:
    fill(worker, "mail", jobs=3)
    script = "import sys\nfrom beanops.cli.app import run\nfor line in sys.stdin:\n    run(line.strip().split('|'))\n"
    lines = "\n".join("|".join(part.strip() for part in command) for command in COMMANDS)
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], input=lines.encode(), capture_output=True,
        timeout=120, cwd=tmp_path, env={**os.environ, "BEANOPS_SERVER": beanstalkd.address},
    )  # fmt: skip
    err = ended.stderr.decode()
    assert ended.returncode == 0, err
    assert "Warning" not in err
    assert "Traceback" not in err


def test_completion_of_runs_leaves_nothing_open(
    beanstalkd: Beanstalkd, session: Session, worker: Client, journal: str
) -> None:
    ids = fill(worker, "mail", "buried")
    run = session.kick(ids)
    script = "import sys; from beanops.cli.app import run; sys.exit(run([]))"
    env = {
        **os.environ, "BEANOPS_JOURNAL": journal, "BEANOPS_SERVER": beanstalkd.address,
        "_BEANOPS_COMPLETE": "bash_complete", "COMP_WORDS": "beanops undo ", "COMP_CWORD": "2",
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, env=env
    )
    assert ended.stderr == ""
    assert run.id in ended.stdout
