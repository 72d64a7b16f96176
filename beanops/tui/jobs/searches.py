"""`Searches`: the predicates that were used before and those that have a name, in the dashboard's state file."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary

from beanops.tui.state import StateFile

#: Predicates of the history, and characters of a predicate and of a name.
MOST, LONGEST, LONGEST_NAME = 100, 2000, 40


class PastSearch(NamedTuple):
    """A predicate that was used, or has a name.

    Attributes
    ----------
    where : str
        The predicate.
    name : str
        Its name; empty for one of the history.
    """

    where: str
    name: str = ""


class Searches:
    """The predicates of one user.

    Parameters
    ----------
    state_file : StateFile or None
        Where they are; with None they end with the process.
    """

    _of: ClassVar[WeakKeyDictionary[Any, Searches]] = WeakKeyDictionary()

    def __init__(self, state_file: StateFile | None) -> None:
        self._file = state_file
        self._memory: dict[str, Any] = {}

    @classmethod
    def of(cls, owner: Any, state_file: StateFile | None) -> Searches:
        """Return those of an app, always the same."""
        return cls._of.setdefault(owner, cls(state_file))

    def past(self, tube: str) -> list[PastSearch]:
        """Return them, the likeliest for a tube last: the named ones, other tubes' and its own in the order of use."""
        history = [(entry[0], entry[1]) for entry in self._history()]
        ordered = [*(where for of, where in history if of != tube), *(where for of, where in history if of == tube)]
        unnamed = list(dict.fromkeys(reversed(ordered)))[::-1]
        return [*(PastSearch(where, name) for name, where in self.named().items()), *map(PastSearch, unnamed)]

    def named(self) -> dict[str, str]:
        """Return the predicates that have a name, by it."""
        saved = self._part().get("saved")
        known = saved if isinstance(saved, dict) else {}
        return {name: where for name, where in known.items() if isinstance(where, str) and where}

    def used(self, tube: str, where: str) -> None:
        """Remember that a predicate was used for a tube."""
        if len(where) <= LONGEST:
            others = [entry for entry in self._history() if entry != [tube, where]]
            self._write({**self._part(), "history": [*others, [tube, where]][-MOST:]})

    def save(self, name: str, where: str) -> None:
        """Give a predicate a name, instead of one that has it."""
        others = {known: one for known, one in self.named().items() if known != name}
        self._write({**self._part(), "saved": {**others, name[:LONGEST_NAME]: where}})

    def forget(self, search: PastSearch) -> None:
        """Remove a predicate from those that have a name, or from the history."""
        if search.name:
            saved = {name: where for name, where in self.named().items() if name != search.name}
            self._write({**self._part(), "saved": saved})
        else:
            self._write({**self._part(), "history": [one for one in self._history() if one[1] != search.where]})

    def _history(self) -> list[list[str]]:
        """Return pairs of a tube and a predicate, the last used last; the file may be anybody's work."""
        known = self._part().get("history")
        entries = known if isinstance(known, list) else []
        return [one for one in entries if isinstance(one, list) and [*map(type, one)] == [str, str] and one[1]]

    def _part(self) -> dict[str, Any]:
        part = self._memory if self._file is None else self._file.part("searches")
        return part if isinstance(part, dict) else {}

    def _write(self, part: dict[str, Any]) -> None:
        if self._file is None:
            self._memory = part
        else:
            self._file.keep_part("searches", part)
