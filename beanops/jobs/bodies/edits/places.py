"""Which elements of an object or a list changes are about; the same in every format."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset
from beanops.jobs.bodies.edits.refusals import refused_at
from beanops.jobs.bodies.paths import Steps


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
                raise refused_at((*path, step), f"the list has {length} elements")
        if index in places:
            raise refused_at((*path, step), "this element is changed twice")
        places[index] = change
    return places
