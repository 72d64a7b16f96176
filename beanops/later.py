"""`Later`: a module that is imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported with the first of its names that is used.

    Parameters
    ----------
    name : str
        The module's full name.

    Examples
    --------
    >>> Later("math").floor(1.5)
    1
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value
