"""The table that all views share: rows go out as snapshots and patches, selections and actions come back.

What lives here: what is said about rows (the page's side is ``page/grid.js``). It knows nothing of tubes and jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import anywidget
import traitlets

from beanops.notebook.widgets.channel import Channel, page_style, page_text
from beanops.protocol.errors import UsageError
from beanops.ui.columns.column import Column
from beanops.ui.confirmation import STEPS, Confirmation

#: Seconds after which a click no longer means what the user saw: the kernel was busy meanwhile.
STALE = 5.0
#: A patch that would touch more than this part of the rows is sent as a snapshot.
MOST = 0.5
#: Rows beyond which a page that has not said hello is not sent any: it will get all of them when it does.
UNASKED = 5_000

Cells = tuple[Any, ...]


def _shown(needed: Confirmation) -> dict[str, Any]:
    """Return what the page has to ask for."""
    return {"kind": needed.kind, "typed": needed.typed, "warning": needed.warning}


def _steps(confirm: Confirm, action: Action) -> list[dict[str, Any]]:
    """Return what the page has to ask for before an action, by the number of jobs from which it does."""
    return [{"from": jobs, **_shown(confirm(action.name, jobs))} for jobs in STEPS]


def _described(column: Column[Any]) -> dict[str, Any]:
    """Return what the page knows of a column. Times are texts there, because a page has no time zone to rely on."""
    kind = "text" if column.unit == "time" else column.unit
    return {"label": column.title, "kind": kind, "width": column.em, "tone": column.tone}


class Action(NamedTuple):
    """One button of the tool bar, which acts on the selected rows unless it is `offered`.

    Attributes
    ----------
    name, label : str
        What it does; what it says.
    states : list of str or None
        Only for rows in these states; None for all.
    arms : bool
        Whether the first click only arms it, also where nothing has to be confirmed. With more than one row selected
        every action does.
    amount : int or None
        A number that the user may change, such as seconds.
    unit : str
        What the number counts.
    text : str or None
        What the user must write beside it, such as ``"to tube"``.
    offered : bool
        Whether it is not about the selected rows, but only there while `Grid.offer` says so.
    """

    name: str
    label: str
    states: list[str] | None = None
    arms: bool = False
    amount: int | None = None
    unit: str = ""
    text: str | None = None
    offered: bool = False


#: Returns what has to be confirmed before an action, by its name, on a number of jobs.
Confirm = Callable[[str, int], Confirmation]


class Click(NamedTuple):
    """A button was pressed on the page.

    Attributes
    ----------
    name : str
        The action.
    keys : tuple of str
        The rows it was pressed for, as the user saw them; for an offer, its keys.
    amount : int or None
        The number beside the button.
    text : str
        The text beside the button.
    """

    name: str
    keys: tuple[str, ...]
    amount: int | None = None
    text: str = ""


class _GridPage(anywidget.AnyWidget):
    _esm = page_text("dom.js", "rows.js", "toolbar.js", "grid.js")
    _css = page_style()
    columns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    options: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)


class Grid(Channel):
    """A table of rows with keys.

    Parameters
    ----------
    columns : sequence of Column
        What the cells of each row are.
    actions : sequence of Action
        The tool bar.
    noun : str
        What a row is, such as ``"tube"``.
    visible : int
        Rows shown before it scrolls.
    filter : bool
        Whether there is a filter box.
    ask : str
        What the box for a question asks for; empty for none.
    newest_first : bool
        Whether rows start sorted by the first column, largest first.
    confirm : callable
        Returns what has to be confirmed before an action, by its name, on a number of jobs.
    on_select : callable or None
        Called with the keys when the user changed the selection.
    on_action : callable or None
        Called with a `Click`.
    on_ask : callable or None
        Called with the text of the question, when the user ended it.
    on_cancel : callable or None
        Called when the user wants what stands in the line ``"progress"`` to end.
    on_error : callable or None
        Called with the text of what was refused, or of what a handler raised.
    clock : callable
        Tells the moment, in seconds.

    Attributes
    ----------
    widget : AnyWidget
        What is displayed.
    """

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        *,
        noun: str,
        actions: Sequence[Action] = (),
        visible: int = 12,
        filter: bool = False,
        ask: str = "",
        newest_first: bool = False,
        confirm: Confirm = lambda action, jobs: Confirmation(),
        on_select: Callable[[tuple[str, ...]], None] | None = None,
        on_action: Callable[[Click], None] | None = None,
        on_ask: Callable[[str], None] | None = None,
        on_cancel: Callable[[], None] | None = None,
        on_error: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows: dict[str, Cells] = {}
        self._selected: tuple[str, ...] = ()
        self._focus: str | None = None
        self._actions = {action.name: action for action in actions}
        self._confirm = confirm
        self._noun = noun
        self._offers: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._needed_by_offers: dict[str, Confirmation] = {}
        self._on_select, self._on_action, self._on_ask, self._on_cancel = on_select, on_action, on_ask, on_cancel
        options = {
            "noun": noun,
            "visible": visible,
            "filter": filter,
            "ask": ask,
            "newestFirst": newest_first,
            "actions": [{**action._asdict(), "confirm": _steps(confirm, action)} for action in actions],
        }
        page = _GridPage(columns=[_described(column) for column in columns], options=options)
        super().__init__(page, on_error, clock)

    @property
    def rows(self) -> Mapping[str, Cells]:
        """The rows by key."""
        return self._rows

    @property
    def selected(self) -> tuple[str, ...]:
        """The keys of the selected rows."""
        return self._selected

    @property
    def focus(self) -> str | None:
        """The selected row that was chosen last."""
        return self._focus if self._focus in self._selected else None

    # -- to the page ---------------------------------------------------------------------------------------------

    def update(self, rows: Mapping[str, Cells]) -> None:
        """Show these rows and no others; what changed is sent. Rows that are gone are no longer selected."""
        with self._lock:
            changed = {key: cells for key, cells in rows.items() if self._rows.get(key) != cells}
            self._change(dict(rows), changed, [key for key in self._rows if key not in rows])

    def patch(self, rows: Mapping[str, Cells], gone: Iterable[str] = ()) -> None:
        """Show these rows too, in their places or below; take away those that are gone."""
        with self._lock:
            left = [key for key in gone if key in self._rows]
            changed = {key: cells for key, cells in rows.items() if self._rows.get(key) != cells}
            now = self._rows
            now.update(changed)
            for key in left:
                del now[key]
            if changed or left:
                self._change(now, changed, left)

    def _change(self, now: dict[str, Cells], changed: dict[str, Cells], gone: list[str]) -> None:
        self._rows = now
        if gone:
            self._selected = tuple(key for key in self._selected if key in now)
        # Until the page has said hello nobody knows what it missed; a busy kernel may read its hello much later.
        if not self._greeted and len(now) > UNASKED:
            return
        if not self._greeted or len(changed) + len(gone) > MOST * len(now) + 8:
            self._send_all()
        elif changed or gone:
            self._send("patch", seq=self._next(), rows=list(changed.items()), gone=gone)

    def select(self, keys: Sequence[str]) -> None:
        """Select rows; keys that are not shown are left out."""
        with self._lock:
            self._selected = tuple(key for key in keys if key in self._rows)
            self._focus = self._selected[-1] if self._selected else None
            self._send("select", keys=self._selected)

    def offer(self, name: str, label: str = "", keys: Sequence[str] = (), needed: Confirmation | None = None) -> None:
        """Offer an action that is not about the selected rows, or withdraw it.

        Parameters
        ----------
        name, label : str
            The action, and what its button says; without a label it is no longer offered.
        keys : sequence of str
            The keys of its click.
        needed : Confirmation or None
            What has to be confirmed; None asks as for so many jobs as there are keys.
        """
        with self._lock:
            offer = (label, tuple(keys))
            if self._offers.get(name, ("", ())) != offer:
                self._offers[name] = offer
                self._needed_by_offers[name] = needed or self._confirm(name, len(keys))
                self._send_offer(name)

    def _send_offer(self, name: str) -> None:
        label, keys = self._offers[name]
        self._send("offer", name=name, label=label, keys=keys, confirm=_shown(self._needed_by_offers[name]))

    def _send_all(self) -> None:
        keys, cells = list(self._rows), list(self._rows.values())
        self._send("rows", seq=self._next(), keys=keys, cells=cells, selected=self._selected)

    def _welcome(self) -> None:
        with self._lock:
            super()._welcome()
            for name in self._offers:
                self._send_offer(name)

    # -- from the page -------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        if kind == "select":
            with self._lock:
                self._selected = tuple(key for key in message["keys"] if key in self._rows)
                self._focus = message.get("focus")
            if self._on_select:
                self._on_select(self._selected)
        elif kind == "ask" and self._on_ask:
            self._on_ask(message["text"])
        elif kind == "cancel" and self._on_cancel:
            self._on_cancel()
        elif kind == "action" and message["name"] in self._actions:
            self._act(self._actions[message["name"]], message)

    def _act(self, action: Action, message: dict[str, Any]) -> None:
        keys, age = tuple(message["keys"]), self._clock() - message["clicked"]
        if age > STALE:
            late = f"the click is {age:.0f} s old, the kernel was busy; click again"
            raise UsageError(f"{action.name} was refused: {late}")
        needed = self._needed(action, len(keys), message.get("amount"))
        if needed.typed and not needed.accepts(message.get("typed") or ""):
            raise UsageError(f"{action.name} was refused: {needed.typed} must be typed before it")
        if self._on_action:
            self._on_action(Click(action.name, keys, message.get("amount"), message.get("text") or ""))

    def _needed(self, action: Action, rows: int, amount: int | None) -> Confirmation:
        """Return what has to be confirmed before an action on so many rows; the page counts jobs the same way."""
        if action.offered:
            return self._needed_by_offers.get(action.name, Confirmation())
        jobs = rows if self._noun == "job" else rows * int(amount or 0) if action.unit == "jobs" else 0
        return self._confirm(action.name, jobs)
