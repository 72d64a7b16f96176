"""`Problem`: what is wrong with a server or a tube, since when, and where to look."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: The severities, worst first.
Severity = Literal["critical", "warning"]


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes
    ----------
    name : str
        The kind of problem, such as ``"no-workers"``.
    severity : str
        ``"critical"`` or ``"warning"``.
    tube : str or None
        The tube; None for the server, and for a line that sums up several tubes.
    reason : str
        One line with its numbers.
    since : float
        Seconds of the surveyor's clock at which it was first seen, or at which it began where the server knows that.
    look_at : str
        The command that shows more, such as ``beanops jobs mail --state buried``.
    tubes : tuple of str
        The tubes that the line sums up; empty where it is about one tube or the server.
    """

    name: str
    severity: Severity
    tube: str | None
    reason: str
    since: float
    look_at: str
    tubes: tuple[str, ...] = ()
