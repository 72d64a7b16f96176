"""Messages about tubes that do not exist, with the names most like them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from fnmatch import fnmatchcase

from beanops.protocol.errors import NotFound
from beanops.protocol.limits import is_glob
from beanops.text import nearest


class UnknownTubeWarning(UserWarning):
    """A search names a tube that does not exist, and that neither the session nor the journal has seen."""


class NoTube(NotFound):
    """There is no such tube; the text names similar tubes, and ends with a hint if there is one."""

    def __init__(self, named: str, names: Iterable[str], hint: str = "") -> None:
        super().__init__(f"stats-tube {named}")
        self._message = f"no tube {named!r}; {hint}" if hint else no_tube(named, names)

    def __str__(self) -> str:
        return self._message


def is_any(named: str, names: Iterable[str]) -> bool:
    """Whether a name or a glob matches any of these tubes."""
    return any(name == named or fnmatchcase(name, named) for name in names)


def no_tube(named: str, names: Iterable[str]) -> str:
    """Return the message for a name or a glob that matches none of these tubes."""
    if is_glob(named):
        return f"no tube matches {named}"
    known = list(names)
    # Where none is near, the nearest show at least what names there are.
    near = nearest(named, known) or nearest(named, (name for name in known if name != "default"), alike=0)
    return f"no tube {named!r}; did you mean {' or '.join(map(repr, near))}?" if near else f"no tube {named!r}"


def warn_of_tube(message: str) -> None:
    """Warn the first caller outside beanops; nobody where beanops' own thread calls, whose view shows the message."""
    level, frame = 1, sys._getframe()
    while frame.f_globals.get("__name__", "").partition(".")[0] == "beanops":
        if frame.f_back is None:
            return
        level, frame = level + 1, frame.f_back
    if frame.f_globals.get("__name__") != "threading":
        warnings.warn(message, UnknownTubeWarning, stacklevel=level)
