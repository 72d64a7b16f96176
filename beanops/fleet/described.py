"""`as_in_session`: the parameters of a method of `Fleet` are described as those of the session's method are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_PARAMETERS = "Parameters\n----------\n"
#: The beginning of the next section of a docstring.
_NEXT = re.compile(r"^\n?(?=\w+\n---)", re.MULTILINE)
_PATIENCE = """\
patience : number, str, timedelta or None
    Time for which a server may owe an answer before the call returns without it; None is that of the fleet.
"""
#: What is different on several servers.
_OTHERWISE = (
    (r"called with the `Run`", "called with the `FleetRun`"),
    (r"Maximum (jobs|ids) (requested )?per second", r"Maximum \1 \2per second on each server"),
    (r"^run : Run, str or row$", "run : FleetRun, Run, str or row"),
    (r"DataFrame with a column ``id``", "DataFrame with ``server`` and ``id``"),
    (r"^    Maximum number of jobs, the newest", "    Maximum number of jobs of each server, the newest"),
    (r"^    Maximum number of jobs\.", "    Maximum number of jobs of {limit}."),
)
#: Methods whose limit is that of each server; those of others are of all together.
_OF_EACH = ("sql", "facets", "snapshot", "to_dask")


def as_in_session(method: Callable[..., Any], *, without: str = "") -> Callable[[F], F]:
    """Describe the parameters of a function as those of a method of `Session`, and its patience.

    Parameters
    ----------
    method : callable
        The method. What the docstring of the function says itself stays.
    without : str
        The parameter that the function does not have.
    """

    def decorate(function: F) -> F:
        own, known = inspect.getdoc(function), inspect.getdoc(method)
        if own and known:  # `python -OO` has none
            parameters = _section(known)
            if without:
                parameters = re.sub(rf"^{without} : .*\n(?:[ ].*\n?)*", "", parameters, flags=re.MULTILINE)
            limit = "each server" if function.__name__ in _OF_EACH else "all servers together"
            for words, instead in _OTHERWISE:
                parameters = re.sub(rf"(?m){words}", instead.replace("{limit}", limit), parameters)
            head, found, tail = _parted(own)
            function.__doc__ = f"{head.rstrip()}\n\n{_PARAMETERS}{parameters}{found}{_PATIENCE}\n{tail}".rstrip() + "\n"
        return function

    return decorate


def _section(doc: str) -> str:
    """Return the parameters of a docstring, a line each ended."""
    _, _, after = doc.partition(_PARAMETERS)
    end = _NEXT.search(after)
    text = (after if end is None else after[: end.start()]).rstrip()
    return f"{text}\n" if text else ""


def _parted(doc: str) -> tuple[str, str, str]:
    """Return what is before the parameters of a docstring, these, and what is after them."""
    if _PARAMETERS in doc:
        head, _, after = doc.partition(_PARAMETERS)
        own = _section(doc)
        end = _NEXT.search(after)
        return head, own, "" if end is None else after[end.start() :].lstrip("\n")
    end = _NEXT.search(doc)
    return (doc, "", "") if end is None else (doc[: end.start()], "", doc[end.start() :].lstrip("\n"))
