"""What can be done to a job: in which states, and by which commands. Data only; `act` does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from beanops.protocol import Command, JobStats, commands


class Settings(NamedTuple):
    """What an action may set on a job.

    Attributes
    ----------
    priority : int or None
        New priority, None to keep the job's own.
    delay : int
        Seconds, for a release.
    """

    priority: int | None = None
    delay: int = 0


class Verb(NamedTuple):
    """One way to act on a job.

    Attributes
    ----------
    name : str
        Such as ``"kick"``.
    done : str
        Its past tense, for messages.
    states : frozenset of str
        States of a job in which it does something.
    reserves : bool
        Whether the server wants the job reserved by the same connection first.
    destroys : bool
        Whether the job is gone afterwards.
    command : callable
        Makes the command of the job's statistics and the settings.
    """

    name: str
    done: str
    states: frozenset[str]
    reserves: bool
    destroys: bool
    command: Callable[[JobStats, Settings], Command[Any]]

    def refuses(self, state: str) -> str | None:
        """Return why a job in `state` is left alone, None when it is not."""
        if state in self.states:
            return None
        if state == "reserved":
            return "a worker has reserved it"
        return f"it is {state}; {self.name} takes {' or '.join(sorted(self.states))} jobs"


def _priority(stats: JobStats, settings: Settings) -> int:
    return stats.priority if settings.priority is None else settings.priority


VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "kick",
            "kicked",
            frozenset({"buried", "delayed"}),
            reserves=False,
            destroys=False,
            command=lambda stats, settings: commands.kick_job(stats.id),
        ),
        Verb(
            "bury",
            "buried",
            frozenset({"ready", "delayed"}),
            reserves=True,
            destroys=False,
            command=lambda stats, settings: commands.bury(stats.id, priority=_priority(stats, settings)),
        ),
        Verb(
            "release",
            "released",
            frozenset({"ready", "delayed", "buried"}),
            reserves=True,
            destroys=False,
            command=lambda stats, settings: commands.release(
                stats.id, priority=_priority(stats, settings), delay=settings.delay
            ),
        ),
        Verb(
            "delete",
            "deleted",
            frozenset({"ready", "delayed", "buried"}),
            reserves=False,
            destroys=True,
            command=lambda stats, settings: commands.delete(stats.id),
        ),
    )
}
