"""Names of tubes that do not exist: what to say about them. Most are slips, and the tube that was meant is near."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from heapq import nlargest

from beanops.jobs.select import is_glob
from beanops.protocol.errors import NotFound

#: Tubes that are named as what may have been meant, at most, and how alike they must be if any is.
_MOST, _ALIKE = 3, 0.6


class NoTube(NotFound):
    """There is no such tube; the text names those that may have been meant."""

    def __init__(self, named: str, names: Iterable[str]) -> None:
        super().__init__(f"stats-tube {named}")
        self._told = no_tube(named, names)

    def __str__(self) -> str:
        return self._told


def is_any(named: str, names: Iterable[str]) -> bool:
    """Whether a name, or a glob, means any of these tubes."""
    return any(name == named or fnmatchcase(name, named) for name in names)


def no_tube(named: str, names: Iterable[str]) -> str:
    """Return what to say of a name, or of a glob, that means none of these tubes."""
    if is_glob(named):
        return f"no tube matches {named}"
    near = _nearest(named, names)
    return f"no tube {named!r}; did you mean {' or '.join(map(repr, near))}?" if near else f"no tube {named!r}"


def _nearest(named: str, names: Iterable[str]) -> list[str]:
    wanted = named.casefold()

    def likeness(name: str) -> float:
        return SequenceMatcher(None, wanted, name.casefold(), autojunk=False).ratio()

    best = nlargest(_MOST, ((likeness(name), name) for name in names))
    alike = [name for ratio, name in best if ratio >= _ALIKE]
    # Where none is near, the nearest show at least what names there are.
    return alike or [name for _, name in best if name != "default"]
