"""How an edit changes a body: by values at paths, or by a function of the decoded data."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.edits import Change, EditRefused, Splicer, from_data

#: Returns the changed body.
BodyEdit = Callable[[bytes], bytes]
#: Values by their paths, or a function from decoded data to the changed data.
Changes = Mapping[str, Any] | Callable[[Any], Any]


def by_paths(values: Mapping[str, Any], unset: Iterable[str]) -> BodyEdit:
    """Return what sets and removes values at paths.

    Raises
    ------
    UsageError
        A path is none, or two are about the same value; or JSON cannot hold a value.
    """
    changes = [Change.set(path, value) for path, value in values.items()]
    return Splicer([*changes, *map(Change.remove, unset)]).edit


def by_function(function: Callable[[Any], Any]) -> BodyEdit:
    """Return what calls a function with the data of a body, and changes the body where the data changed.

    The function may return the changed data, change its argument and return None, or return the new body as bytes.
    """

    def edit(body: bytes) -> bytes:
        found = decode(body)
        if not found.whole:
            raise EditRefused(f"not decoded whole ({', '.join(found.chain) or 'too large'})")
        data = deepcopy(found.data)
        try:
            new = function(data)
        except Exception as error:
            raise EditRefused(_raised(error)) from error
        if isinstance(new, bytes | bytearray | memoryview):
            return bytes(new)
        try:
            return from_data(body, data if new is None else new)
        except TypeError:
            raise EditRefused("the function returned what JSON cannot hold") from None

    return edit


def _raised(error: Exception) -> str:
    """Return where a function raised an error, without its text, which may have values of the body in it."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"the function raised {type(error).__name__} (line {at.lineno} of {Path(at.filename).name})"
