"""How fast a tube fills and drains."""

from __future__ import annotations

from typing import NamedTuple


class Rates(NamedTuple):
    """Jobs a second through a tube; None is unknown, not zero.

    Attributes
    ----------
    puts : float or None
        Jobs put.
    deletes : float or None
        Jobs deleted, which is how a worker finishes one.
    """

    puts: float | None
    deletes: float | None


UNKNOWN = Rates(None, None)
