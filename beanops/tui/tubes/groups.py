"""Groups: tubes whose names match a glob, folded into one row with their sums."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from operator import add

from beanops.monitor.problems.problem import Problem, worst_first
from beanops.monitor.rates import UNKNOWN, Rates, Trail, grown, point, time_to_drain
from beanops.monitor.survey import Seen
from beanops.protocol import TubeStats
from beanops.text import plural

#: Separators in tube names.
PARTS = re.compile(r"[-._/:;+]")
#: Tubes that a reason names.
NAMED = 3
#: Fields of a group that are the maximum of its tubes, not the sum.
_LARGEST = ("pause", "pause_time_left")
_SUMS = [field for field in TubeStats._fields if field not in ("name", "extra", *_LARGEST)]


def glob_of(name: str) -> str | None:
    """Return the glob of all tubes with the same prefix; None for a name without separators.

    Examples
    --------
    >>> glob_of("mail-in"), glob_of("shop.eu.mail"), glob_of("sms")
    ('mail-*', 'shop.eu.*', None)
    """
    parts = list(PARTS.finditer(name))
    return f"{name[: parts[-1].end()]}*" if parts and parts[-1].start() else None


class Sums:
    """Sums tubes up in one row, and keeps the last minute of each such row."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}

    def forget(self, name: str) -> None:
        """Forget the last minute of a row."""
        self._trails.pop(name, None)

    def of(self, name: str, members: list[Seen], at: float) -> Seen:
        """Return the sum of some tubes."""
        stats = members[0].stats._replace(
            name=name,
            **{field: sum(getattr(one.stats, field) for one in members) for field in _SUMS},
            **{field: max(getattr(one.stats, field) for one in members) for field in _LARGEST},
        )
        trail = self._trails[name] = grown(self._trails.get(name, ()), point(at, stats))
        return Seen(
            stats,
            min(one.at for one in members),
            _sum(one.rates for one in members),
            trail,
            age=_largest(one.age for one in members),
            drain=time_to_drain(trail),
            buried_age=_largest(one.buried_age for one in members),
            problems=_problems(members),
            members=tuple(one.name for one in members),
        )


class Folder:
    """Folds tubes whose names match a glob into groups."""

    def __init__(self) -> None:
        self.globs: list[str] = []
        self._sums = Sums()

    def toggle(self, glob: str) -> None:
        """Fold the tubes that match a glob, or unfold them."""
        if glob in self.globs:
            self.globs.remove(glob)
            self._sums.forget(glob)
        else:
            self.globs.append(glob)

    def fold(self, tubes: Iterable[Seen], at: float) -> Iterable[Seen]:
        """Return the tubes, with one row for each group. A tube belongs to the first glob that it matches."""
        if not self.globs:
            return tubes
        patterns = [(glob, re.compile(translate(glob)).match) for glob in self.globs]
        rows: list[Seen] = []
        groups: dict[str, list[Seen]] = {}
        for tube in tubes:
            glob = next((glob for glob, matches in patterns if matches(tube.name)), None)
            if glob is None:
                rows.append(tube)
            else:
                groups.setdefault(glob, []).append(tube)
        return rows + [self._sums.of(glob, members, at) for glob, members in groups.items()]


def _largest(ages: Iterable[int | None]) -> int | None:
    return max((age for age in ages if age is not None), default=None)


def _problems(members: list[Seen]) -> tuple[Problem, ...]:
    """Return the problems of all members, one for each kind, the worst first; a reason names the first tubes."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in worst_first(problem for one in members for problem in one.problems):
        kinds.setdefault((problem.severity, problem.name), []).append(problem)
    found = []
    for some in kinds.values():
        first = some[0]
        names = [one.tube for one in some if one.tube is not None]
        if len(some) == 1:
            found.append(first._replace(reason=f"tube {first.tube}: {first.reason}"))
        else:
            others = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
            reason = f"{plural(len(names), 'tube')}: {', '.join(names[:NAMED])}{others}"
            found.append(first._replace(reason=reason, tube=None, tubes=tuple(names), job=None, job_tube=None))
    return tuple(found)


def _sum(rates: Iterable[Rates]) -> Rates:
    total = Rates(0.0, 0.0)
    for one in rates:
        if one.puts is None or one.deletes is None:
            return UNKNOWN
        total = Rates(*map(add, total, one))
    return total
