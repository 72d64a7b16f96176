"""`Capabilities`: what a server supports and what it does in another way, asked once per server process."""

from __future__ import annotations

import secrets
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from beanops.client.instances import is_made_up
from beanops.client.sync import Client
from beanops.jobs.cluster import explore, may_be_shared
from beanops.protocol import ServerStats, commands
from beanops.protocol.errors import SINCE, NotFound, ReplyError, Unsupported
from beanops.protocol.payloads import release_of

#: Statistics that came with a release, and those that 1.4 lacks of tubes and jobs.
_OLDER = ("cmd-delete of tubes", "file of jobs")


#: What a trait of a server is, in the order in which they are shown.
Kind = Literal["can", "lacks", "differs"]
KINDS: tuple[Kind, ...] = ("can", "lacks", "differs")


class Trait(NamedTuple):
    """One thing in which a server is unlike beanstalkd 1.13.

    Attributes
    ----------
    kind : {"can", "lacks", "differs"}
        Whether the server has more, lacks something, or does something in another way.
    short : str
        The thing in a few words, for a header; empty if it is not worth one.
    text : str
        What it means for its user, in one line.
    """

    kind: Kind
    short: str
    text: str


class Capabilities(NamedTuple):
    """What a server supports, and what it does in another way than beanstalkd 1.13.

    Attributes
    ----------
    version : str
        The version that the server reports.
    reserve_job : bool
        Whether it can reserve a job by its id, as beanstalkd can since 1.12.
    kick_job : bool
        Whether it can kick a job by its id, as beanstalkd can since 1.8.
    truncate : bool
        Whether it can empty a tube with one command, as a fork can.
    cached_stats : bool
        Whether its statistics of the server may be half a second old.
    clamped_time_left : bool
        Whether the time left of a reserved job is never below 0, so that nobody sees that it is overdue.
    shared : bool
        Whether several processes answer at its address, which have different ids and share their jobs.
    missing : tuple of str
        Statistics that it does not have, under their names in the protocol.

    Examples
    --------
    >>> Capabilities("1.11", reserve_job=False).in_short
    'no reserve-job (since 1.12)'
    """

    version: str
    reserve_job: bool
    kick_job: bool = True
    truncate: bool = False
    cached_stats: bool = False
    clamped_time_left: bool = False
    shared: bool = False
    missing: tuple[str, ...] = ()

    @property
    def traits(self) -> tuple[Trait, ...]:
        """In what it is unlike beanstalkd 1.13; empty if it is like it."""
        wanted = {
            _RESERVE_JOB._replace(text=f"{_RESERVE_JOB.text} ({self.needs})"): not self.reserve_job,
            _KICK_JOB: not self.kick_job,
            _DELETE_DELAYED: not self.delete_delayed,
            self._missing: bool(self.missing),
            _TRUNCATE: self.truncate,
            _CACHED: self.cached_stats,
            _CLAMPED: self.clamped_time_left,
            _SHARED: self.shared,
        }
        return tuple(trait for trait, here in wanted.items() if here)

    @property
    def delete_delayed(self) -> bool:
        """Whether it deletes delayed jobs, as beanstalkd does since 1.5."""
        return _OLDER[0] not in self.missing

    @property
    def _missing(self) -> Trait:
        return Trait("lacks", "", f"the statistics {', '.join(self.missing)}: they are blank")

    def in_words(self, kind: Kind) -> str:
        """Return what it has more, lacks, or does in another way, in one line; empty if there is none."""
        return "; ".join(trait.text for trait in self.traits if trait.kind == kind)

    @property
    def lacks(self) -> str:
        """What it does not support, in words; empty if it supports everything."""
        return self.in_words("lacks")

    @property
    def in_short(self) -> str:
        """What a user of the server must know, for a header."""
        return ", ".join(trait.short for trait in self.traits if trait.short)

    @property
    def needs(self) -> str:
        """The version that is needed to reserve jobs by their ids, in words."""
        return f"needs beanstalkd {SINCE['reserve-job']} or newer, this is {self.version}"


_RESERVE_JOB = Trait(
    "lacks",
    f"no reserve-job (since {SINCE['reserve-job']})",
    "reserve-job: it buries a chosen job only in a tube that no worker watches",
)
_KICK_JOB = Trait(
    "lacks",
    f"no kick-job (since {SINCE['kick-job']})",
    "kick-job: it kicks only the next jobs of a tube, and no chosen ones",
)
_DELETE_DELAYED = Trait(
    "lacks",
    "no delete of delayed jobs (since 1.5)",
    "delete of delayed jobs: they read as no longer available; kick the tube first",
)
_TRUNCATE = Trait("can", "truncate", "truncate: drain --no-bodies empties a tube with one command")
_CACHED = Trait(
    "differs",
    "cached statistics",
    "its statistics may be half a second old: beanops waits for newer ones where it relies on them",
)
_CLAMPED = Trait(
    "differs", "time left clamped", "the time left of a job is never below 0: overdue jobs are not recognised"
)
_SHARED = Trait("differs", "cluster", "several processes answer at its address, which share their jobs")


def probe(client: Client, server: ServerStats) -> Capabilities:
    """Ask a server what it supports, with commands that change nothing.

    Job 0 never exists, and neither does the tube that is to be truncated. Forks have versions of their own, so the
    answers decide; where one is not clear, the version does.
    """
    tube = f"beanops-probe-{secrets.token_hex(8)}"
    asked: list[Any] = [commands.reserve_job(0), commands.kick_job(0), commands.truncate(tube), *[commands.stats()] * 3]
    reserve, kick, truncate, *looks = client.pipeline(asked)
    counts = [look.cmd_stats for look in looks if isinstance(look, ServerStats)]
    return Capabilities(
        server.version,
        reserve_job=_has(reserve, "reserve-job", server.version),
        kick_job=_has(kick, "kick-job", server.version),
        truncate="cmd-truncate" in server.extra or isinstance(truncate, NotFound | int),
        cached_stats=any(before == after for before, after in pairwise(counts)),
        clamped_time_left=may_be_shared(server),
        shared=explore(client, server),
        missing=_missing(server),
    )


def _has(answer: Any, name: str, version: str) -> bool:
    """Whether a server has a command, by its answer or else by the version."""
    if isinstance(answer, ReplyError) and not isinstance(answer, NotFound | Unsupported):
        release = release_of(version)
        return release is None or release >= (release_of(SINCE[name]) or ())
    return not isinstance(answer, Unsupported)


def _missing(server: ServerStats) -> tuple[str, ...]:
    names = [name.replace("_", "-") for name in ServerStats._fields if getattr(server, name) is None]
    if is_made_up(server.id):
        names.insert(0, "id")
    return (*names, *(_OLDER if server.binlog_records_written is None else ()))
