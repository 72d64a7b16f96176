"""How the dashboard ends and pauses in a real terminal: signals, a closed terminal, Ctrl-Z, and faults of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from tests.tui.conftest import fill
from tests.waits import PATIENCE, until

RUN = "import sys; from beanops.tui.app import run; sys.exit(run(sys.argv[1]))"
#: What gives the terminal back: alternate screen, mouse, cursor, bracketed paste.
GIVEN_BACK = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?25h", b"\x1b[?2004l")


class Screen:
    """A terminal of its own with a dashboard on it."""

    def __init__(self, *arguments: str) -> None:
        self.end, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._name = os.ttyname(other)
        self.before = termios.tcgetattr(other)
        self.written = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._other: int | None = other

    def read(self) -> bytes:
        """Return all that was written so far."""
        while select.select([self.end], [], [], 0.02)[0]:
            try:
                self.written += os.read(self.end, 65536)
            except OSError:
                break
        return self.written

    def shows(self, text: str) -> None:
        """Wait until a text has come since the last key."""
        until(lambda: text.encode() in self.read())

    def press(self, keys: str) -> None:
        self.read()
        self.written = b""
        os.write(self.end, keys.encode())

    def code(self) -> int:
        """Wait for its end; return the exit code."""
        until(lambda: self.read() is None or self.process.poll() is not None)
        self.read()
        return self.process.returncode

    @property
    def settings(self) -> list[object]:
        assert self._other is not None
        return termios.tcgetattr(self._other)

    def close(self) -> None:
        """Close the terminal, as who closes its window."""
        for number in (self._other, self.end):
            if number is not None:
                with suppress(OSError):
                    os.close(number)
        self._other = None

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.close()


@pytest.fixture
def screen(beanstalkd: Beanstalkd) -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_one(script: str = RUN) -> Screen:
        opened.append(Screen(script, beanstalkd.address))
        return opened[-1]

    yield open_one
    for one in opened:
        one.kill()


@pytest.fixture
def held(client: Client, screen: Callable[..., Screen]) -> Screen:
    """Return a dashboard that holds job 1."""
    fill(client, "mail", b"hello")
    one = screen()
    one.shows("mail")
    one.press("\r")
    one.shows("next ready")
    one.press("v")
    one.shows("Reserve the next")
    one.press("y")
    one.shows("you hold job 1")
    assert client.stats_job(1).state == "reserved"
    return one


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_gives_back_the_terminal_and_what_is_held(
    held: Screen, client: Client, number: signal.Signals, code: int
) -> None:
    held.press("")
    held.process.send_signal(number)
    assert held.code() == code
    assert all(sequence in held.written for sequence in GIVEN_BACK)
    assert held.settings == held.before
    assert client.stats_job(1).state == "ready"


def test_a_closed_terminal_ends_it_and_gives_back_what_is_held(held: Screen, client: Client) -> None:
    held.close()
    assert held.process.wait(PATIENCE) == 129
    assert client.stats_job(1).state == "ready"


def test_a_signal_ends_it_also_while_its_server_does_not_answer(held: Screen, beanstalkd: Beanstalkd) -> None:
    os.kill(beanstalkd.pid, signal.SIGSTOP)
    try:
        time.sleep(1.2)  # it is asked once a second
        asked = time.monotonic()
        held.process.send_signal(signal.SIGTERM)
        assert held.code() == 143
        assert time.monotonic() - asked < 8  # and the server may take ten to answer
    finally:
        os.kill(beanstalkd.pid, signal.SIGCONT)


def test_a_signal_ends_a_run_between_two_batches(
    screen: Callable[..., Screen], client: Client, beanstalkd: Beanstalkd
) -> None:
    fill(client, "mail", *[b"x"] * 60, bury=60)
    slowly = RUN.replace(
        "sys.exit",
        "from beanops.session.session import Session; kick = Session.kick;"
        "Session.kick = lambda self, ids, **how: kick(self, ids, **{**how, 'rate': 8}); sys.exit",
    )
    one = screen(slowly)
    one.shows("mail")
    one.press("\r")
    one.shows("60 jobs")
    one.press("*k")
    one.shows("Kick 60 jobs")
    one.press("y")
    until(lambda: client.stats_tube("mail").current_jobs_ready)
    one.process.send_signal(signal.SIGTERM)
    assert one.code() == 143
    ready = client.stats_tube("mail").current_jobs_ready
    assert 0 < ready < 60
    with closing(Journal(os.environ["BEANOPS_JOURNAL"])) as journal:
        (run,) = journal.runs(beanstalkd.address)
        assert journal.counts([run.id]) == {run.id: {"done": ready}}


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_paints_all_of_it(
    screen: Callable[..., Screen], client: Client
) -> None:
    fill(client, "mail", b"hello")
    one = screen()
    one.shows("mail")
    for _ in range(2):
        one.press("\x1a")
        until(lambda: os.waitid(os.P_PID, one.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None)
        os.waitid(os.P_PID, one.process.pid, os.WSTOPPED | os.WNOHANG)
        one.read()
        assert all(sequence in one.written for sequence in GIVEN_BACK)
        assert one.settings == one.before
        one.press("")
        os.kill(one.process.pid, signal.SIGCONT)
        for text in ("beanops", "ready", "1 problem", "tube", "mail", "more"):
            one.shows(text)
        assert one.settings != one.before
    one.press("\r")
    one.shows("hello")
    one.press("q")
    assert one.code() == 0


def test_a_fault_of_its_own_gives_the_terminal_back(screen: Callable[..., Screen], client: Client) -> None:
    fill(client, "mail", b"hello")
    broken = RUN.replace(
        "sys.exit",
        "from beanops.tui.screens.overview import TubesScreen; TubesScreen.action_open = lambda self: 1 / 0; sys.exit",
    )
    one = screen(broken)
    one.shows("mail")
    one.press("\r")
    assert one.code() == 1
    assert all(sequence in one.written for sequence in GIVEN_BACK)
    assert one.settings == one.before
    assert b"ZeroDivisionError" in one.written
