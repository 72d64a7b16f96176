"""Which elements of an object or a list changes are about; the same in every format."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset
from beanops.jobs.bodies.edits.refusals import refused_at
from beanops.jobs.bodies.paths import Steps
from beanops.text import plural


def only(kind: type, tree: Tree, path: Steps, found: str) -> Tree:
    """Return the changes by keys, or by indices; an unset in another kind of container is of nothing.

    Raises
    ------
    EditRefused
        A value is to be set by an index in an object, or by a key in a list.
    """
    if all(type(step) is kind for step in tree):
        return tree
    if not all(type(step) is kind or is_unset(change) for step, change in tree.items()):
        raise refused_at(path, found)
    return {step: change for step, change in tree.items() if type(step) is kind}


def value_to_add(change: Tree | Change, path: Steps) -> Any:
    """Return the value for a key or an index that is missing.

    Raises
    ------
    EditRefused
        The changes are within what is missing.
    """
    if isinstance(change, Change):
        return change.value
    raise refused_at(path, "missing; set it to an object or a list first")


def places_of(tree: Tree, path: Steps, length: int) -> dict[int, Tree | Change]:
    """Return the changes in a list by their places from the beginning.

    Raises
    ------
    EditRefused
        A negative index is beyond the beginning, or two indices are of one element.
    """
    places: dict[int, Tree | Change] = {}
    for step, change in tree.items():
        index = int(step)
        if index < 0:
            index += length
            if index < 0:
                if is_unset(change):
                    continue
                raise refused_at((*path, step), beyond(length))
        if index in places:
            raise refused_at((*path, step), "this element is changed twice")
        places[index] = change
    return places


def beyond(length: int) -> str:
    """Return the reason for refusing an index beyond those of a list."""
    return f"the list has {plural(length, 'element')}"


def appended(places: dict[int, Tree | Change], path: Steps, length: int, *, shrinks: bool) -> list[tuple[int, Any]]:
    """Return the places and values that are added at the end of a list.

    Raises
    ------
    EditRefused
        There would be a gap, or elements are removed in the same edit, so that it is not clear where the end is.
    """
    added: list[tuple[int, Any]] = []
    for number, change in sorted(places.items()):
        if is_unset(change):
            continue
        value = value_to_add(change, (*path, number))
        if number != length + len(added):
            raise refused_at((*path, number), beyond(length))
        if shrinks:
            raise refused_at((*path, number), "elements are removed from this list; add to it in another edit")
        added.append((number, value))
    return added
