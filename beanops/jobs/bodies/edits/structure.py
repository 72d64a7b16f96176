"""From data before and after to the changes between them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.edits.changes import Change
from beanops.jobs.bodies.edits.envelope import Splicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.layers import decode
from beanops.jobs.bodies.paths import Steps, parse_path
from beanops.protocol.errors import ArgumentError

_as_text = json.JSONEncoder(check_circular=False).encode
#: Keys by which decoded data says what JSON cannot hold.
_MARKS = frozenset(("$bytes", "$class", "$enum", "$ext", "$ref", "$refused", "$serialized", "$tag"))
_is_hidden = re.compile(r"\[redacted\]|\[hidden: ").search


def from_data(body: bytes, data: Any) -> bytes:
    """Return a job's body changed as its decoded data was.

    What differs between the data of the body and `data` becomes changes, which are applied as in `edit`. The order of
    keys is no difference.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    data : Any
        What `Decoded.data` of the body was, with changes.

    Raises
    ------
    EditRefused
        The changes cannot be applied; the text is the reason.

    Examples
    --------
    >>> body = b'{"task": "mail", "args": [1, 2.50]}'
    >>> data = decode(body).data
    >>> data["args"].append(3)
    >>> from_data(body, data)
    b'{"task": "mail", "args": [1, 2.50, 3]}'
    """
    found = decode(body)
    return apply_data(body, found, found.data, data)


def apply_data(body: bytes, found: Decoded, shown: Any, data: Any) -> bytes:
    """Return a body changed as the data was that was shown of it, of which a part may have been hidden.

    Raises
    ------
    EditRefused
        The changes cannot be applied, or are about what was hidden.
    """
    try:
        changes = list(changes_between(shown, data))
        if not changes:
            return body
        _check_marks(changes)
        _check_moved(found, changes)
        for change in changes:
            _check_hidden(found.data, shown, change)
        return Splicer(changes).edit(body)
    except RecursionError:
        raise EditRefused("nested too deep") from None
    except ArgumentError as error:
        # Without the value, which may be a secret.
        raise EditRefused(f"the new data holds what JSON cannot ({type(error.given).__name__})") from None
    except TypeError:
        raise EditRefused("the new data holds what JSON cannot") from None


def changes_between(old: Any, new: Any, path: Steps = ()) -> Iterator[Change]:
    """Yield the changes that make new data of old data.

    Raises
    ------
    EditRefused
        A value that is partly hidden may have been moved to where another one was.
    """
    if type(old) is dict and type(new) is dict:
        for key, value in old.items():
            if key in new:
                yield from changes_between(value, new[key], (*path, key))
            else:
                yield Change.remove((*path, key))
        for key, value in new.items():
            if key not in old:
                yield Change.set((*path, key), value)
    elif type(old) is list and type(new) is list:
        yield from _between_lists(old, new, path)
    elif type(old) is not type(new) or old != new:
        yield Change.set(path, new)


def _between_lists(old: list[Any], new: list[Any], path: Steps) -> Iterator[Change]:
    before, after = [_as_text(item) for item in old], [_as_text(item) for item in new]
    if before == after:
        return
    pairs = _aligned(before, after)
    known = Counter(before)
    # Two elements that look the same may hide different values.
    for number, place in pairs:
        if place < len(after) and before[number] == after[place]:
            hides = len(old) != len(new) and known[after[place]] > 1
        else:
            hides = place < len(after) and (len(old) != len(new) or after[place] in known)
        if hides and _is_hidden(after[place]):
            raise refused_at(path, "an element of which a part is hidden cannot be moved")
    kept = {number for number, _ in pairs}
    yield from (Change.remove((*path, number)) for number in range(len(old)) if number not in kept)
    for number, place in pairs:
        yield from changes_between(old[number], new[place], (*path, number))
    for place in range(len(pairs), len(new)):
        yield Change.set((*path, len(old) - len(pairs) + place), new[place])


def _aligned(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Return which element of a list has become which one of another, as far as that has any."""
    if len(new) >= len(old):
        return [(number, number) for number in range(len(old))]
    pairs: list[tuple[int, int]] = []
    for number, text in enumerate(old):
        if len(pairs) < len(new) and text == new[len(pairs)]:
            pairs.append((number, len(pairs)))
    if len(pairs) == len(new):
        return pairs
    # Not only removed: what is the same at the end stays, and the elements before it go.
    same = 0
    while same < len(new) and old[-1 - same] == new[-1 - same]:
        same += 1
    left, gone = len(new) - same, len(old) - len(new)
    return [(number if number < left else number + gone, number) for number in range(len(new))]


def _check_marks(changes: list[Change]) -> None:
    for change in changes:
        for key in (*change.path[-1:], *_keys(change.value)):
            if key in _MARKS:
                raise refused_at(change.path, f"{key} marks what JSON cannot hold, and stays")


def _keys(value: Any) -> Iterator[str]:
    if type(value) is dict:
        yield from value
    if type(value) in (dict, list):
        for item in value.values() if type(value) is dict else value:
            yield from _keys(item)


def _check_moved(found: Decoded, changes: list[Change]) -> None:
    """Refuse what came out of a text in another place, where it would be no text."""
    if not found.inner:
        return
    layers = {_as_text(_at(found.data, parse_path(path))) for path, _ in found.inner}
    for change in changes:
        for container in _containers(change.value):
            if _as_text(container) in layers:
                raise refused_at(change.path, "the content of a text of another place, which it cannot be here")


def _containers(value: Any) -> Iterator[Any]:
    if type(value) in (dict, list) and value:
        yield value
        for item in value.values() if type(value) is dict else value:
            yield from _containers(item)


def _check_hidden(data: Any, shown: Any, change: Change) -> None:
    """Refuse a change by which something hidden would be lost, or be written as it was shown."""
    texts = json.dumps([change.path, change.value], ensure_ascii=False)
    # Without a view, data that was hidden elsewhere may come back; a body can also have such a text of its own.
    if _is_hidden(texts) and not (shown is data and _is_hidden(_as_text(data))):
        raise refused_at(change.path, "a part of this value is hidden; it can only be replaced as a whole")
    if (_at(data, change.path) is _NOTHING) is not (_at(shown, change.path) is _NOTHING):
        raise refused_at(change.path, "hidden, and can neither be removed nor replaced here")


class _Nothing:
    pass


_NOTHING = _Nothing()


def _at(data: Any, path: Steps) -> Any:
    for step in path:
        if type(data) not in (dict, list):
            return _NOTHING
        try:
            data = data[step]
        except (LookupError, TypeError):
            return _NOTHING
    return data
