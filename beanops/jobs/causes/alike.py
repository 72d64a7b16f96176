"""`AlikeBodies`: the causes of bodies that differ in their digits alone, such as an id: these need not be read.

It is exact: a body is remembered only if its digits have no part in its cause. Zeros, which JSON has rules for, are no
other digit here.
"""

from __future__ import annotations

import re

from beanops.jobs.bodies.errors import ErrorText
from beanops.jobs.bodies.memo import Memo
from beanops.jobs.causes.cause import Cause

_FOLD = bytes.maketrans(b"23456789", b"1" * 8)
#: Bytes of the largest body.
_LARGEST = 2048
#: Bodies after which it is seen whether they are alike.
_TRIAL = 256
# Numbers that readers of JSON round or spell in another way, and escapes with digits.
_read_by_value = re.compile(rb"\d{19}|[:\[,]\s*-?\d[\d.]*[eE]|\\u(?!0000)").search
_digit = re.compile("[0-9]").search


class AlikeBodies:
    """Remembers causes by bodies without their digits.

    Parameters
    ----------
    most : int
        Bodies that are remembered.
    """

    def __init__(self, most: int) -> None:
        self._known: Memo[bytes, Cause] = Memo(most)
        self._tried = self._found = 0

    def get(self, body: bytes) -> Cause | None:
        """Return the cause of a body that is like one before it."""
        if not self._known or len(body) > _LARGEST:
            return None
        known = self._known.get(body.translate(_FOLD))
        if known is not None:
            self._found += 1
        return known

    def keep(self, body: bytes, cause: Cause, error: ErrorText | None) -> None:
        """Remember the cause of a body, if others that differ in digits have the same."""
        if self._tried > _TRIAL + self._found:
            # Where bodies differ in more than digits this costs time and gains none.
            self._known.clear()
        elif len(body) <= _LARGEST and _has_no_part(body, cause, error):
            self._tried += 1
            self._known.keep(body.translate(_FOLD), cause)


def _has_no_part(body: bytes, cause: Cause, error: ErrorText | None) -> bool:
    """Whether the digits of a body have no part in its cause."""
    if _digit(f"{cause.job} {cause.error} {cause.message}") or _read_by_value(body):
        return False
    if error is None:
        # The keys that are ids may be the same one twice.
        return "<n>" not in cause.message
    # A number at the beginning, and one in JSON, may be the code of a status.
    said = error.message
    return not _digit(said[:8]) and said.isascii() and "{" not in said
