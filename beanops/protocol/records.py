"""What replies become: jobs and the three kinds of statistics, typed by key.

Fields have the protocol's names in Python spelling (``current-jobs-ready`` is ``current_jobs_ready``,
``pri`` is ``priority``). How payloads are read is in `payloads`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class NoFields(Mapping[str, str]):
    """A mapping without keys that nobody can change and that, unlike a ``MappingProxyType``, can be pickled."""

    def __getitem__(self, key: str) -> str:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Mapping[str, str] = NoFields()
#: Where `ServerStats.extra` has the id of the process, where it is one of several that share their jobs.
NODE = "node"


class Job(NamedTuple):
    """A job as a reserve or a peek returns it.

    Attributes
    ----------
    id : int
        The server's number for the job, unsigned 64 bit.
    body : bytes
        The body, any bytes.
    """

    id: int
    body: bytes

    def __repr__(self) -> str:
        return f"<Job {self.id}, {len(self.body):,} bytes>"

    def _repr_html_(self) -> str:
        from beanops.html import card

        # Without the body: to hide what is secret in it takes the decoders, which this room does not know.
        return card(f"Job {self.id}", {"size": f"{len(self.body):,} bytes"})


class JobStats(NamedTuple):
    """The answer to ``stats-job``.

    Attributes
    ----------
    id : int
        The job's number.
    tube : str
        The tube that holds it.
    state : str
        ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``, or ``"invalid"`` while its body is still on the way.
    priority : int
        0 is most urgent, 2**32 - 1 least.
    age : int
        Seconds since the put.
    delay : int
        Seconds; the last value that was set, kept through kicks.
    ttr : int
        Seconds that a worker may hold it.
    time_left : int
        Seconds until a delayed job is ready or a reserved one times out, 0 otherwise. Negative for a reserved
        job past its ttr, which can stay reserved until its holder's connection does something.
    file : int or None
        Number of the binlog file that holds it, 0 without a binlog; None before 1.5, which does not say.
    reserves, timeouts, releases, buries, kicks : int
        How often each happened to the job.
    extra : Mapping[str, str]
        Fields that this version of beanops does not know, as sent.
    """

    id: int
    tube: str
    state: str
    priority: int
    age: int
    delay: int
    ttr: int
    time_left: int
    file: int | None
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int
    extra: Mapping[str, str] = NOTHING


class TubeStats(NamedTuple):
    """The answer to ``stats-tube``.

    Attributes
    ----------
    name : str
        The tube.
    current_jobs_urgent : int
        Ready jobs with a priority below 1024.
    current_jobs_ready, current_jobs_reserved, current_jobs_delayed, current_jobs_buried : int
        Jobs in each state.
    total_jobs : int
        Jobs put since the tube came into being.
    current_using, current_watching, current_waiting : int
        Connections that use it, watch it, and wait in a reserve for it.
    cmd_delete : int or None
        Deletes since the tube came into being; None before 1.5, which does not say.
    cmd_pause_tube : int or None
        Pauses since then; None before 1.4.3, which cannot pause a tube.
    pause : int
        Seconds of the pause in force, 0 without one.
    pause_time_left : int
        Seconds until it ends.
    extra : Mapping[str, str]
        Fields that this version of beanops does not know, as sent.
    """

    name: str
    current_jobs_urgent: int
    current_jobs_ready: int
    current_jobs_reserved: int
    current_jobs_delayed: int
    current_jobs_buried: int
    total_jobs: int
    current_using: int
    current_watching: int
    current_waiting: int
    cmd_delete: int | None
    cmd_pause_tube: int | None
    pause: int
    pause_time_left: int
    extra: Mapping[str, str] = NOTHING

    def _repr_html_(self) -> str:
        from beanops.html import card

        names = ("ready", "reserved", "delayed", "buried", "urgent")
        facts = {name: getattr(self, f"current_jobs_{name}") for name in names}
        facts |= {name: getattr(self, f"current_{name}") for name in ("watching", "waiting", "using")}
        facts |= {"jobs": self.total_jobs, "deletes": self.cmd_delete}
        paused = f"{self.pause_time_left:,} s of {self.pause:,} s left" if self.pause else None
        return card(f"Tube {self.name}", {**facts, "pause": paused})


class ServerStats(NamedTuple):
    """The answer to ``stats``. Counters start at 0 with the process, also after a restart from the binlog.

    Attributes
    ----------
    current_jobs_urgent, current_jobs_ready, current_jobs_reserved, current_jobs_delayed, current_jobs_buried : int
        Jobs in each state over all tubes.
    cmd_put, cmd_peek, ... : int
        Commands of each kind so far, refused ones too. The server counts no ``kick-job`` and no ``reserve-job``.
        `cmd_pause_tube` is None before 1.4.3, which cannot pause a tube.
    job_timeouts : int
        Reservations that ran past their ttr.
    total_jobs : int
        Jobs put so far; not a bound on ids, which continue after a restart from the binlog.
    max_job_size : int
        Bytes that a body may have.
    current_tubes, current_connections, current_producers, current_workers, current_waiting : int
        What exists now; a connection that ever put (reserved) is a producer (worker).
    total_connections : int
        Connections so far.
    pid : int
        The server's process.
    version : str
        Such as ``"1.13"``.
    rusage_utime, rusage_stime : float
        Seconds of processor time, user and system.
    uptime : int
        Seconds since the start.
    binlog_oldest_index, binlog_current_index : int
        Numbers of the oldest and the current binlog file, 0 without a binlog.
    binlog_records_migrated, binlog_records_written : int or None
        Records moved by compaction, and written in all; None before 1.5, which does not say.
    binlog_max_size : int
        Bytes of one binlog file.
    id : str
        Random name of this server process; what is remembered of a server is keyed on it. Empty before 1.9, which has
        none; a client then makes one of the address, the process number and the start. Processes of a cluster, which
        share their jobs, get the same one from a client.
    hostname : str or None
        The server's host; None before 1.9, which does not say.
    draining : bool or None
        True when the server refuses puts; None before 1.12, which does not say.
    os, platform : str or None
        System and processor; None before 1.12.
    extra : Mapping[str, str]
        Fields that this version of beanops does not know, as sent.
    """

    current_jobs_urgent: int
    current_jobs_ready: int
    current_jobs_reserved: int
    current_jobs_delayed: int
    current_jobs_buried: int
    cmd_put: int
    cmd_peek: int
    cmd_peek_ready: int
    cmd_peek_delayed: int
    cmd_peek_buried: int
    cmd_reserve: int
    cmd_reserve_with_timeout: int
    cmd_delete: int
    cmd_release: int
    cmd_use: int
    cmd_watch: int
    cmd_ignore: int
    cmd_bury: int
    cmd_kick: int
    cmd_touch: int
    cmd_stats: int
    cmd_stats_job: int
    cmd_stats_tube: int
    cmd_list_tubes: int
    cmd_list_tube_used: int
    cmd_list_tubes_watched: int
    cmd_pause_tube: int | None
    job_timeouts: int
    total_jobs: int
    max_job_size: int
    current_tubes: int
    current_connections: int
    current_producers: int
    current_workers: int
    current_waiting: int
    total_connections: int
    pid: int
    version: str
    rusage_utime: float
    rusage_stime: float
    uptime: int
    binlog_oldest_index: int
    binlog_current_index: int
    binlog_records_migrated: int | None
    binlog_records_written: int | None
    binlog_max_size: int
    id: str
    hostname: str | None
    draining: bool | None = None
    os: str | None = None
    platform: str | None = None
    extra: Mapping[str, str] = NOTHING

    @property
    def process(self) -> str:
        """Id of the process that answered; `id` is the same for all processes of a cluster, as far as it is known."""
        return self.extra.get(NODE, self.id)

    def _repr_html_(self) -> str:
        from beanops.html import card

        names = ("ready", "reserved", "delayed", "buried", "urgent")
        facts = {name: getattr(self, f"current_jobs_{name}") for name in names}
        names = ("tubes", "connections", "producers", "workers", "waiting")
        facts |= {name: getattr(self, f"current_{name}") for name in names}
        facts |= {"jobs": self.total_jobs, "timeouts": self.job_timeouts}
        others: dict[str, str | int | None] = {
            "uptime": f"{self.uptime:,} s",
            "largest body": f"{self.max_job_size:,} bytes",
            "binlog": bool(self.binlog_current_index),
            "draining": self.draining,
            "process": f"{self.pid} on {self.hostname}" if self.hostname else self.pid,
        }
        return card(f"beanstalkd {self.version}", {**facts, **others})
