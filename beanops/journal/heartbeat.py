"""The heartbeat of a run: which process executes it, whether that process still exists, and prolonging the lease.

A run holds a lease while it is under way, and the lease of a process that died runs out. Whether a process on the same
machine exists is checked directly, so that its run can be resumed at once; for another machine only the lease counts.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from beanops.protocol.errors import BeanopsError

#: How long a lease lasts; the clocks of machines may differ by most of it.
TERM = timedelta(seconds=120)
#: Seconds between two heartbeats.
_BEAT = 20.0
#: Runs that this process executes.
_HERE: set[str] = set()


class Lease(NamedTuple):
    """Which process executes a run, and until when it counts as alive."""

    owner: str
    until: datetime


def lease_from(now: datetime) -> Lease:
    """Return a lease of this process."""
    return Lease(_owner(os.getpid()), now + TERM)


def shared_lease_from(now: datetime) -> Lease:
    """Return a lease of the workers of an executor: it ends by time, whether this process still exists or not."""
    return Lease(f"{_machine()[0]} - executor {os.getpid()} -", now + TERM)


@cache  # reading it for each batch would give the interpreter to another thread for milliseconds
def _owner(pid: int) -> str:
    return " ".join([*_machine(), str(pid), _started(pid) or "-"])


@cache
def _machine() -> tuple[str, str, str]:
    """Return the scope of a process id: the host, its boot, and the PID namespace."""
    return socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")


def boot_id() -> str:
    """Return what names this machine since it was started, empty where that is not known."""
    return _machine()[1].strip("-")


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip() or "-"
    except OSError:
        return "-"


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return "-"


def _started(pid: int) -> str | None:
    """Return the start time of a process in clock ticks; "-" where it is not known, None where no process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # it belongs to another user
    _, _, facts = _read(f"/proc/{pid}/stat").rpartition(") ")
    state, *more = facts.split()
    if state in ("Z", "X"):
        return None
    return more[18] if len(more) > 18 else "-"


def is_gone(run: str, owner: str) -> bool:
    """Whether the process that executed a run certainly ended, or stopped executing it."""
    *machine, pid, started = owner.split(" ") if owner.count(" ") == 4 else ("", "", "")
    if tuple(machine) != _machine() or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return run not in _HERE
    now = _started(int(pid))
    return now is None or (now != started and "-" not in (now, started))


def is_elsewhere(owner: str) -> bool:
    """Whether a process is on another machine, where its existence cannot be checked."""
    return owner.split(" ")[:3] != list(_machine())


@contextmanager
def alive(run: str, prolong: Callable[[list[str], Lease], None], clock: Callable[[], datetime]) -> Iterator[None]:
    """Prolong the lease of a run until the end of the block, also while it waits or searches."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT):
            with suppress(BeanopsError):  # the journal may be reachable again later
                prolong([run], lease_from(clock()))

    try:
        _HERE.add(run)
        threading.Thread(target=beat, name=f"beanops-lease-{run}", daemon=True).start()
        yield
    finally:
        _HERE.discard(run)
        over.set()
