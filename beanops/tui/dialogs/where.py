"""The entry of a SQL predicate: past and saved ones, completion, and the number of jobs before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker, WorkerState

from beanops.jobs.bodies import names_secret
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.dialogs.where_check import WhereCheck, WhereChecked
from beanops.tui.host import Host
from beanops.tui.jobs.feed import Wanted
from beanops.tui.jobs.known_paths import KnownPath, PathsFound, find_paths
from beanops.tui.jobs.searches import PastSearch, Searches
from beanops.tui.widgets.job_rows import JobRow
from beanops.ui.predicates import complete_predicate

#: Seconds after the last key until jobs are counted.
REST = 0.25
#: Past searches and completions that are offered for what was typed.
FEW_PAST, FEW_FITS = 4, 8
#: Shown while nothing is typed and nothing known.
_EXAMPLE = "age > interval 1 hour and data->>'$.customer' = '42'"


class WhereEntry(ModalScreen[str | None]):
    """Asks for a predicate; returns an empty text for none, and None where nothing shall change.

    Parameters
    ----------
    wanted : Wanted
        The jobs that are listed now.
    rows : sequence of JobRow
        Some of them, whose bodies have the paths that are completed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.WHERE]

    #: Whether the next key waits until it is decided whether this entry closes.
    holds_keys = False

    def __init__(self, wanted: Wanted, rows: Sequence[JobRow]) -> None:
        super().__init__()
        self._wanted = wanted
        self._rows = rows
        self._paths: list[KnownPath] = []
        # What is offered, the likeliest last, the place of the chosen one, and what was typed before it was chosen.
        self._offered: list[PastSearch] = []
        self._place: int | None = None
        self._typed = wanted.where or ""
        self._check: WhereCheck | None = None
        self._timer: Timer | None = None
        # The predicate that gets a name, while it is asked for.
        self._naming: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out what is offered above the entry, and what is wrong with it below."""
        with Vertical():
            yield OptionList(id="offered")
            with Horizontal():
                yield Static(Content("where "), id="colon")
                yield Input(self._typed, placeholder=_EXAMPLE, id="predicate", compact=True, select_on_focus=False)
            yield Static("", id="caret", markup=False)
            yield Static("", id="verdict", markup=False)
            yield Static(Content(""), id="hint")

    def on_mount(self) -> None:
        """Offer what is known, and count."""
        self._options.can_focus = False
        self._entry.focus()
        self._entry.cursor_position = len(self._typed)
        self._show_hint()
        self._offer()
        self._find_paths()
        self._later()

    def on_unmount(self) -> None:
        """End the count."""
        if self._check is not None:
            self._check.cancel()

    @property
    def _entry(self) -> Input:
        return self.query_one(Input)

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def _host(self) -> Host:
        return cast("Host", self.app)

    @property
    def _searches(self) -> Searches:
        return Searches.of(self.app, self._host.state_file)

    # -- offer -------------------------------------------------------------------------------------------------------

    @work(thread=True, exit_on_error=False, group="paths")
    def _find_paths(self) -> None:
        self.post_message(PathsFound(find_paths(self._host.session, self._wanted.tube, self._rows)))

    @on(PathsFound)
    def _paths_found(self, found: PathsFound) -> None:
        self._paths = list(found.paths)
        if self._place is None and self._naming is None:
            self._offer()

    def _offer(self, *, past_alone: bool = False) -> None:
        """Offer past searches; once something is typed, what it may become."""
        typed = self._typed
        past = self._searches.past(self._wanted.tube)
        if typed and typed != self._wanted.where and not past_alone:
            past = [one for one in past if typed.lower() in f"{one.name} {one.where}".lower() and one.where != typed]
            past = past[-FEW_PAST:]
            fits = self._completions(typed)[:FEW_FITS]
            known = {one.where for one in past}
            self._offered = [*past, *(PastSearch(one) for one in reversed(fits) if one not in known)]
        else:
            self._offered = [one for one in past if one.name or one.where != self._wanted.where]
        self._place = None
        self._show_offered()

    def _completions(self, text: str) -> list[str]:
        asked = [path.asked for path in self._paths if path.asked is not None]
        return [one for one in complete_predicate(text, asked) if one != text]

    def _show_offered(self) -> None:
        options = self._options
        options.clear_options()
        options.add_options([Option(self._line(one)) for one in self._offered])
        options.display = bool(self._offered)
        options.highlighted = self._place if self._place is not None else None
        if self._place is None and self._offered:
            options.scroll_end(animate=False)

    def _line(self, one: PastSearch) -> Content:
        where = safe_text(one.where, limit=300)
        if one.name:
            return Content.assemble(("★ ", "$delayed"), (safe_text(one.name), "bold"), "  ", (where, "$muted"))
        about = next((path.about for path in self._paths if path.asked and path.asked.sql == one.where), "")
        return Content.assemble(f"  {where}", (f"  {about}" if about else "", "$muted"))

    def action_recall(self, step: int) -> None:
        """Put what is offered above or below into the entry."""
        if self._naming is not None or not self._offered:
            return
        place = len(self._offered) if self._place is None else self._place
        place = max(0, place + step)
        self._place = place if place < len(self._offered) else None
        self._put(self._typed if self._place is None else self._offered[self._place].where)
        self._options.highlighted = self._place

    @on(OptionList.OptionSelected)
    def _clicked(self, selected: OptionList.OptionSelected) -> None:
        self._place = selected.option_index
        self._put(self._offered[self._place].where)

    def action_complete(self) -> None:
        """Accept the chosen or first completion, as far as all of them agree."""
        if self._naming is not None:
            return
        fits = self._completions(self._entry.value)
        if self._place is None and fits:
            common = _common(fits)
            self._typed = common if len(common) > len(self._entry.value) else fits[0]
            self._put(self._typed)
        else:
            self._typed = self._entry.value
        self._offer()

    def _put(self, text: str) -> None:
        with self.prevent(Input.Changed):
            self._entry.value = text
        self._entry.cursor_position = len(text)
        self._later()

    # -- check -------------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._naming is None:
            self._typed = self._entry.value
            self._offer()
            self._later()

    def _later(self) -> None:
        """Count the jobs as soon as no more is typed."""
        if self._timer is not None:
            self._timer.stop()
        if self._check is not None:
            self._check.cancel()
            self._check = None
        self._show_verdict()
        if self._text:
            self._timer = self.set_timer(REST, self._begin)

    @property
    def _text(self) -> str:
        return self._entry.value.strip()

    def _begin(self, *, counts: bool = True) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self._check is not None:
            self._check.cancel()
        self._check = WhereCheck(self._wanted._replace(where=self._entry.value), counts=counts)
        self._run(self._check)
        self._show_verdict()

    @work(thread=True, exit_on_error=False, group="check")
    def _run(self, check: WhereCheck) -> None:
        check.run(self._host.session, self.post_message)

    @on(WhereChecked)
    def _checked(self, checked: WhereChecked) -> None:
        if checked.check is not self._check:
            return
        check = checked.check
        if self.holds_keys and (check.over or check.accepted):
            self._decide(check)
        self._show_verdict()

    @on(Worker.StateChanged)
    def _ended(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.holds_keys = False

    def _show_verdict(self) -> None:
        check = self._check
        caret, verdict = self.query_one("#caret", Static), self.query_one("#verdict", Static)
        caret.display = False
        if self._naming is not None:
            verdict.update(Content.styled(safe_text(self._naming, limit=200), "$muted"))
        elif not self._text:
            verdict.update(Content.styled("all jobs", "$muted"))
        elif check is None:
            verdict.update(Content(" "))
        elif check.complaint:
            place = (check.position or 0) - 1
            if 0 <= place <= self._entry.size.width - 1 and self._entry.value[:place].isascii():
                caret.display = True
                caret.update(Content.styled(f"{'':{place + len('where ')}}^", "bold $buried"))
            verdict.update(Content.styled(f"✗ {check.complaint}", "$buried"))
        else:
            verdict.update(Content.styled(check.words, "" if check.over else "$muted"))

    # -- the end -----------------------------------------------------------------------------------------------------

    def action_accept(self) -> None:
        """Use the predicate if it is one; else say why not."""
        if self._naming is not None:
            self._named(self._entry.value.strip())
        elif not self._text:
            self.dismiss("")
        elif self._check is not None and self._check.wanted.where == self._entry.value and self._known(self._check):
            self._decide(self._check)
        else:
            self.holds_keys = True
            self._begin(counts=False)

    def _known(self, check: WhereCheck) -> bool:
        return check.accepted or bool(check.complaint)

    def _decide(self, check: WhereCheck) -> None:
        self.holds_keys = False
        if check.complaint:
            self._show_verdict()
        else:
            where = self._entry.value.strip()
            if not names_secret(where, self._host.session._context.protection.now.redact):
                self._searches.used(self._wanted.tube, where)
            self.dismiss(where)

    def action_cancel(self) -> None:
        """Close; or keep the predicate without a name."""
        if self._naming is not None:
            self._end_naming()
        else:
            self.dismiss(None)

    # -- saved searches ----------------------------------------------------------------------------------------------

    def action_save(self) -> None:
        """Ask for the name of the predicate."""
        if self._naming is None and self._text:
            self._naming = self._text
            saved = self._searches.named()
            name = next((name for name, where in saved.items() if where == self._naming), "")
            self._ask("name  ", name, "a name for this search")

    def _named(self, name: str) -> None:
        if name and self._naming is not None:
            self._searches.save(name, self._naming)
        self._end_naming()

    def _end_naming(self) -> None:
        where, self._naming = self._naming or "", None
        self._ask("where ", where, _EXAMPLE)
        self._typed = where
        self._offer(past_alone=True)
        self._later()

    def _ask(self, sign: str, value: str, placeholder: str) -> None:
        self.query_one("#colon", Static).update(Content(sign))
        self._entry.placeholder = placeholder
        with self.prevent(Input.Changed):
            self._entry.value = value
        self._entry.cursor_position = len(value)
        self._show_verdict()
        self._show_hint()

    def action_forget(self) -> None:
        """Remove the chosen search from those that are offered."""
        if self._place is not None and self._naming is None:
            self._searches.forget(self._offered[self._place])
            self._put(self._typed)
            self._offer()

    def _show_hint(self) -> None:
        key_of = self._host.key_of
        if self._naming is not None:
            hints = {"find": "saves", "cancel": "cancels"}
        else:
            hints = {
                "find": "finds",
                "earlier": "earlier and saved",
                "complete": "completes",
                "save": "saves",
                "forget": "forgets",
                "cancel": "cancels",
            }
        shown = ", ".join(f"{key_of(f'where.{name}')} {what}" for name, what in hints.items())
        self.query_one("#hint", Static).update(Content(shown))


def _common(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    shortest, longest = min(texts), max(texts)
    length = next((at for at, pair in enumerate(zip(shortest, longest, strict=False)) if len(set(pair)) > 1), None)
    return shortest[:length]
