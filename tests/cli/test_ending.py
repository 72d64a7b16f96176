"""Commands that are told to end: SIGTERM, and SIGHUP of a terminal that is closed, end them as Ctrl-C does."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.session.connect import connect
from beanops.session.execution.ending import Interrupted, Terminated
from beanops.session.execution.run import Run
from tests.cli.conftest import Terminal, bury
from tests.waits import PATIENCE, until

Program = Callable[..., "subprocess.Popen[str]"]
CODES = [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]
COMMANDS = {
    "kick": ("kick", "mail", "--yes", "--rate", "40"),
    "delete": ("drain", "mail", "--state", "buried", "--yes", "--rate", "40"),
    "move": ("move", "mail", "--state", "buried", "--to", "post", "--yes", "--rate", "40"),
    "copy": ("copy", "mail", "--state", "buried", "--to", "post", "--yes", "--rate", "40"),
}


def begun(client: Client, what: Callable[[], int]) -> None:
    """Wait until a run has done something."""
    until(lambda: what() > 0)


def outcomes() -> Counter[str]:
    """Return what is on record of the last run."""
    record = Journal(os.environ["BEANOPS_JOURNAL"])
    try:
        run = record.runs(limit=1)[0]
        return Counter(record.counts([run.id])[run.id])
    finally:
        record.close()


@pytest.mark.parametrize(
    ("command", "number", "code"), [*((name, *CODES[0]) for name in COMMANDS), ("kick", *CODES[1])]
)
def test_a_bulk_run_ends_between_batches(
    command: str, number: signal.Signals, code: int, program: Program, client: Client
) -> None:
    bury(client, "mail", *([b"x"] * 400))
    before = client.stats()
    process = program(*COMMANDS[command], stdin=subprocess.DEVNULL)
    begun(client, lambda: (now := client.stats()).cmd_delete + now.current_jobs_ready + now.cmd_put - before.cmd_put)
    for _ in range(2):  # as timeout(1) sends it
        process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "ends after this batch" in err
    assert "stopped: cancelled" in err
    assert "to continue: beanops resume" in err
    counts = outcomes()
    assert counts["done"] % 10 == 0
    assert 0 < counts["done"] < 400
    assert counts["unknown"] == 0
    assert client.stats().current_jobs_reserved == 0


def test_a_terminal_that_is_closed_ends_a_run_between_batches(
    terminal: Callable[..., Terminal], client: Client
) -> None:
    bury(client, "mail", *([b"x"] * 200))
    shown = terminal("kick", "mail", "--rate", "40", "--yes")
    begun(client, lambda: 200 - client.stats().current_jobs_buried)
    os.close(shown._ours)
    assert shown.process.wait(PATIENCE) == 129
    assert outcomes()["unknown"] == 0


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_held_job_is_given_back_on_record(
    number: signal.Signals, code: int, terminal: Callable[..., Terminal], client: Client
) -> None:
    id = client.put(b"x", tube="mail", priority=7)
    shown = terminal("reserve", "mail")
    shown.until("kept by itself")
    shown.process.send_signal(number)
    assert shown.end() == code
    assert "Traceback" not in shown.shown
    stats = client.stats_job(id)
    assert (stats.state, stats.priority, stats.releases) == ("ready", 7, 1)
    assert outcomes()["done"] == 1


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_snapshot_leaves_nothing(
    number: signal.Signals, code: int, program: Program, client: Client, tmp_path: Path
) -> None:
    for n in range(50):
        client.put(b"x", tube=f"t{n}")
    process = program("snapshot", str(tmp_path / "out"), "--rate", "5")
    until(lambda: client.stats().cmd_stats_job > 0)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "Traceback" not in err
    assert list(tmp_path.glob("**/*.parquet")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_stays_so(number: signal.Signals, program: Program, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 60))

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    process = program("kick", "mail", "--yes", "--rate", "100", stdin=subprocess.DEVNULL, preexec_fn=ignore)
    begun(client, lambda: 60 - client.stats().current_jobs_buried)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "kick: 60 done\n", "")


def test_before_anything_is_done_a_signal_ends_at_once(terminal: Callable[..., Terminal], client: Client) -> None:
    bury(client, "mail", *([b"x"] * 60))
    shown = terminal("drain", "mail", "--state", "buried")
    shown.until("60")
    shown.process.send_signal(signal.SIGTERM)
    assert shown.end() == 143
    assert client.stats().current_jobs_buried == 60


SCRIPT = """
import sys, beanops
with beanops.connect(sys.argv[1], journal=sys.argv[2]) as session:
    session.kick("mail", rate=40)
