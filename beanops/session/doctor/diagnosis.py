"""`Diagnosis`: one thing that the doctor has looked at."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Diagnosis(NamedTuple):
    """One thing that the doctor has looked at.

    Attributes
    ----------
    area : str
        ``"beanops"``, ``"machine"``, ``"configuration"``, ``"journal"``, ``"recording"``, or ``"server NAME"``.
    state : str
        ``"ok"``, ``"warning"`` or ``"problem"``.
    text : str
        What it is like.
    advice : str
        What to do; empty if all is well.

    Examples
    --------
    >>> Diagnosis("machine", "ok", "1,024 open files").advice
    ''
    """

    area: str
    state: State
    text: str
    advice: str = ""
