"""The payloads of ``stats``, ``stats-tube``, ``stats-job`` and the lists, as text of the chosen dialect."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping

from beanops.embedded.dialects import Dialect
from beanops.embedded.machine import Machine
from beanops.embedded.model import SECOND, StoredJob, Tube
from beanops.embedded.releases import release

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
#: What beanstalkd reports of a binlog that it does not use.
_BINLOG_FILE_SIZE = 10 * 2**20


class Reports:
    """Writes the statistics of one machine; those of the server are kept for `stats_kept` seconds, as forks do.

    Attributes
    ----------
    counts : Counter of bytes
        How often each command was given so far.
    """

    def __init__(self, machine: Machine, dialect: Dialect, max_job_size: int, stats_kept: float = 0) -> None:
        self._machine = machine
        self._release = release(dialect)
        self._max_job_size = max_job_size
        self._id = os.urandom(8).hex()
        self._host = platform.uname()
        self._kept_for = round(stats_kept * SECOND)
        self._kept = b""
        self._kept_until = 0
        self.counts: Counter[bytes] = Counter()

    def server(self) -> bytes:
        """Return the payload of ``stats``."""
        if not self._kept_for:
            return self._server()
        if self._machine.now >= self._kept_until:
            self._kept, self._kept_until = self._server(), self._machine.now + self._kept_for
        return self._kept

    def _server(self) -> bytes:
        machine = self._machine
        queues = machine.queues
        times = os.times()
        fields = {
            "current-jobs-urgent": queues.urgent,
            "current-jobs-ready": queues.ready,
            "current-jobs-reserved": machine.reserved,
            "current-jobs-delayed": len(queues.delayed),
            "current-jobs-buried": queues.buried,
            **{f"cmd-{command}": self.counts[command.encode("ascii")] for command in _COUNTED},
            "job-timeouts": machine.timeouts,
            "total-jobs": machine.total_jobs,
            "max-job-size": self._max_job_size,
            "current-tubes": len(queues.tubes),
            "current-connections": machine.connections,
            "current-producers": machine.producers,
            "current-workers": machine.workers,
            "current-waiting": machine.waiting,
            "total-connections": machine.total_connections,
            "pid": os.getpid(),
            "version": self._release.version,
            "rusage-utime": f"{times.user:.6f}",
            "rusage-stime": f"{times.system:.6f}",
            "uptime": (machine.now - machine.started_at) // SECOND,
            "binlog-oldest-index": 0,
            "binlog-current-index": 0,
            "binlog-records-migrated": 0,
            "binlog-records-written": 0,
            "binlog-max-size": _BINLOG_FILE_SIZE,
            **({} if self._release.old else {"draining": "true" if machine.draining else "false"}),
            "id": self._id,
            "hostname": self._text(self._host.node),
        }
        if not self._release.old:
            fields["os"] = self._text(self._host.version)
            fields["platform"] = self._text(self._host.machine)
        return _dictionary(fields)

    def tube(self, tube: Tube) -> bytes:
        """Return the payload of ``stats-tube``."""
        time_left = tube.unpause_at - self._machine.now if tube.pause else 0
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
        return _dictionary(fields)

    def job(self, job: StoredJob) -> bytes:
        """Return the payload of ``stats-job``."""
        now = self._machine.now
        time_left = job.deadline - now if job.state in ("reserved", "delayed") else 0
        fields = {
            "id": job.id,
            "tube": self._text(job.tube.name.decode("ascii")),
            "state": job.state,
            "pri": job.priority,
            "age": (now - job.created_at) // SECOND,
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
        return _dictionary(fields)

    def _text(self, value: str) -> str:
        return f'"{value}"' if self._release.quotes else value


def tube_names(tubes: Iterable[Tube]) -> bytes:
    """Return the payload of a list of tubes."""
    return b"---\n" + b"".join(b"- %b\n" % tube.name for tube in tubes)


def _dictionary(fields: Mapping[str, object]) -> bytes:
    lines = [f"{key}: {value}\n" for key, value in fields.items()]
    return f"---\n{''.join(lines)}".encode()
