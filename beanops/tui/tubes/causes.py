"""`TubeCauses`: why the jobs of a tube failed, by cause, and its next job; read within bounds of time and number.

`CauseMemory` decides when a tube has to be read again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

from beanops.jobs.read import FoundJob
from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import safe_text

#: Causes that are shown, jobs that are read for them (buried ones, and others), and seconds that it may take.
TOP, BURIED, OTHERS, SECONDS = 3, 10_000, 500, 2.0
#: Seconds after which a tube is read again if its buried jobs changed, and if anything changed.
SOON, LATER = 10.0, 60.0
#: The packages of a class: with backslashes, or with dots before a class that a message follows.
_PACKAGES = re.compile(r"(?:\w+\\)+(?=\w)|(?:\w+\.)+(?=[A-Z]\w*:)")
#: Tubes that are remembered.
MOST = 200


class NextJob(NamedTuple):
    """The job that a kick or a worker would take next.

    Attributes
    ----------
    id : int
        Its id.
    state : str
        Its state.
    age : int
        Seconds since it was put.
    reserves : int
        How often a worker has reserved it.
    line : str
        Its error, else the beginning of its body; safe, redacted.
    """

    id: int
    state: str
    age: int
    reserves: int
    line: str


class TubeCauses(NamedTuple):
    """What was read of the jobs of a tube.

    Attributes
    ----------
    instance : str
        The server process.
    stats : TubeStats
        The statistics of the tube before it was read.
    at : float
        Seconds of the clock at which it was read.
    state : str
        The state of the jobs whose causes these are; empty where the tube has no jobs.
    groups : tuple of (int, str)
        The number of jobs of the most frequent causes, and each cause in words, safe.
    read : int
        The number of jobs that were read.
    next : NextJob or None
        The next buried job, else the next ready or delayed one.
    error : str
        Why it could not be read, safe.
    """

    instance: str
    stats: TubeStats
    at: float
    state: str = ""
    groups: tuple[tuple[int, str], ...] = ()
    read: int = 0
    next: NextJob | None = None
    error: str = ""


class CauseMemory:
    """Remembers what was read of tubes, and knows when to read one again."""

    def __init__(self) -> None:
        self._known: dict[str, TubeCauses] = {}

    def of(self, tube: str, instance: str) -> TubeCauses | None:
        """Return what is known of a tube of a server process."""
        known = self._known.get(tube)
        return known if known is not None and known.instance == instance else None

    def keep(self, causes: TubeCauses) -> None:
        """Remember what was read; the tubes that were read first are forgotten."""
        self._known.pop(causes.stats.name, None)
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[causes.stats.name] = causes

    def forget(self, tubes: Collection[str]) -> None:
        """Forget tubes whose jobs an action has changed, or all if it is not known which."""
        for tube in tubes or tuple(self._known):
            self._known.pop(tube, None)

    def is_due(self, stats: TubeStats, instance: str, now: float) -> bool:
        """Whether a tube has to be read: never while its counts stay, and a busy one only now and then."""
        known = self.of(stats.name, instance)
        if known is None:
            return True
        if _changing(known.stats) == _changing(stats) and not known.error:
            return False
        if state_read(known.stats) != state_read(stats):
            return True
        buried = known.stats.current_jobs_buried != stats.current_jobs_buried
        return now - known.at >= (SOON if buried else LATER)


def _changing(stats: TubeStats) -> tuple[int | None, ...]:
    return (
        stats.current_jobs_ready, stats.current_jobs_buried, stats.current_jobs_delayed, stats.current_jobs_reserved,
        stats.total_jobs, stats.cmd_delete,
    )  # fmt: skip


def state_read(stats: TubeStats) -> str:
    """Return the state whose jobs say most about a tube: buried, else ready, else delayed; empty without jobs."""
    states = ("buried", "ready", "delayed")
    return next((state for state in states if getattr(stats, f"current_jobs_{state}")), "")


def read_causes(
    session: Session, stats: TubeStats, instance: str, at: float, cancelled: Callable[[], bool]
) -> TubeCauses:
    """Read the causes and the next job of a tube; blocks on the network.

    Parameters
    ----------
    session : Session
        Finds and redacts jobs.
    stats : TubeStats
        The tube.
    instance : str
        The server process that is shown.
    at : float
        Seconds of the clock.
    cancelled : callable
        Whether nobody waits for it any more.
    """
    read = TubeCauses(instance, stats, at, state_read(stats))
    if not read.state:
        return read
    try:
        job = session._lookups.next_jobs(stats.name)[read.state]
        read = read._replace(next=None if job is None else _next(session, job))
        return read if cancelled() else _grouped(session, read, cancelled)
    except BeanopsError as error:
        return read._replace(error=safe_text(str(error), limit=200))


def _next(session: Session, job: FoundJob) -> NextJob:
    from beanops.jobs.bodies.errors import error_line, find_error

    decoded = session._context.decode(job.body or b"")
    data = decoded.data
    error = find_error(data) if isinstance(data, dict | list) else None
    line = safe_text(error_line(error)) if error is not None else decoded.summary
    stats = job.stats
    return NextJob(stats.id, stats.state, stats.age, stats.reserves, line)


def _grouped(session: Session, read: TubeCauses, cancelled: Callable[[], bool]) -> TubeCauses:
    from beanops.session.investigation.groups import GroupSearch  # the first paint must not wait for it

    give_up = time.monotonic() + SECONDS

    def stop_in_time(_: object) -> None:
        if cancelled() or time.monotonic() > give_up:
            search.scan.cancel()

    search: GroupSearch = GroupSearch(
        session._context,
        session._lookups,
        read.stats.name,
        most=TOP,
        state=read.state,
        limit=BURIED if read.state == "buried" else OTHERS,
        progress=stop_in_time,
    )
    search.run()
    found = search.found()
    texts = _without_what_is_alike([safe_text(group.cause or "") for group in found.groups])
    groups = tuple((group.count, text) for group, text in zip(found.groups, texts, strict=True))
    return read._replace(groups=groups, read=found.total)


def _without_what_is_alike(texts: list[str]) -> list[str]:
    """Return causes without the packages of classes, and without the class of the job where all have the same.

    Examples
    --------
    >>> _without_what_is_alike(["App\\\\Pay: app.errors.NoMoney: <n> left", "App\\\\Pay: timed out"])
    ['NoMoney: <n> left', 'timed out']
    """
    shorter = [_PACKAGES.sub("", text) for text in texts]
    heads = {text.partition(": ")[0] for text in shorter}
    if len(shorter) > 1 and len(heads) == 1 and all(": " in text for text in shorter):
        return [text.partition(": ")[2] for text in shorter]
    return shorter
