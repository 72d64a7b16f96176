"""When a statement ends before its end: its time limit, and the error where nobody wants its result any more."""

from __future__ import annotations

from beanops.protocol.errors import BeanopsError

#: Seconds that a statement may take.
TIMEOUT = 60.0


class Cancelled(BeanopsError):
    """A statement was ended because its result is no longer wanted."""
