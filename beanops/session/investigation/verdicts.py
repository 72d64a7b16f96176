"""What has become of jobs since they were kicked, by their statistics before and after. It sends nothing."""

from __future__ import annotations

from beanops.jobs.identity import JobRef
from beanops.protocol import JobStats

#: What a kicked job can have become, the best first.
VERDICTS = {
    "done": "deleted after a worker had reserved it",
    "unseen": "deleted between two looks, by a worker or somebody else",
    "reserved": "a worker has reserved it now",
    "waiting": "still ready; nobody has taken it",
    "released": "a worker released it, or lost its connection",
    "timed_out": "a worker held it for longer than its TTR",
    "buried": "buried again",
    "lost": "lost with a restart of the server, or not to be distinguished from another job",
    "unknown": "the server could not be reached",
}
#: Verdicts that no later look changes.
FINAL = frozenset({"done", "unseen", "buried", "lost"})
#: Counters of a job that tell what was done to it.
COUNTERS = ("reserves", "timeouts", "releases", "buries", "kicks")


class KickedJob:
    """One job that was kicked, and what has become of it as far as looks have shown.

    Parameters
    ----------
    ref : JobRef
        The job.
    before : JobStats
        Its statistics before it was kicked: what was counted until then says nothing about its verdict.
    wave : int
        The number of its wave.
    kicked : float
        When it was kicked, in monotonic seconds.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    seconds : float or None
        Time from the kick to the first look with this verdict; None as long as it is waiting or unknown.
    counters : dict of str to int
        How much each of `COUNTERS` has grown since it was kicked; kicks are those of others.
    """

    def __init__(self, ref: JobRef, before: JobStats, wave: int, kicked: float) -> None:
        self.ref = ref
        self.wave = wave
        self.verdict = "waiting"
        self.seconds: float | None = None
        self.counters = dict.fromkeys(COUNTERS, 0)
        self._before = before
        self._kicked = kicked

    @property
    def id(self) -> int:
        """Its id."""
        return self.ref.id

    @property
    def is_final(self) -> bool:
        """Whether no later look changes its verdict."""
        return self.verdict in FINAL

    def seen(self, now: JobStats, at: float) -> None:
        """Note what the server says of it."""
        if now.kicks <= self._before.kicks:  # a log without the kick: the job is as it was before
            self.is_lost(at)
            return
        for name in COUNTERS:
            grown = getattr(now, name) - getattr(self._before, name) - (name == "kicks")
            # A restarted server may have forgotten what it had counted.
            self.counters[name] = max(self.counters[name], grown)
        if now.state == "reserved":
            self.counters["reserves"] = max(self.counters["reserves"], 1)
        self._judge(self._verdict(now), at)

    def is_gone(self, at: float) -> None:
        """Note that it no longer exists."""
        self._judge("done" if self.counters["reserves"] else "unseen", at)

    def is_lost(self, at: float) -> None:
        """Note that it was lost with a restart of the server, or cannot be distinguished from another job."""
        self._judge("lost", at)

    def is_out_of_sight(self) -> None:
        """Note that the server could not be reached."""
        self.verdict, self.seconds = "unknown", None

    def _verdict(self, now: JobStats) -> str:
        grown = self.counters
        if now.state == "buried" or grown["buries"]:
            return "buried"
        # A server may miss the end of a TTR, until the worker says something.
        if grown["timeouts"] or (now.state == "reserved" and now.time_left < 0):
            return "timed_out"
        if grown["releases"]:
            return "released"
        if now.state == "reserved":
            return "reserved"
        # The end of a worker's connection makes its jobs ready and counts nothing.
        return "released" if grown["reserves"] else "waiting"

    def _judge(self, verdict: str, at: float) -> None:
        if verdict != self.verdict:
            self.verdict = verdict
            self.seconds = None if verdict == "waiting" else max(0.0, at - self._kicked)
