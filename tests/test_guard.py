"""What the tests start ends with them, also when they are killed, and whatever signals they were started to ignore."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from beanops.embedded.process import Beanstalkd
from tests.guard import MARK, marked
from tests.waits import PATIENCE, until

ROOT = Path(__file__).parents[1]
#: Starts what tests start, tells the processes, and hangs.
HANGS = """
import os, subprocess, sys, time

def test_hangs(start_beanstalkd, tmp_path):
    servers = [start_beanstalkd() for _ in range(3)]
    others = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True),
        subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"]),
    ]
    print("PIDS", *[one.pid for one in (*servers, *others)], os.environ["BEANOPS_TESTS"], flush=True)
    time.sleep(600)
"""
#: Sends itself what a test sends to what it starts.
HEARS = """
import signal, subprocess, sys

def test_hears():
    for number in (signal.SIGINT, signal.SIGHUP):
        child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.readline()
        child.send_signal(number)
        assert child.wait(60) != 0
        child.stdout.close()
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return
    assert False
"""


def begin(folder: Path, text: str, **how: object) -> subprocess.Popen[str]:
    """Start pytest on tests of one's own, with the fixtures of these."""
    (folder / "test_it.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-s",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.conftest",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(MARK, None)
    return subprocess.Popen(
        [*command, str(folder / "test_it.py")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment, **how,  # type: ignore[call-overload]
    )  # fmt: skip


def alive(pid: int) -> bool:
    """Whether a process goes on; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="it needs Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_tests_that_are_killed_leave_no_process(number: signal.Signals, tmp_path: Path) -> None:
    with begin(tmp_path, HANGS) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "PIDS" in line)
        *pids, mark = line.partition("PIDS")[2].split()
        assert all(alive(int(pid)) for pid in pids)
        process.send_signal(number)
        process.wait(PATIENCE)
        until(lambda: not any(alive(int(pid)) for pid in pids))
        until(lambda: not marked(mark))


@pytest.mark.parametrize("numbers", [(signal.SIGINT,), (signal.SIGINT, signal.SIGHUP)])
def test_tests_pass_where_signals_are_ignored(numbers: tuple[signal.Signals, ...], tmp_path: Path) -> None:
    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    with begin(tmp_path, HEARS, preexec_fn=ignore) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out


STARTS = """
import sys, time
from beanops.embedded.process import Beanstalkd
with Beanstalkd() as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_whoever_started_it(number: signal.Signals, beanstalkd: Beanstalkd) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.send_signal(number)
        process.wait(PATIENCE)
    until(lambda: not alive(pid))


def test_what_watches_a_server_ends_with_it(beanstalkd: Beanstalkd) -> None:
    watch = beanstalkd._watch
    assert watch
    assert alive(watch.pid)
    beanstalkd.stop()
    assert watch.returncode is not None
    assert not alive(watch.pid)
