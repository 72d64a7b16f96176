"""The log of a server that is down: how fast a million jobs are listed, and the memory that it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from struct import pack_into

from tests.bench.figures import Figure, show
from tests.binlog.logs import record, version

JOBS = 1_000_000
_BODY = b'{"customer": 1017, "order": 4711, "mail": "ann@example.com", "try": 3}' + b" " * 130
#: Bytes of a file of a server by default.
_FILE = 10_485_760
#: Megabytes of a process, and megabytes a second.
_MEMORY, _SPEED = 60, 50
#: Megabytes where no two ids are near each other, as after years of a server.
_SPARSE = 200

#: Iterates over the jobs, and prints the memory that the process took at most, in bytes.
_ITERATED = """
import sys
from beanops import Binlog
number = sum(1 for job in Binlog(sys.argv[1]))
sys.exit(number != int(sys.argv[2]))
"""


def write_log(folder: Path, jobs: int, *, sparse: bool = False) -> int:
    """Write a log of so many jobs, one in ten with a short record too; return its bytes."""
    size, number = 0, 0
    full, short = bytearray(record(1, _BODY)), bytearray(record(1, None, state="buried", size=len(_BODY) + 2))
    part = bytearray(version())
    for n in range(1, jobs + 1):
        id = n * 9973 if sparse else n
        pack_into("<Q", full, 4 + len("mail"), id)
        part += full
        if n % 10 == 0:
            pack_into("<Q", short, 4, id)
            part += short
        if len(part) + len(full) + len(short) > _FILE or n == jobs:
            number += 1
            size += (folder / f"binlog.{number}").write_bytes(part)
            part = bytearray(version())
    return size


def _measured(*command: str) -> tuple[float, float]:
    """Return the seconds of processor time of a process, and the megabytes that it took at most."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def main(rounds: int = 3, jobs: int = JOBS) -> None:
    """Print the figures."""
    beanops = str(Path(sys.executable).with_name("beanops"))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        size = write_log(Path(folder), jobs)
        ways = {
            "beanops binlog DIR list": (beanops, "binlog", folder, "list"),
            "for job in Binlog(DIR)": (sys.executable, "-c", _ITERATED, folder, str(jobs)),
        }
        for way, command in ways.items():
            taken = [_measured(*command) for _ in range(rounds)]
            speed = size / 1e6 / median(seconds for seconds, _ in taken)
            figures.append(Figure(way, speed, _SPEED, 1, unit="MB/s"))
            memory = max(megabytes for _, megabytes in taken)
            figures.append(Figure("  its memory", memory, _MEMORY, 1, at_least=False, unit="MB"))
    with tempfile.TemporaryDirectory() as folder:
        write_log(Path(folder), jobs, sparse=True)
        _, memory = _measured(*ways["for job in Binlog(DIR)"][:3], folder, str(jobs))
        figures.append(Figure("  its memory, ids far apart", memory, _SPARSE, 1, at_least=False, unit="MB"))
    show(f"A binlog of {jobs:,} jobs, {size / 1e6:,.0f} MB", figures)
