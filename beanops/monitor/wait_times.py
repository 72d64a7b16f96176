"""The next jobs of tubes and jobs of them that a worker has reserved: how old they are, and how they fared.

The server lists no jobs: it takes a peek, then the statistics of the job. Each look limits both, and takes tubes in
turn; those on a screen come first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from heapq import nsmallest
from itertools import chain
from typing import Any

from beanops.client.sync import Client
from beanops.protocol import Command, Job, JobStats, TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError

#: Most tubes whose next jobs a look peeks at, and bytes of bodies for so many after which it peeks no more.
PEEKS, BYTES = 12, 256 * 1024
#: Bytes of a job up to which it peeks at all those tubes in one round trip before it knows how large bodies are.
SMALL = 65_536

_PEEKS = {"ready": commands.peek_ready, "buried": commands.peek_buried, "delayed": commands.peek_delayed}
#: The states of known jobs that each look asks for again.
_FOLLOWED = ("ready", "reserved")


class Ages:
    """Keeps the next job of each tube in each state, and the one before that a worker has reserved.

    Parameters
    ----------
    peeks : int
        Most tubes whose next jobs a look peeks at; some more where none of them is on a screen.
    """

    def __init__(self, peeks: int = PEEKS) -> None:
        self._peeks = peeks
        self._bytes = BYTES * max(1, peeks // PEEKS)
        self._known: dict[str, dict[str, JobStats]] = {}
        self._peeked: dict[str, int] = {}
        self._looks = 0
        # The bytes of the bodies of the tube with the most, as far as was seen; None before the first peek.
        self._largest: int | None = None

    def head(self, tube: str) -> JobStats | None:
        """Return the next ready job of a tube at the last look that asked for it."""
        return self._known.get(tube, {}).get("ready")

    def first_buried(self, tube: str) -> JobStats | None:
        """Return the job of a tube that a kick would take first, at the last look that asked for it."""
        return self._known.get(tube, {}).get("buried")

    def taken(self, tube: str) -> JobStats | None:
        """Return a job of a tube that is reserved."""
        return self._known.get(tube, {}).get("reserved")

    def jobs(self, tube: str) -> tuple[JobStats, ...]:
        """Return the jobs of a tube that are known, each as it was last seen."""
        known = self._known.get(tube)
        return tuple(known.values()) if known else ()

    def all(self) -> Iterator[JobStats]:
        """Yield the jobs of all tubes that are known."""
        for known in self._known.values():
            yield from known.values()

    def forget(self, tubes: Iterable[str]) -> None:
        """Forget tubes that no longer exist."""
        for name in tubes:
            self._known.pop(name, None)
            self._peeked.pop(name, None)

    def look(self, client: Client, tubes: Collection[TubeStats], wanted: Set[str]) -> None:
        """Update the jobs of tubes, given their statistics: of those that are `wanted`, and of a few others in turn."""
        self._looks += 1
        for tube in tubes:
            if tube.name in self._known:
                self._drop(tube, wanted)
        first = self._turn((tube for tube in tubes if tube.name in wanted), self._peeks)
        rest = max(self._peeks - len(first), self._peeks // 4)
        others = self._turn((tube for tube in tubes if tube.name not in wanted), rest)
        names = [tube.name for tube in tubes if tube.name in wanted]
        self._follow(client, [*names, *(tube.name for tube in others)])
        self._peek(client, [*first, *others])

    def _drop(self, tube: TubeStats, wanted: Set[str]) -> None:
        """Forget jobs of a tube in states in which it has none."""
        known = self._known[tube.name]
        for state in list(known):
            # A ready job of a tube on a screen is asked for again: a worker may have taken it.
            if not getattr(tube, f"current_jobs_{state}") and not (state == "ready" and tube.name in wanted):
                del known[state]
        if not known:
            del self._known[tube.name]

    def _turn(self, tubes: Iterable[TubeStats], most: int) -> list[TubeStats]:
        """Return the tubes with jobs that were not peeked into for longest, also where a job is known.

        A more urgent one may have become ready.
        """
        having = (t for t in tubes if t.current_jobs_ready or t.current_jobs_buried or t.current_jobs_delayed)
        return nsmallest(most, having, key=lambda tube: self._peeked.get(tube.name, 0))

    def _follow(self, client: Client, names: list[str]) -> None:
        """Ask again for jobs of tubes that are known: the next one may be reserved now."""
        asked = [name for name in names if name in self._known]
        ids = {self._known[name][state].id: None for name in asked for state in _FOLLOWED if state in self._known[name]}
        now = _jobs(client, ids)
        for name in asked:
            head, taken = self.head(name), self.taken(name)
            head, taken = (None if one is None else now.get(one.id) for one in (head, taken))
            if head is not None and head.state == "reserved":
                taken = head if taken is None or taken.state != "reserved" else taken
            self._keep(name, head, "ready")
            self._keep(name, taken, "reserved")

    def _peek(self, client: Client, tubes: list[TubeStats]) -> None:
        found: dict[int, tuple[str, str]] = {}
        size, left = 0, list(tubes)
        if self._largest is not None:
            self._largest //= 2  # a large body is soon forgotten
        while left and size <= self._bytes:
            part, left = left[: (most := self._at_once(client, size))], left[most:]
            size += self._peek_part(client, part, found)
        for id, stats in _jobs(client, found).items():
            self._keep(found[id][0], stats, found[id][1])

    def _at_once(self, client: Client, size: int) -> int:
        """Return into how many tubes to peek in one round trip, after so many bytes."""
        if self._largest is None:
            return self._peeks if client.max_job_size <= SMALL else 1
        return max(1, (self._bytes - size) // max(1, self._largest))

    def _peek_part(self, client: Client, tubes: list[TubeStats], found: dict[int, tuple[str, str]]) -> int:
        """Peek into tubes in one round trip, and return the bytes of the bodies."""
        asked = {tube.name: [state for state in _PEEKS if getattr(tube, f"current_jobs_{state}")] for tube in tubes}
        peeks = chain.from_iterable(map(_peek_into, asked, asked.values()))
        # A tube that is used would not cease to exist.
        answers = iter(client.pipeline(chain(peeks, (commands.use("default"),))))
        total = 0
        for name, states in asked.items():
            next(answers)  # of the use
            self._peeked[name] = self._looks
            jobs = {state: job for state, job in zip(states, answers, strict=False) if isinstance(job, Job)}
            for state in states:
                if state in jobs:
                    found[jobs[state].id] = name, state
                else:
                    self._keep(name, None, state)
            size = sum(len(job.body) for job in jobs.values())
            self._largest, total = max(self._largest or 0, size), total + size
        next(answers)
        return total

    def _keep(self, tube: str, job: JobStats | None, state: str) -> None:
        if job is not None and job.state == state and job.tube == tube:
            self._known.setdefault(tube, {})[state] = job
        elif tube in self._known:
            self._known[tube].pop(state, None)


def _peek_into(tube: str, states: list[str]) -> list[Command[Any]]:
    return [commands.use(tube), *(_PEEKS[state]() for state in states)]


def _jobs(client: Client, ids: Iterable[int]) -> dict[int, JobStats]:
    found = {}
    for result in client.pipeline(map(commands.stats_job, ids)):
        if not isinstance(result, ReplyError):
            found[result.id] = result
        elif not isinstance(result, NotFound):
            raise result
    return found
