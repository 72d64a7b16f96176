"""Signs of life: which process carries out a run, whether it is still there, and telling others that it is.

A run is on lease while it goes on, and the lease of a process that died runs out. A process on the same machine is
looked for, so that what it was cut off at can be resumed at once; of another machine only the lease tells. The leases
are in `leases`.
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

#: How long a run is taken to go on after it was last heard of; clocks of machines may differ by most of it.
TERM = timedelta(seconds=120)
#: Seconds between two signs of life.
_BEAT = 20.0
#: Runs that this process carries out.
_HERE: set[str] = set()


class Lease(NamedTuple):
    """Who carries out a run, and until when that is believed."""

    owner: str
    until: datetime


def lease_from(now: datetime) -> Lease:
    """Return a lease of this process."""
    return Lease(_owner(os.getpid()), now + TERM)


@cache  # to read it for each batch would hand the interpreter to the thread that looks, for milliseconds
def _owner(pid: int) -> str:
    return " ".join([*_machine(), str(pid), _started(pid) or "-"])


@cache
def _machine() -> tuple[str, str, str]:
    """Return what a process id belongs to: a host, its boot, and a namespace of processes."""
    return socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")


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
    """Return when a process was started, as the system counts; "-" where it does not tell, None where there is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # it is another user's
    _, _, facts = _read(f"/proc/{pid}/stat").rpartition(") ")
    state, *more = facts.split()
    if state in ("Z", "X"):
        return None
    return more[18] if len(more) > 18 else "-"


def is_gone(run: str, owner: str) -> bool:
    """Whether the process that carried out a run is known to do so no longer."""
    *machine, pid, started = owner.split(" ") if owner.count(" ") == 4 else ("", "", "")
    if tuple(machine) != _machine() or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return run not in _HERE
    now = _started(int(pid))
    return now is None or (now != started and "-" not in (now, started))


def is_elsewhere(owner: str) -> bool:
    """Whether a process is on another machine, so that nobody here can see it."""
    return owner.split(" ")[:3] != list(_machine())


@contextmanager
def alive(run: str, prolong: Callable[[list[str], Lease], None], clock: Callable[[], datetime]) -> Iterator[None]:
    """Give signs of life of a run meanwhile, also where it waits or searches for long."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT):
            with suppress(BeanopsError):  # a journal that is away may come back
                prolong([run], lease_from(clock()))

    try:
        _HERE.add(run)
        threading.Thread(target=beat, name=f"beanops-lease-{run}", daemon=True).start()
        yield
    finally:
        _HERE.discard(run)
        over.set()