"""


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_script_ends_as_with_ctrl_c(
    number: signal.Signals, code: int, beanstalkd: Beanstalkd, client: Client
) -> None:
    bury(client, "mail", *([b"x"] * 200))
    command = [sys.executable, "-W", "error", "-c", SCRIPT, beanstalkd.address, os.environ["BEANOPS_JOURNAL"]]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        begun(client, lambda: 200 - client.stats().current_jobs_buried)
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    assert err.startswith("beanops: kick: ")
    assert "stopped: cancelled; session.resume('" in err
    assert err.count("\n") == 1
    assert outcomes()["unknown"] == 0


@pytest.mark.usefixtures("default_signals")
def test_handlers_are_there_only_while_a_run_goes_on(beanstalkd: Beanstalkd, client: Client) -> None:
    ids = bury(client, "mail", *([b"x"] * 3))
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    seen: list[Any] = []
    with connect(beanstalkd.address) as session:
        session.kick(ids[0], progress=lambda _: seen.append([signal.getsignal(number) for number in numbers]))
        assert [signal.getsignal(number) for number in numbers] == before
        assert all(one is not other for one, other in zip(seen[-1], before, strict=True))
        seen.clear()
        thread = threading.Thread(
            target=session.kick,
            args=(ids[1],),
            kwargs={"progress": lambda _: seen.append([signal.getsignal(number) for number in numbers])},
        )
        thread.start()
        thread.join()
        assert seen[-1] == before


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_was_terminated_is_at_hand(
    number: signal.Signals, beanstalkd: Beanstalkd, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = bury(client, "mail", *([b"x"] * 1500))
    with connect(beanstalkd.address) as session:
        with pytest.raises(Terminated) as caught:
            session.kick(ids, progress=lambda run: run.done and signal.raise_signal(number))
        assert caught.value.code == 128 + number
        assert (caught.value.run.done, caught.value.run.unknown) == (1000, 0)
        assert capsys.readouterr().err.startswith("beanops: kick: 1,000 done; stopped: cancelled; session.resume(")
        assert session.resume(caught.value.run).done == 500


@pytest.mark.usefixtures("default_signals")
def test_the_handlers_of_a_program_are_left_to_it(beanstalkd: Beanstalkd, client: Client) -> None:
    ids = bury(client, "mail", *([b"x"] * 1500))
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with connect(beanstalkd.address) as session:
            run = session.kick(ids, progress=lambda run: run.done and signal.raise_signal(signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (run.done, came[:1]) == (1500, [signal.SIGTERM])


def cancelled_at(step: int) -> bool:
    """Wait as a run does, and cancel at a step of it, as a handler of signals does; return whether there is that step.

    A wait that blocks before it is cancelled from another thread.
    """
    run = Run("r", "kick", list)
    steps: list[str] = []

    def come(frame: FrameType, event: str, arg: object) -> Any:
        steps.append(event)
        if len(steps) > step:
            sys.settrace(None)
            run.cancel()
        return come

    def wait() -> None:
        sys.settrace(come)
        run.wait(2 * PATIENCE)

    waiting, later = threading.Thread(target=wait, daemon=True), threading.Timer(0.2, run.cancel)
    later.daemon = True
    for thread in (waiting, later):
        thread.start()
    waiting.join(PATIENCE)
    assert not waiting.is_alive(), f"it waits forever after {steps}"
    later.cancel()
    return len(steps) > step


def test_a_signal_ends_the_wait_of_a_run_at_whatever_moment_it_comes() -> None:
    last = next(step for step in itertools.count() if not cancelled_at(step))
    assert last > 1


def test_an_export_ends_with_whole_lines(beanstalkd: Beanstalkd, client: Client, tmp_path: Path) -> None:
    bury(client, "mail", *([b"x"] * 2500))
    file = tmp_path / "out.jsonl"
    with connect(beanstalkd.address) as session, pytest.raises(Interrupted) as caught:
        session.export(file, "mail", progress=lambda run: run.done and signal.raise_signal(signal.SIGINT))
    lines = file.read_text().splitlines()
    assert len(lines) == caught.value.run.done
    assert all(line.endswith("}") for line in lines)
