"""Filters of tube names: a part of the name, a glob, a regular expression, or the inverse of one."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate


class BadFilter(ValueError):
    """Not a valid regular expression."""


def parse(text: str) -> Callable[[str], bool] | None:
    """Return the test of a filter; None where every name passes.

    Parameters
    ----------
    text : str
        Part of a name; a glob when it holds ``*`` or ``?``; a regular expression after ``/``. ``!`` in front inverts.

    Raises
    ------
    BadFilter
        The text after ``/`` is not a valid regular expression.

    Examples
    --------
    >>> [name for name in ("mail-in", "mail-out", "sms") if parse("!/-in$")(name)]
    ['mail-out', 'sms']
    """
    inverse, what = text.startswith("!"), text.removeprefix("!")
    if what in ("", "/"):
        return None
    try:
        if what.startswith("/"):
            matches: Callable[[str], object] = re.compile(what[1:], re.IGNORECASE).search
        elif "*" in what or "?" in what:
            matches = re.compile(translate(what), re.IGNORECASE).match
        else:
            part = what.lower()
            matches = lambda name: part in name.lower()  # noqa: E731
    except re.error as error:
        raise BadFilter(str(error)) from None
    return (lambda name: not matches(name)) if inverse else (lambda name: bool(matches(name)))
