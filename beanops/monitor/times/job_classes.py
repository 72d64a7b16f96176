"""`ClassSample`: how many jobs of each class are put into a tube, from the bodies of a few of them.

Who reads bodies is for the face to say: this room knows no decoders. It keeps names alone, and no body.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.monitor.times.job_times import RECENT
from beanops.protocol import Job, JobStats, commands
from beanops.protocol.errors import NotFound, ReplyError

#: Returns the name of a job's class, given its body; None where the body has none.
Classify = Callable[[bytes], str | None]

#: Bodies that a look reads at most, bytes after which it reads no more, and bodies of a tube that count.
BODIES, BYTES, MOST = 5, 256 * 1024, 300
#: Classes of a tube that are told apart; the others count as jobs without a known class.
CLASSES = 20


class JobClass(NamedTuple):
    """The jobs of one class in a tube: an estimate from a sample.

    Attributes
    ----------
    name : str or None
        The class, such as ``"App\\Jobs\\SendMail"``; None is all jobs whose class is not known: their bodies have
        none, or they were gone before they could be read.
    jobs : int
        Number of jobs in the sample; those without a known class as far as their bodies were read.
    puts_per_s : float or None
        Jobs put per second.
    """

    name: str | None
    jobs: int
    puts_per_s: float | None


class ClassSample:
    """Keeps the classes of a sample of the jobs of each tube.

    Parameters
    ----------
    classify : callable
        Returns the name of a job's class.
    random : Random or None
        Chooses jobs.
    """

    def __init__(self, classify: Classify, random: Random | None = None) -> None:
        self._classify = classify
        self._random = Random() if random is None else random
        self._kept: dict[str, deque[tuple[float, str | None]]] = {}

    def look(self, client: Client, jobs: Sequence[JobStats], at: float) -> None:
        """Read the bodies of a few jobs."""
        jobs = self._random.sample(jobs, min(BODIES, len(jobs)))
        size = 0
        for job in jobs:
            if size > BYTES:
                break
            (found,) = client.pipeline([commands.peek(job.id)])
            if isinstance(found, Job):
                size += len(found.body)
                kept = self._kept.setdefault(job.tube, deque(maxlen=MOST))
                kept.append((at, self._classify(found.body)))
            elif isinstance(found, ReplyError) and not isinstance(found, NotFound):
                raise found

    def classes(self, tube: str, at: float, puts_per_s: float | None, alive: float | None) -> tuple[JobClass, ...]:
        """Return the classes of a tube, the one with the most jobs first; those without a known class last.

        Parameters
        ----------
        tube : str
            Its name.
        at : float
            Seconds of the surveyor's clock.
        puts_per_s : float or None
            Jobs put into it per second.
        alive : float or None
            The share of its jobs that were still there when they were asked for: only their bodies can be read.
        """
        kept = self._kept.get(tube)
        while kept and kept[0][0] <= at - RECENT:
            kept.popleft()
        if not kept:
            return ()
        number = Counter(name for _, name in kept)
        unknown = number.pop(None, 0)
        common = number.most_common(CLASSES)
        unknown += number.total() - sum(jobs for _, jobs in common)
        rate = None if puts_per_s is None or alive is None else puts_per_s * alive / len(kept)
        found = [JobClass(name, jobs, None if rate is None else rate * jobs) for name, jobs in common]
        rest = None if rate is None or puts_per_s is None else puts_per_s - rate * (len(kept) - unknown)
        if unknown or (rest is not None and rest > 0.005 * (puts_per_s or 0)):
            found.append(JobClass(None, unknown, rest))
        return tuple(found)

    def forget(self, tubes: Iterable[str]) -> None:
        """Forget tubes that no longer exist."""
        for name in tubes:
            self._kept.pop(name, None)
