"""`ProblemLog`: when the problems of a server begin and end, and what they say, as changes of a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from beanops.monitor.problems.problem import Problem
from beanops.monitor.survey import Survey

#: Milliseconds after which a problem that says something else is written again.
_AGAIN = 60_000

Change = tuple[str, tuple[Any, ...]]


class _Open(NamedTuple):
    id: int
    severity: str
    reason: str
    written: int


class ProblemLog:
    """Compares what is wrong with a server from look to look.

    Parameters
    ----------
    server : int
        Its number in the recording.
    new_id : callable
        Returns a number for a problem.
    """

    def __init__(self, server: int, new_id: Callable[[], int]) -> None:
        self._server = server
        self._new_id = new_id
        self._open: dict[tuple[str, str | None], _Open] = {}

    def look(self, survey: Survey, at: int, began: Callable[[float], int]) -> Iterator[Change]:
        """Yield the changes of a look.

        Parameters
        ----------
        survey : Survey
            What the look found.
        at : int
            Its time, in milliseconds since 1970.
        began : callable
            Translates the surveyor's seconds.
        """
        found = {(one.name, one.tube): one for one in _single(survey)}
        for key in self._open.keys() - found.keys():
            yield self._ended(key, at)
        for key, problem in found.items():
            known = self._open.get(key)
            if known is None:
                known = _Open(self._new_id(), "", "", 0)
                yield (
                    "INSERT INTO problems (id, server, name, tube, began) VALUES (?, ?, ?, ?, ?)",
                    (known.id, self._server, problem.name, problem.tube, min(at, began(problem.since))),
                )
            elif known.severity == problem.severity and (known.reason == problem.reason or at - known.written < _AGAIN):
                continue
            self._open[key] = _Open(known.id, problem.severity, problem.reason, at)
            yield (
                "INSERT INTO reasons (problem, at, severity, reason, look_at, job) VALUES (?, ?, ?, ?, ?, ?)",
                (known.id, at, problem.severity, problem.reason, problem.look_at, problem.job),
            )

    def end(self, at: int) -> Iterator[Change]:
        """Yield the changes where nothing is known from then on."""
        for key in list(self._open):
            yield self._ended(key, at)

    def _ended(self, key: tuple[str, str | None], at: int) -> Change:
        return "UPDATE problems SET ended = ? WHERE id = ?", (at, self._open.pop(key).id)


def _single(survey: Survey) -> Iterator[Problem]:
    """Yield the problems of the server and of each tube, none of which sums up others."""
    yield from (one for one in survey.problems if one.tube is None and not one.tubes)
    for seen in survey.tubes.values():
        yield from seen.problems
