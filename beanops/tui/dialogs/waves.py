"""`WavesDialog`: the waves of a canary as they come, and the question before the next one."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from beanops.session.investigation.verdicts import FINAL
from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.actions.request import UnderWay
from beanops.tui.host import Host
from beanops.ui.columns.canary import VERDICT_COLUMNS, VerdictRow, verdict_rows
from beanops.ui.waves import BAD, VERDICT_TONES, WaveRunner

#: The columns, with their widths.
_SHOWN = {"verdict": 10, "jobs": 8, "first": 8, "last": 8, "meaning": 0}
_COLUMNS = [column for column in VERDICT_COLUMNS if column.name in _SHOWN]


class WavesDialog(ModalScreen[None]):
    """The waves of a canary; it stays until it is closed.

    Parameters
    ----------
    action : UnderWay
        The canary.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.WAVES]

    def __init__(self, action: UnderWay) -> None:
        super().__init__()
        self._under_way = action
        self._end = ""

    def compose(self) -> ComposeResult:
        """Lay out what is done, the waves, and what the keys do now."""
        with Vertical(id="dialog", classes="-waves"):
            yield Static(
                Content(self._under_way.request.offer.sentence(self._under_way.request).rstrip("?")), id="question"
            )
            with VerticalScroll(id="waves", can_focus=False):
                yield Static("", id="wave", markup=False)
            yield Static("", id="hint", markup=False)

    def on_mount(self) -> None:
        """Follow the canary."""
        self.set_interval(0.2, self.look)
        self.look()

    @property
    def _runner(self) -> WaveRunner:
        runner = self._under_way.runner
        assert isinstance(runner, WaveRunner)
        return runner

    def look(self) -> None:
        """Show the waves so far."""
        runner = self._runner
        lines: list[Content] = []
        for wave in runner.waves:
            mark = {True: ("✓", "$ready"), False: ("✗", "$buried"), None: ("?", "$delayed")}[wave.passed]
            title = f" wave {wave.number}: {plural(len(wave.jobs), 'job')}, watched for {wave.length}"
            lines += [Content.assemble((mark[0], f"bold {mark[1]}"), (title, "bold"))]
            lines += [_line(row) for row in verdict_rows(wave.jobs)]
            lines += [Content(f"  {safe_text('; '.join([*wave.notes, wave.judgement]))}"), Content("")]
        if watched := runner.watched:
            final = sum(job.verdict in FINAL for job in watched)
            title = f"wave {len(runner.waves) + 1}: {final:,} of {plural(len(watched), 'job')} decided"
            lines += [Content.assemble((f"… {title}, {span(int(runner.seconds_left))} left", "bold"))]
            lines += [_line(row) for row in verdict_rows(watched)]
        elif not lines:
            lines = [Content("looking for the jobs ...")]
        self.query_one("#wave", Static).update(Content("\n").join(lines))
        self.query_one("#hint", Static).update(Content(self._hint()))
        self.query_one("#waves").scroll_end(animate=False)

    def _hint(self) -> str:
        runner, key_of = self._runner, cast("Host", self.app).key_of
        stop = key_of("waves.stop").replace(" ", " or ")
        if self._under_way.over.is_set():
            return f"{self._end or 'over'}   {stop} closes"
        if runner.cancelled:
            return "Stopping after the current batch ..."
        if runner.question is not None:
            return f"Kick {runner.question.which}?   {key_of('waves.go-on')} yes   {stop} no"
        return f"{stop} stops after the current batch"

    def ended(self, text: str) -> None:
        """Show how it ended."""
        self._end = text
        self.look()

    def action_answer(self, yes: bool) -> None:
        """Answer whether to go on; Esc also stops it, or closes this once it is over."""
        runner = self._runner
        if self._under_way.over.is_set():
            self.dismiss()
        elif runner.question is not None:
            runner.answer(yes)
        elif not yes:
            runner.cancel()
        self.look()


def _line(row: VerdictRow) -> Content:
    cells = []
    for column in _COLUMNS:
        text = column.text(row, _SHOWN[column.name] or 60)
        width = _SHOWN[column.name]
        cells.append(text.ljust(width) if column.left else text.rjust(width))
    return Content.assemble(("  " + "  ".join(cells), f"${VERDICT_TONES.get(row.verdict, BAD)}"))
