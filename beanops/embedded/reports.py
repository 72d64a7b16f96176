"""The payloads of ``stats``, ``stats-tube``, ``stats-job`` and the lists, as text of the chosen dialect."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping

from beanops.embedded.machine import Machine
from beanops.embedded.model import SECOND, StoredJob, Tube
from beanops.embedded.releases import Release

#: The commands that ``stats`` counts, in its order.
_COUNTED = (
    "put",
    "peek",
    "peek-ready",
    "peek-delayed",
    "peek-buried",
    "reserve",
    "reserve-with-timeout",
    "delete",
    "release",
    "use",
    "watch",
    "ignore",
    "bury",
    "kick",
    "touch",
    "stats",
    "stats-job",
    "stats-tube",
    "list-tubes",
    "list-tube-used",
    "list-tubes-watched",
    "pause-tube",
)
_TRUNCATE = ("truncate",)
#: What beanstalkd reports of a binlog that it does not use.
_BINLOG_FILE_SIZE = 10 * 2**20


class Reports:
    """Writes the statistics of one machine; those of the server are kept for `stats_kept` seconds, as forks do.

    With several `nodes` it answers as a cluster behind one address does: each connection is with one of them, in
    turn, and each has an id, a process and a host of its own, although the jobs are the same.

    Attributes
    ----------
    counts : Counter of bytes
        How often each command was given so far.
    """

    def __init__(
        self, machine: Machine, release: Release, max_job_size: int, stats_kept: float = 0, nodes: int = 1
    ) -> None:
        self._machine = machine
        self._release = release
        self._max_job_size = max_job_size
        self._ids = [os.urandom(8).hex() for _ in range(nodes)]
        self._host = platform.uname()
        self._kept_for = round(stats_kept * SECOND)
        self._kept: dict[int, tuple[bytes, int]] = {}
        self._counted = (*_COUNTED, *(_TRUNCATE if release.truncates else ()))
        self._lacks: dict[str, set[str]] = {command: set() for command in ("stats", "stats-tube", "stats-job")}
        for field in release.lacks:
            command, _, key = field.partition(" ")
            self._lacks[command].add(key)
        self.counts: Counter[bytes] = Counter()

    def server(self, client: int) -> bytes:
        """Return the payload of ``stats`` for the connection of that number."""
        node = client % len(self._ids)
        if not self._kept_for:
            return self._server(node)
        kept, until = self._kept.get(node, (b"", 0))
        if self._machine.now >= until:
            kept = self._server(node)
            self._kept[node] = kept, self._machine.now + self._kept_for
        return kept

    def _server(self, node: int) -> bytes:
        machine = self._machine
        queues = machine.queues
        times = os.times()
        counts = {f"cmd-{command}": self.counts[command.encode("ascii")] for command in self._counted}
        if self._release.counts_stored:
            counts["cmd-put"] = machine.total_jobs
        fields = {
            "current-jobs-urgent": queues.urgent,
            "current-jobs-ready": queues.ready,
            "current-jobs-reserved": machine.reserved,
            "current-jobs-delayed": len(queues.delayed),
            "current-jobs-buried": queues.buried,
            **counts,
            "job-timeouts": machine.timeouts,
            "total-jobs": machine.total_jobs,
            "max-job-size": self._max_job_size,
            "current-tubes": len(queues.tubes),
            "current-connections": machine.connections,
            "current-producers": machine.producers,
            "current-workers": machine.workers,
            "current-waiting": machine.waiting,
            "total-connections": machine.total_connections,
            "pid": os.getpid() + node,
            "version": self._release.version,
            "rusage-utime": f"{times.user:.6f}",
            "rusage-stime": f"{times.system:.6f}",
            "uptime": (machine.now - machine.started_at) // SECOND,
            "binlog-oldest-index": 0,
            "binlog-current-index": 0,
            "binlog-records-migrated": 0,
            "binlog-records-written": 0,
            "binlog-max-size": _BINLOG_FILE_SIZE if self._release.binlog else 0,
            "draining": "true" if machine.draining else "false",
            "id": self._ids[node],
            "hostname": self._text(self._host.node + (f"-{node}" if node else "")),
            "os": self._text(self._host.version),
            "platform": self._text(self._host.machine),
        }
        return self._dictionary("stats", fields)

    def tube(self, tube: Tube) -> bytes:
        """Return the payload of ``stats-tube``."""
        time_left = self._left(tube.unpause_at) if tube.pause else 0
        fields = {
            "name": self._text(tube.name.decode("ascii")),
            "current-jobs-urgent": tube.urgent,
            "current-jobs-ready": len(tube.ready),
            "current-jobs-reserved": tube.reserved,
            "current-jobs-delayed": len(tube.delayed),
            "current-jobs-buried": len(tube.buried),
            "total-jobs": tube.total_jobs,
            "current-using": tube.using,
            "current-watching": tube.watching,
            "current-waiting": len(tube.waiting),
            "cmd-delete": tube.deletes,
            "cmd-pause-tube": tube.pauses,
            "pause": tube.pause // SECOND,
            "pause-time-left": time_left // SECOND,
        }
        return self._dictionary("stats-tube", fields)

    def job(self, job: StoredJob) -> bytes:
        """Return the payload of ``stats-job``."""
        time_left = self._left(job.deadline) if job.state in ("reserved", "delayed") else 0
        fields = {
            "id": job.id,
            "tube": self._text(job.tube.name.decode("ascii")),
            "state": job.state,
            "pri": job.priority,
            "age": (self._machine.now - job.created_at) // SECOND,
            "delay": job.delay,
            "ttr": job.ttr,
            # Towards zero, as C divides: it is negative for a job past its ttr.
            "time-left": time_left // SECOND if time_left >= 0 else -(-time_left // SECOND),
            "file": 0,
            "reserves": job.reserves,
            "timeouts": job.timeouts,
            "releases": job.releases,
            "buries": job.buries,
            "kicks": job.kicks,
        }
        return self._dictionary("stats-job", fields)

    def _left(self, until: int) -> int:
        left = until - self._machine.now
        return max(left, 0) if self._release.clamps else left

    def _dictionary(self, command: str, fields: Mapping[str, object]) -> bytes:
        lacks = self._lacks[command]
        lines = [f"{key}: {value}\n" for key, value in fields.items() if key not in lacks]
        return f"---\n{''.join(lines)}".encode()

    def _text(self, value: str) -> str:
        return f'"{value}"' if self._release.quotes else value


def tube_names(tubes: Iterable[Tube]) -> bytes:
    """Return the payload of a list of tubes."""
    return b"---\n" + b"".join(b"- %b\n" % tube.name for tube in tubes)
