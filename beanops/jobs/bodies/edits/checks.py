"""Whether the result of an edit differs from the body at the changed paths, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset
from beanops.jobs.bodies.edits.places import places_of
from beanops.jobs.bodies.edits.refusals import EditRefused
from beanops.jobs.bodies.paths import Steps

#: Equal for data that is equal in its types and the order of its keys too.
_as_text = json.JSONEncoder(check_circular=False).encode


#: The values of a text of JSON that differ after an edit: the path, the new value, whether it is gone.
Effects = list[tuple[Steps, Any, bool]]


def with_effects(data: Any, effects: Effects, above: int = 0) -> Any:
    """Return data, which is changed, with the values that are to differ."""
    root = {"": data}
    for path, value, removed in effects:
        steps = ("", *path[above:])
        at: Any = root
        for step in steps[:-1]:
            at = at[step]
        if removed:
            del at[steps[-1]]
        elif type(at) is list and steps[-1] == len(at):
            at.append(value)
        else:
            at[steps[-1]] = value
    return root[""]


def check_decoded(old: Decoded, new: Decoded, tree: Tree | Change) -> None:
    """Raise if a body is not read as before but for the changed values."""
    before, after = _names(old), _names(new)
    if not isinstance(tree, Change) and before != after:
        raise EditRefused(f"the result would be read as {after}, not as {before}")
    if old.whole and not new.whole:
        raise EditRefused("the result would not be decoded whole")
    if not _alike(old.data, new.data, tree, ()):
        raise EditRefused("the result would be read as other data")


def _names(decoded: Decoded) -> str:
    # Without a sign in which they differ, both alphabets of base64 are the same.
    return ", ".join(name.replace("base64url", "base64") for name in decoded.chain)


def _alike(old: Any, new: Any, change: Tree | Change | None, path: Steps) -> bool:
    """Whether data is the same but for changes."""
    if isinstance(change, Change):
        return _reads_as(change.value, new)
    if change is None or type(old) not in (dict, list):
        return bool(_as_text(old) == _as_text(new))
    if type(old) is not type(new):
        return False
    if type(old) is dict:
        changes = {step: below for step, below in change.items() if type(step) is str}
        left = [key for key in old if not _removes(changes.get(key))]
        added = [key for key, below in changes.items() if key not in old and not is_unset(below)]
        if list(new) != left + added or not all(
            _alike(old.get(key), new[key], below, (*path, key)) for key, below in changes.items() if key in new
        ):
            return False
        same = [key for key in left if key not in changes]
        return bool(_as_text([old[key] for key in same]) == _as_text([new[key] for key in same]))
    places = places_of({step: below for step, below in change.items() if type(step) is int}, path, len(old))
    kept = [number for number in range(len(old)) if not _removes(places.get(number))]
    kept += [number for number in sorted(places) if number >= len(old) and not is_unset(places[number])]
    if len(new) != len(kept):
        return False
    pairs = [
        (old[number], new[place]) for place, number in enumerate(kept) if number not in places and number < len(old)
    ]
    return _as_text([one for one, _ in pairs]) == _as_text([two for _, two in pairs]) and all(
        _alike(old[number] if number < len(old) else None, new[place], places[number], (*path, number))
        for place, number in enumerate(kept)
        if number in places
    )


def _reads_as(value: Any, data: Any) -> bool:
    """Whether decoded data is a value that was set; a text may be read as the layer that it is."""
    if type(value) is str:
        return type(data) in (str, dict, list)
    if type(value) is dict:
        return (
            type(data) is dict and list(value) == list(data) and all(_reads_as(value[key], data[key]) for key in data)
        )
    if type(value) is list:
        return type(data) is list and len(value) == len(data) and all(map(_reads_as, value, data))
    # Integers beyond 64 bits are texts in the data.
    return (type(data) is type(value) and data == value) or (type(value) is int and data == str(value))


def _removes(change: Tree | Change | None) -> bool:
    return isinstance(change, Change) and change.unset
