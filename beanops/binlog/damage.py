"""What is wrong with a log: each damage with its file and offset, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from beanops.binlog.decoder import Flaw
from beanops.text import plural


class LogDamage(NamedTuple):
    """A damage of a log.

    Attributes
    ----------
    file : str
        The file in the folder, such as ``"binlog.3"``.
    offset : int or None
        The byte in the file at which it begins; None where it is the file itself.
    kind : str
        ``"length"``, ``"size"``, ``"state"``: no record is there; ``"zeros"``: zeros before more data; ``"name"``,
        ``"fields"``, ``"record"``, ``"cut body"``: a record is cut; ``"body"``: the end of a body is missing;
        ``"too big"``: a job is over the limit of the server that starts; ``"orphan"``: a job's body is in no file;
        ``"version"``, ``"missing"``, ``"removed"``: a file that a start does not read.
    job : int or None
        The job, if it is about one that is known.
    text : str
        What is wrong, and what a start does.
    """

    file: str
    offset: int | None
    kind: str
    job: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.file}{'' if self.offset is None else f' at {self.offset}'}: {self.text}"


#: Damages that are kept as such; more are counted.
MOST_KEPT = 1000


class Damages:
    """Collects damages: the first thousand, and the number of all.

    Attributes
    ----------
    kept : list of LogDamage
        The first ones.
    count : int
        How many there are.
    """

    def __init__(self) -> None:
        self.kept: list[LogDamage] = []
        self.count = 0

    def add(self, file: str, offset: int | None, kind: str, text: str, job: int | None = None) -> None:
        """Add one."""
        self.count += 1
        if len(self.kept) < MOST_KEPT:
            self.kept.append(LogDamage(file, offset, kind, job, text))

    def add_flaw(self, file: str, flaw: Flaw, size: int) -> None:
        """Add what the decoder found in a file of so many bytes."""
        if flaw.kind == "name":
            text = "a record ends before its fields; a start reads no further, without a word"
        elif flaw.kind == "record":
            text = "the file ends in a record, before its fields"
        else:
            text = _TEXTS[flaw.kind](flaw)
            found = f"the next record is at {flaw.until}" if flaw.until < size else "no record follows"
            text += f"; a start reads no further, {found}"
        self.add(file, flaw.offset, "cut body" if flaw.kind == "body" else flaw.kind, text, flaw.id or None)


_TEXTS: dict[str, Callable[[Flaw], str]] = {
    "length": lambda flaw: f"not a record (length of the tube's name: {flaw.value})",
    "size": lambda flaw: f"not a record (job {flaw.id} with a body of {plural(flaw.value, 'byte')})",
    "state": lambda flaw: f"not a record (state {flaw.value} of job {flaw.id})",
    "zeros": lambda flaw: "zeros in the middle of the file, without a word at a start",
    "body": lambda flaw: (
        f"the file ends in the body of job {flaw.id}, which has {plural(max(0, flaw.value - 2), 'byte')}"
    ),
}
