"""`Typed`: the selection in a typed line, ``[TUBE] [STATE] [group NAME] [where PREDICATE]``, and how it is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from beanops.protocol.limits import is_glob
from beanops.protocol.states import STATES
from beanops.text import did_you_mean, safe_text

#: Seconds that a predicate may take for no jobs, before it is used.
LONGEST_CHECK = 1.0
#: Words after which something special comes.
WORDS = ("where", "group")


class Misused(ValueError):
    """A typed command that was not understood, or is not possible now."""


class Typed(NamedTuple):
    """A typed selection.

    Attributes
    ----------
    tubes : tuple of str
        The tubes; empty for the one in front.
    states : tuple of str
        Only jobs in these states; empty for those that the action takes.
    group, where : str or None
        Only jobs of this group, or that match this predicate.
    settings : dict of str to str
        What was typed for the fields of the action.
    rest : tuple of str
        Words that are none of these.
    """

    tubes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    group: str | None = None
    where: str | None = None
    settings: dict[str, str] = {}  # noqa: RUF012 - never changed
    rest: tuple[str, ...] = ()

    @property
    def names_jobs(self) -> bool:
        """Whether jobs are chosen."""
        return bool(self.tubes or self.states or self.group or self.where)


def parse(text: str, tubes: Iterable[str], settings: Sequence[str] = (), rest: int = 0) -> Typed:
    """Return what a typed line selects.

    Parameters
    ----------
    text : str
        What follows the verb.
    tubes : iterable of str
        The tubes that exist.
    settings : sequence of str
        The names of settings, each followed by its value.
    rest : int
        The number of other words that may come.

    Raises
    ------
    Misused
        A word is unknown, or a value is missing.

    Examples
    --------
    >>> typed = parse("mail buried to hospital where age > interval 1 hour", ["mail"], ["to"])
    >>> typed.states, typed.settings, typed.where
    (('buried',), {'to': 'hospital'}, 'age > interval 1 hour')
    """
    known, found = list(tubes), Typed()
    others: list[str] = []
    given: dict[str, str] = {}
    words = [(match.group(), match.end()) for match in re.finditer(r"\S+", text)]
    place = 0
    while place < len(words):
        word, end = words[place]
        place += 1
        if word == "where":
            where = text[end:].strip()
            if not where:
                raise Misused("missing predicate after where")
            _check_predicate(where)
            found = found._replace(where=where)
            break
        if word == "group" or word in settings:
            if place == len(words):
                raise Misused(f"missing value after {word}")
            value = words[place][0]
            place += 1
            if word == "group":
                found = found._replace(group=value)
            else:
                given[word] = value
        elif word in STATES:
            found = found._replace(states=(*found.states, word))
        elif not found.tubes and is_glob(word):
            found = found._replace(tubes=tuple(tube for tube in known if fnmatchcase(tube, word)))
            if not found.tubes:
                raise Misused(f"no tube matches {safe_text(word)!r}")
        elif not found.tubes and word in known:
            found = found._replace(tubes=(word,))
        elif len(others) < rest:
            others.append(word)
        else:
            about = did_you_mean(word, [*STATES, *WORDS, *settings, *known])
            raise Misused(safe_text(f"unknown word {word!r}{about}"))
    return found._replace(settings=given, rest=tuple(others))


def _check_predicate(where: str) -> None:
    """Raise where a predicate is none: while its line can still be corrected, not after it was closed to count."""
    from beanops.jobs.sql.where import PredicateError, Where  # only predicates need DuckDB

    try:
        Where(where, timeout=LONGEST_CHECK)
    except PredicateError as error:
        raise Misused(safe_text(str(error))) from None


def split_where(text: str) -> tuple[str, str]:
    """Return what stands before the predicate, and the predicate with its word."""
    match = re.search(r"(?:^|(?<=\s))where\s", text)
    return (text, "") if match is None else (text[: match.start()], text[match.start() :])
