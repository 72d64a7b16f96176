"""Refuse changes inside what is encrypted or signed: whoever reads it would reject the whole job."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree
from beanops.jobs.bodies.edits.refusals import refused_at
from beanops.jobs.bodies.paths import Steps

_ENCRYPTED = {"iv", "value", "mac"}


def check_seals(data: Any, tree: Tree | Change, path: Steps = ()) -> None:
    """Raise if a change is inside a value that is encrypted or signed.

    Raises
    ------
    EditRefused
        The reason names the seal.
    """
    if isinstance(tree, Change):
        return
    if type(data) is dict:
        seal = _seal(data, tree)
        if seal:
            raise refused_at(path, seal)
        for step, below in tree.items():
            if step in data:
                check_seals(data[str(step)], below, (*path, step))
    elif type(data) is list:
        for step, below in tree.items():
            if type(step) is int and -len(data) <= step < len(data):
                check_seals(data[step], below, (*path, step))


def _seal(data: dict[str, Any], tree: Tree) -> str | None:
    """Return what seals an object, or the part of it that changes."""
    if "mac" in data and data.keys() >= _ENCRYPTED:
        return "encrypted by Laravel, with a MAC over the content"
    if "hash" in data and ("serializable" in data or "closure" in data):
        return "a closure that is signed by its hash"
    if "body" in tree:
        if data.get("content-type") == "application/data":
            return "a body that is signed by Celery's auth"
        headers = data.get("headers")
        if isinstance(headers, dict) and "Body-Sign" in headers:
            return "a body that is signed by Symfony Messenger"
    return None
