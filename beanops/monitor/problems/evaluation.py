"""`Evaluator`: the problems of a server and its tubes from look to look, and since when each one lasts.

A look evaluates only the tubes that it asked for; what it found of the others before stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from math import inf

from beanops.monitor.problems.problem import IDLE, Kind, Problem, idle_tubes, summary_of_kinds, worst_first
from beanops.monitor.problems.server_rules import WINDOW, Mark, ServerFacts, mark, server_problems
from beanops.monitor.problems.thresholds import ProblemLimits
from beanops.monitor.problems.tube_rules import LASTING, TubeFacts, at_rest, tube_problems

#: Seconds after which a tube is evaluated again although nothing has changed in it: only its problems grow older.
_FRESH = 5.0
#: Problems that are not reported beside another one, which says the same and more.
_HIDDEN_BY = {"buried": "burying"}


class Evaluator:
    """Keeps the problems of one server process.

    Parameters
    ----------
    limits : ProblemLimits
        From which numbers on something is a problem.
    patience : float
        Most seconds that a condition must hold to be reported; for a face that looks only twice.
    """

    def __init__(self, limits: ProblemLimits, patience: float = inf) -> None:
        self._limits = limits
        self._patience = patience
        self._began: dict[str, dict[str, float]] = {}
        self._evaluated: dict[str, float] = {}
        self._found: dict[Kind, dict[str, Problem]] = {}
        self._kinds_of: dict[str, tuple[Kind, ...]] = {}
        # The line for all idle tubes, until one of them changes: to sort ten thousand names takes 10 ms.
        self._idle: Problem | None = None
        self._server_began: dict[str, float] = {}
        self._past: deque[Mark] = deque()

    def began(self, tube: str) -> dict[str, float]:
        """Return when the problems of a tube began, by name."""
        return self._began.get(tube, {})

    def is_fresh(self, tube: str, at: float) -> bool:
        """Whether what was found of a tube a moment ago still holds if nothing has changed in it since."""
        # Between half of it and all, so that tubes which are seen together are not evaluated together for ever.
        fresh = _FRESH * (8 + hash(tube) % 8) / 16
        return at - self._evaluated.get(tube, -inf) < min(fresh, self._patience)

    def tube(self, facts: TubeFacts) -> tuple[Problem, ...]:
        """Evaluate a tube, and return its problems, the worst first."""
        name = facts.stats.name
        self._evaluated[name] = facts.at
        limits = self._limits.of(name)
        holding = [] if at_rest(facts.stats) else list(tube_problems(facts, limits))
        if not holding:
            self.forget([name])
            return ()
        self._began[name] = {one.name: one.since for one in holding}
        lasting = [one for one in holding if self._lasts(one, facts.at)]
        names = {one.name for one in lasting}
        found = worst_first(
            one for one in lasting if one.name not in limits.ignore and _HIDDEN_BY.get(one.name) not in names
        )
        self._store(name, found)
        return found

    def _store(self, tube: str, found: tuple[Problem, ...]) -> None:
        """Note the problems of a tube instead of those of its last look."""
        kinds = {(one.severity, one.name): one for one in found}
        for kind in self._kinds_of.pop(tube, ()):
            if kind not in kinds:
                del self._found[kind][tube]
                if kind == IDLE:
                    self._idle = None
        for kind, one in kinds.items():
            by_tube = self._found.setdefault(kind, {})
            if kind == IDLE and (tube not in by_tube or by_tube[tube].since != one.since):
                self._idle = None
            by_tube[tube] = one
        if kinds:
            self._kinds_of[tube] = tuple(kinds)

    def _lasts(self, problem: Problem, at: float) -> bool:
        asked = LASTING.get(problem.name)
        assert problem.tube is not None
        return asked is None or at - problem.since >= min(asked(self._limits.of(problem.tube)), self._patience)

    def forget(self, tubes: Iterable[str]) -> None:
        """Forget tubes that no longer exist."""
        for name in tubes:
            self._evaluated.pop(name, None)
            if self._began.pop(name, None) is not None:
                self._store(name, ())

    def all(self, server: ServerFacts) -> tuple[Problem, ...]:
        """Evaluate the server, and return all problems, the worst first; idle tubes share a line."""
        past = self._past
        past.append(mark(server.at, server.stats))
        while len(past) > 2 and past[1].at <= server.at - WINDOW:
            past.popleft()
        found = list(server_problems(server._replace(past=tuple(past), began=self._server_began), self._limits.server))
        self._server_began = {one.name: one.since for one in found}
        ignored = self._limits.tubes.ignore
        kinds: dict[Kind, Collection[Problem]] = {kind: by_tube.values() for kind, by_tube in self._found.items()}
        kinds |= {(one.severity, one.name): [one] for one in found if one.name not in ignored}
        return summary_of_kinds(kinds, self._idle_line)

    def _idle_line(self, idle: Collection[Problem]) -> Problem:
        if self._idle is None:
            self._idle = idle_tubes(idle)
        return self._idle
