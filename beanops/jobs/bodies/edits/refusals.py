"""`EditRefused`: why a body stays as it is."""

from __future__ import annotations

from beanops.jobs.bodies.paths import spell_path
from beanops.protocol.errors import BeanopsError
from beanops.text import safe_text

#: Characters of a reason; a path can be long.
_LONGEST = 200


class EditRefused(BeanopsError):
    """A body cannot be edited as asked without a risk to the rest of it.

    Attributes
    ----------
    reason : str
        Why, in one safe line, such as ``$.user: two values under this key``.
    """

    def __init__(self, reason: str) -> None:
        self.reason = safe_text(reason, limit=_LONGEST)
        super().__init__(self.reason)


def refused_at(path: tuple[str | int, ...], why: str) -> EditRefused:
    """Return the refusal of what is asked at a path."""
    return EditRefused(f"{spell_path(path)}: {why}")
