"""How one job is talked about with the server: `Ask`, and `Steps`, a generator that yields what to ask."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from beanops.journal.records import Fate
from beanops.protocol import Command

#: Seconds of a pause for a run: after a fault the time that is left to look at what became of the jobs. Nobody else
#: pauses for so many, which tells the pause of a run from that of an operator.
PAUSE = 301


class Ask(NamedTuple):
    """What a step wants sent.

    Attributes
    ----------
    commands : tuple of Command
        Sent together; the answers come back together.
    tube : str or None
        The tube that must be used for them.
    there : bool
        Whether they go to the server that jobs are copied to.
    so_far : Fate or None
        What must be on record before they are sent, and stays true if no answer comes.
    calm : str or None
        The tube in which no worker may get a job meanwhile.
    alone : str or None
        The tube that a connection of its own uses and watches for them, which one talk at a time has to itself.
    """

    commands: tuple[Command[Any], ...]
    tube: str | None = None
    there: bool = False
    so_far: Fate | None = None
    calm: str | None = None
    alone: str | None = None


Steps = Generator[Ask, list[Any], Fate]
#: A part of a talk that puts a job: it ends with the new job's id, or with why there is none.
Putting = Generator[Ask, list[Any], int | Fate]
