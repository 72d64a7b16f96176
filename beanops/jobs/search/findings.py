"""Describe the result of a scan in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Facts(NamedTuple):
    """The state of a scan.

    Attributes
    ----------
    begun : bool
        Whether the scan has begun.
    seen_all, at_limit : bool
        Whether all selected jobs were found, and whether the limit was reached.
    found, yielded : int
        Number of matching jobs, and of those that the caller got.
    expected : int or None
        Number of jobs in the server's count.
    undecoded, unread : int
        Number of jobs that could not be decoded, and of jobs whose bodies are still to be read.
    todo : sequence of sequence of int
        The ids still to ask for.
    top : int or None
        The highest id that was looked for, where higher ids may exist and no count rules them out.
    proven : bool
        Whether a count before the scan proved that no selected job is above.
    order : str
        As in `Selection`.
    first : int or None
        Maximum number of jobs in the order of a column.
    out_of_order : bool
        Whether jobs above the bound came last.
    """

    begun: bool
    seen_all: bool
    at_limit: bool
    found: int
    yielded: int
    expected: int | None
    undecoded: int
    unread: int
    todo: Sequence[Sequence[int]]
    top: int | None
    proven: bool
    order: str
    first: int | None
    out_of_order: bool

    @property
    def verdict(self) -> str:
        """What is known."""
        if not self.undecoded:
            return self._known
        from beanops.jobs.sql.where import undecoded_words

        return f"{self._known}; {undecoded_words(self.undecoded)}"

    @property
    def doubt(self) -> str:
        """Why what was found may not be in the order that was asked for; empty when it is."""
        if self.out_of_order:
            return "jobs with higher ids came last"
        if self.seen_all or self.top is None or self.proven or self.order != "newest":
            return ""
        return f"newer jobs may have ids above {self.top}"

    @property
    def _known(self) -> str:
        if self.seen_all and not (self.at_limit and self.yielded < self.found):
            some = self.first is not None and self.first < self.found
            first = f", the first {self.first:,} by {self.order}" if some else ""
            return f"{'incomplete' if self.undecoded else 'complete'}: {self.found:,} found{first}"
        if self.at_limit:
            among = "" if self.top is None or self.proven else f" of the ids up to {self.top}"
            return f"the {self.order} {self.yielded:,}{among}; no more were looked for"
        if not self.begun:
            return "incomplete: nothing was looked at"
        of = "" if self.expected is None else f" of {self.expected:,}"
        unread = f", {self.unread:,} of them not read" if self.unread else ""
        return f"incomplete: {self.found:,}{of} found{unread}; not looked at: {self._left}"

    @property
    def _left(self) -> str:
        parts = [f"ids {min(part[0], part[-1])} to {max(part[0], part[-1])}" for part in self.todo[:3]]
        if len(self.todo) > 3:
            parts.append("and more")
        if self.top is not None:
            parts.append(f"ids above {self.top}")
        return ", ".join(parts) or "nothing"
