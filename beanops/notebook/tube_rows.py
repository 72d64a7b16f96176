"""The tubes of a dashboard: which of them it shows, and the rows of its table. No widgets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import translate
from types import MappingProxyType

from beanops.jobs.tube_names import NoTube
from beanops.monitor.problems.problem import summary
from beanops.monitor.survey import Survey
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import is_glob


class TubeFilter:
    """The tubes that a dashboard shows.

    Parameters
    ----------
    pattern : str or None
        A name, or a glob such as ``"mail-*"``; None is all tubes.

    Examples
    --------
    >>> TubeFilter("mail-*").chosen(["*-out"], ["mail-in", "mail-out"])
    ['mail-out']
    """

    def __init__(self, pattern: str | None = None) -> None:
        self.pattern = pattern
        self._matches = None if pattern is None else re.compile(translate(pattern)).match

    def narrowed(self, survey: Survey) -> Survey:
        """Return a survey with these tubes alone, and their problems."""
        if self._matches is None:
            return survey
        tubes = {name: seen for name, seen in survey.tubes.items() if name == self.pattern or self._matches(name)}
        found = summary(problem for seen in tubes.values() for problem in seen.problems)
        return survey._replace(tubes=MappingProxyType(tubes), problems=found)

    @property
    def nothing(self) -> str:
        """What a table without rows says."""
        if self.pattern is None:
            return ""
        return f"no tube {'matches' if is_glob(self.pattern) else 'is called'} {self.pattern}"

    def chosen(self, wanted: Iterable[str], names: Collection[str]) -> list[str]:
        """Return the tubes that some names and globs match, in their order.

        Raises
        ------
        NotFound
            One of them matches none of these names.
        UsageError
            The same, of a dashboard that does not show all tubes.
        """
        found: dict[str, None] = {}
        for name in wanted:
            matches = re.compile(translate(name)).match
            some = [name] if name in names else [each for each in names if is_glob(name) and matches(each)]
            if not some:
                if self.pattern is None:
                    raise NoTube(name, names)
                raise UsageError(f"no tube {name!r} in this dashboard, which shows {self.pattern}")
            found.update(dict.fromkeys(some))
        return list(found)
