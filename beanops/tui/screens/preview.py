"""`TubePreview`: what is wrong with the tube under the cursor, why its jobs failed, its next job, and what can be done.

At the right of a wide terminal, in three lines at the bottom of a narrow one. Jobs are read in a thread, after the
cursor has rested, and again only when the tube has changed; never while the server does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from beanops.monitor.survey import Seen
from beanops.text import safe_text
from beanops.tui.host import Host
from beanops.tui.tubes.causes import CauseMemory, TubeCauses, read_causes, state_read
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.tube_words import (
    PartLine,
    about,
    cause_lines,
    causes_in_line,
    fact_lines,
    member_lines,
    next_in_line,
    next_lines,
    problem_lines,
)

#: Columns from which it is at the right, and rows from which the strip at the bottom has three lines.
SIDE, STRIP = 120, 20
#: Seconds that the cursor rests on a tube before its jobs are read.
REST = 0.15
#: Returns the keys of what can be done, with words.
Hints = Callable[[], list[tuple[str, str]]]


class _Wanted(NamedTuple):
    """A tube to read; its session may be another one's by the time it is read."""

    row: Seen
    instance: str


class CausesRead(Message):
    """The causes of a tube were read."""

    def __init__(self, causes: TubeCauses) -> None:
        super().__init__()
        self.causes = causes


class TubePreview(Vertical):
    """What is known of the tube under the cursor.

    Parameters
    ----------
    hints : callable
        Returns the keys of what can be done, with words.
    """

    def __init__(self, hints: Hints, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hints = hints
        self.wanted = True
        self._memory = CauseMemory()
        self._row: Seen | None = None
        self._gone: list[Part] = []
        self._instance = ""
        self._pane: list[PartLine] = []
        # The tube that is being read, and whether nobody waits for it any more.
        self._reading: str | None = None
        self._turn = 0

    @property
    def host(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the strip and the pane."""
        yield Line(id="about")
        yield Line(id="causes")
        yield Line(id="next")
        yield Static("", id="pane", markup=False)

    @property
    def beside(self) -> bool:
        """Whether it is at the right of the table."""
        return self.wanted and self.app.size.width >= SIDE

    def on_mount(self) -> None:
        """Fit it to the terminal."""
        self.fit()

    def fit(self) -> None:
        """Be at the right, or at the bottom, as the terminal has room."""
        beside, strip = self.beside, self.wanted and self.app.size.height >= STRIP
        if self.parent is not None:
            cast("Vertical", self.parent).set_class(beside, "-beside")
        self.query_one("#about").display = not beside
        self.query_one("#causes").display = self.query_one("#next").display = strip and not beside
        self.query_one("#pane").display = beside
        self._paint()

    def on_unmount(self) -> None:
        """Stop reading."""
        self._turn += 1

    # -- show --------------------------------------------------------------------------------------------------------

    def show(self, row: Seen | None, instance: str, gone: list[Part]) -> None:
        """Show a tube, or that it no longer exists, and read its jobs if they are not known."""
        self._row, self._instance, self._gone = row, instance, gone
        self._paint()
        self._read_if_due()

    def forget(self, tubes: Collection[str]) -> None:
        """Read tubes again whose jobs an action has changed."""
        self._memory.forget(tubes)

    @property
    def _causes(self) -> TubeCauses | None:
        return None if self._row is None else self._memory.of(self._row.name, self._instance)

    def _paint(self) -> None:
        row, causes, width = self._row, self._causes, self.app.size.width - 2
        self.query_one("#about", Line).say(self._gone if row is None else about(row, width))
        if self.beside:
            self._say(self._gone_lines if row is None else self._lines(row, causes))
            return
        self.query_one("#causes", Line).say([] if row is None else causes_in_line(row, causes, width) or self._missing)
        self.query_one("#next", Line).say([] if row is None else next_in_line(row, causes))

    @property
    def _gone_lines(self) -> list[PartLine]:
        return [self._gone] if self._gone else []

    @property
    def _missing(self) -> PartLine:
        """Why no causes are shown."""
        row = self._row
        if row is None or row.members or not state_read(row.stats):
            return []
        if self._causes is not None and self._causes.state == state_read(row.stats):
            return []
        live = self.host.live
        if live.playback is not None:
            return [("a recording has no jobs", "$muted")]
        if live.stale:
            return [("jobs are not read while the server does not answer", "$muted")]
        return [("reading jobs ...", "$muted")]

    def _lines(self, row: Seen, causes: TubeCauses | None) -> list[PartLine]:
        now, at = self.host.clock(), self.host.clock()
        width = max(20, self.query_one("#pane").size.width - 2)
        parts: list[list[PartLine]] = [[[(safe_text(row.name), "bold $primary")], *problem_lines(row, now)]]
        if row.members:
            known = self.host.live.tubes
            parts.append(member_lines(row, [known[name] for name in row.members if name in known]))
        else:
            missing = self._missing
            parts.append(cause_lines(row, causes, width, at) or ([missing] if missing else []))
            parts.append(next_lines(row, causes))
        parts.append([_hint_line(self._hints())])
        parts.append(fact_lines(row))
        lines: list[PartLine] = []
        for block in parts:
            if block and block != [[]]:
                lines += [*([[("", "")]] if lines else []), *block]
        return lines

    def _say(self, lines: list[PartLine]) -> None:
        if lines != self._pane:
            self._pane = lines
            ends: list[Part] = []
            for line in lines:
                ends += [*line, ("\n", "")]
            # Its size does not follow its text: laying out the whole screen was half of the time of a key press.
            self.query_one("#pane", Static).update(Content.assemble(*ends), layout=False)

    # -- read --------------------------------------------------------------------------------------------------------

    def _read_if_due(self) -> None:
        row, live = self._row, self.host.live
        if row is None or row.members or not self.wanted or not state_read(row.stats):
            return
        if live.stale or live.playback is not None or not self._instance:
            return
        if self._reading == row.name or not self._memory.is_due(row.stats, self._instance, self.host.clock()):
            return
        self._turn += 1  # whatever is read now is of no use any more
        self._reading = row.name
        self._read(_Wanted(row, self._instance), self._turn)

    @work(exit_on_error=False, group="causes")
    async def _read(self, wanted: _Wanted, turn: int) -> None:
        try:
            await asyncio.sleep(REST)
            session, stats, at = self.host.session, wanted.row.stats, self.host.clock()
            if turn == self._turn:
                causes = await asyncio.to_thread(
                    read_causes, session, stats, wanted.instance, at, lambda: turn != self._turn
                )
                if turn == self._turn:
                    self.post_message(CausesRead(causes))
        finally:
            if turn == self._turn:
                self._reading = None

    @on(CausesRead)
    def _causes_read(self, read: CausesRead) -> None:
        read.stop()
        self._memory.keep(read.causes)
        self._paint()


def _hint_line(hints: list[tuple[str, str]]) -> PartLine:
    parts: PartLine = []
    for key, words in hints:
        parts += [(key, "bold $footer-key-foreground"), (f" {words}   ", "$muted")]
    return parts
