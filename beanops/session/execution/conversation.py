"""The exchange with the server about one job: `Ask`, commands to send, and `Steps`, a generator that yields them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from beanops.journal.records import Fate
from beanops.protocol import Command

#: Seconds of a pause for a run: after a fault an operator has that time to look at the jobs. The unusual number
#: distinguishes the pause of a run from that of an operator.
PAUSE = 301


class Ask(NamedTuple):
    """Commands that a step sends.

    Attributes
    ----------
    commands : tuple of Command
        They are sent together, and their answers come back together.
    tube : str or None
        The tube to use for them.
    there : bool
        Whether they go to the server that jobs are copied to.
    so_far : Fate or None
        Outcome to record before they are sent; it stays if no answer comes.
    calm : str or None
        A tube to keep paused until they are answered.
    alone : str or None
        A tube for which they need a connection that uses and watches it alone, one talk at a time.
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
#: A part of a talk that buries a job that was put: it ends with why it cannot be buried, or with None.
Burying = Generator[Ask, list[Any], str | None]
