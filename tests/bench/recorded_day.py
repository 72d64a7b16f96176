"""A recording of a day, for the figures: an hour of looks that are written, and the others as copies of its chunks."""

from __future__ import annotations

import random
import sqlite3
import time
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any

from beanops.monitor.history import HOUR
from beanops.monitor.survey import Seen, Survey
from beanops.protocol import ServerStats, TubeStats
from beanops.recording.writer import RecordingWriter

_BEGIN = 1_767_268_800.0
#: Each chunk begins with the length of its rows, then the first moment, in milliseconds.
_AT = slice(4, 12)


def record_day(path: Path, tubes: int, busy: int, slow: int) -> float:
    """Write a day at a look per second, of which some tubes are busy and some slow; return the seconds a look takes."""
    noise = random.Random(1)
    now = [0.0]
    zeros: dict[str, Any] = dict.fromkeys(ServerStats._fields[:48], 0)
    counts: list[dict[str, Any]] = [dict.fromkeys(TubeStats._fields[1:-1], 0) for _ in range(tubes)]
    took = 0.0
    with RecordingWriter(path, clock=lambda: now[0], wall=lambda: _BEGIN + now[0]) as writer:
        for second in range(int(HOUR)):
            now[0] = float(second)
            for number, tube in enumerate(counts):
                rate = 20.0 if number < busy else 0.02 if number < busy + slow else 0.0
                if rate > 1 or (rate and noise.random() < 5 * rate):
                    _work(tube, rate, noise)
            seen = {f"tube-{n}": Seen(TubeStats(f"tube-{n}", **tube), now[0]) for n, tube in enumerate(counts)}
            puts = sum(tube["total_jobs"] for tube in counts)
            numbers = {"uptime": second, "total_jobs": puts, "rusage_utime": second / 9, "cmd_put": puts}
            server = ServerStats(**{**zeros, "version": "1.13", "id": "one", "hostname": "host", **numbers})
            started = time.perf_counter()
            writer.add("prod", "queue:11300", Survey(now[0], server, tubes=MappingProxyType(seen)), 0.0)
            if second % 5 == 0:
                writer.settle() if second % 60 == 0 else writer.flush()
            took += time.perf_counter() - started
    _repeat(path)
    return took / HOUR


def _work(tube: dict[str, Any], rate: float, noise: random.Random) -> None:
    """Move a tube on: jobs come and go at a rate, with the noise of chance."""
    puts = max(0, round(noise.gauss(rate, rate**0.5)))
    deletes = min(tube["current_jobs_ready"] + puts, max(0, round(noise.gauss(rate, rate**0.5))))
    tube["current_jobs_ready"] += puts - deletes
    tube["total_jobs"] += puts
    tube["cmd_delete"] += deletes
    tube["current_watching"] = tube["current_using"] = 5
    tube["current_jobs_reserved"] = noise.randrange(5)
    tube["current_waiting"] = 5 - tube["current_jobs_reserved"]


def _repeat(path: Path) -> None:
    """Append the hour 23 times."""
    with sqlite3.connect(path) as database:
        chunks = database.execute("SELECT series, tier, era, began, ended, rows FROM chunks").fetchall()
        for number in range(1, 24):
            later = number * round(HOUR * 1000)
            database.executemany(
                "INSERT INTO chunks (series, tier, era, began, ended, rows) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (series, tier, era, began + later, ended + later, _shifted(rows, later))
                    for series, tier, era, began, ended, rows in chunks
                ],
            )
        database.execute("UPDATE stretches SET ended = ended + ?", (23 * round(HOUR * 1000),))
    database.close()


def _shifted(rows: bytes, by: int) -> bytes:
    data = bytearray(zlib.decompress(rows))
    data[_AT] = (int.from_bytes(data[_AT], "little") + by).to_bytes(8, "little")
    return zlib.compress(bytes(data), 6)
