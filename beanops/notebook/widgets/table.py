"""The table of all views: it sends rows as snapshots and patches, and receives selections and clicks.

The page side is ``page/grid.js``. Neither knows anything of tubes and jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.protocol.errors import UsageError
from beanops.ui.columns.column import Column
from beanops.ui.confirmation import STEPS, Confirmation

#: Seconds after which a click is rejected: while the kernel was busy, the rows may have changed.
STALE = 5.0
#: Share of changed rows from which a patch is sent as a snapshot.
MOST = 0.5
#: Most rows to send before a page said hello, after which it gets all of them.
UNASKED = 5_000

Cells = tuple[Any, ...]


def _shown(needed: Confirmation) -> dict[str, Any]:
    """Return a confirmation as the page needs it."""
    return {"kind": needed.kind, "typed": needed.typed, "warning": needed.warning}


def _steps(confirm: Confirm, action: ToolButton) -> list[dict[str, Any]]:
    """Return the confirmations of an action, each with the number of jobs from which it applies."""
    return [{"from": jobs, **_shown(confirm(action.name, jobs))} for jobs in STEPS]


def _described(column: Column[Any]) -> dict[str, Any]:
    """Return a column as the page needs it. Times are texts there: the page may be in another time zone."""
    kind = "text" if column.unit == "time" else column.unit
    return {"label": column.title, "kind": kind, "width": column.em, "tone": column.tone}


class ToolButton(NamedTuple):
    """One button of the tool bar, for the selected rows unless it is `offered`.

    Attributes
    ----------
    name, label : str
        Its action, and its text.
    states : list of str or None
        States of the rows that it acts on; None for all.
    arms : bool
        Whether the first click only arms it, also where no confirmation is needed. With several rows selected every
        button is armed first.
    amount : int or None
        Default of the number beside it, such as seconds.
    unit : str
        Unit of the number.
    text : str or None
        Placeholder of the text that the user must enter beside it, such as ``"to tube"``.
    offered : bool
        Whether it acts on the keys of `Grid.offer`, and only appears while that offers it.
    """

    name: str
    label: str
    states: list[str] | None = None
    arms: bool = False
    amount: int | None = None
    unit: str = ""
    text: str | None = None
    offered: bool = False


#: Returns the confirmation that an action needs, from its name and a number of jobs.
Confirm = Callable[[str, int], Confirmation]


class Click(NamedTuple):
    """A button was pressed on the page.

    Attributes
    ----------
    name : str
        The action.
    keys : tuple of str
        The rows selected at the click; for an offer, its keys.
    amount : int or None
        The number beside the button.
    text : str
        The text beside the button.
    """

    name: str
    keys: tuple[str, ...]
    amount: int | None = None
    text: str = ""


class Grid(Channel):
    """A table of rows with keys.

    Parameters
    ----------
    name : str
        Its name in the view.
    columns : sequence of Column
        One for each cell of a row.
    actions : sequence of ToolButton
        The tool bar.
    noun : str
        Noun for a row, such as ``"tube"``.
    visible : int
        Most rows shown without scrolling.
    filter : bool
        Whether there is a filter box.
    ask : str
        Placeholder of the query box; empty for none.
    newest_first : bool
        Whether rows are sorted by the first column at first, largest first.
    confirm : callable
        Returns the confirmation that an action needs, from its name and a number of jobs.
    on_select : callable or None
        Called with the keys when the user changes the selection.
    on_action : callable or None
        Called with a `Click`.
    on_ask : callable or None
        Called with the text of the query box, when the user presses Enter.
    on_cancel : callable or None
        Called when the user presses Cancel.
    on_error : callable or None
        Called with the text of a rejection, or of an error in a handler.
    clock : callable
        Monotonic seconds.
    """

    kind = "table"
    files = ("rows.js", "toolbar.js", "grid.js")

    def __init__(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        *,
        noun: str,
        actions: Sequence[ToolButton] = (),
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
            "columns": [_described(column) for column in columns],
            "noun": noun,
            "visible": visible,
            "filter": filter,
            "ask": ask,
            "newestFirst": newest_first,
            "actions": [{**action._asdict(), "confirm": _steps(confirm, action)} for action in actions],
        }
        super().__init__(name, options, on_error, clock)

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
        """The row selected last."""
        return self._focus if self._focus in self._selected else None

    # -- to the page ---------------------------------------------------------------------------------------------

    def update(self, rows: Mapping[str, Cells]) -> None:
        """Show these rows and no others, and send the changes. A row that is gone is no longer selected."""
        with self._lock:
            changed = {key: cells for key, cells in rows.items() if self._rows.get(key) != cells}
            self._change(dict(rows), changed, [key for key in self._rows if key not in rows])

    def patch(self, rows: Mapping[str, Cells], gone: Iterable[str] = ()) -> None:
        """Update these rows, or add them below; remove those that are gone."""
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
        if gone and not all(key in now for key in self._selected):
            self._select([key for key in self._selected if key in now], self._focus)
        # Before its hello a page may have missed any message; a busy kernel may read that hello much later.
        if not self._greeted and len(now) > UNASKED:
            return
        if not self._greeted or len(changed) + len(gone) > MOST * len(now) + 8:
            self._send_all()
        elif changed or gone:
            self.send("patch", seq=self._next(), rows=list(changed.items()), gone=gone)

    def select(self, keys: Sequence[str]) -> None:
        """Select rows, and ignore keys that are not in the table."""
        with self._lock:
            known = [key for key in keys if key in self._rows]
            self._select(known, known[-1] if known else None)

    def _select(self, keys: Sequence[str], focus: str | None) -> None:
        self._selected, self._focus = tuple(keys), focus
        if self.root is not None:
            self.root.select(self.name, self._selected, focus)

    def offer(self, name: str, label: str = "", keys: Sequence[str] = (), needed: Confirmation | None = None) -> None:
        """Show a button that does not act on the selected rows, or hide it.

        Parameters
        ----------
        name, label : str
            The action, and the text of its button; without a label the button is hidden.
        keys : sequence of str
            The keys of its click.
        needed : Confirmation or None
            The confirmation; None for that of as many jobs as there are keys.
        """
        with self._lock:
            offer = (label, tuple(keys))
            if self._offers.get(name, ("", ())) != offer:
                self._offers[name] = offer
                self._needed_by_offers[name] = needed or self._confirm(name, len(keys))
                self._send_offer(name)

    def _send_offer(self, name: str) -> None:
        label, keys = self._offers[name]
        self.send("offer", name=name, label=label, keys=keys, confirm=_shown(self._needed_by_offers[name]))

    def _send_all(self) -> None:
        keys, cells = list(self._rows), list(self._rows.values())
        self.send("rows", seq=self._next(), keys=keys, cells=cells)

    def welcome(self) -> None:
        """Send everything: a page has appeared."""
        with self._lock:
            super().welcome()
            for name in self._offers:
                self._send_offer(name)

    # -- from the page -------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        kind = message.get("kind")
        if kind == "ask" and self._on_ask:
            self._on_ask(message["text"])
        elif kind == "cancel" and self._on_cancel:
            self._on_cancel()
        elif kind == "action" and message["name"] in self._actions:
            self._act(self._actions[message["name"]], message)

    def _choose(self, keys: tuple[str, ...], focus: str | None) -> None:
        with self._lock:
            known = tuple(key for key in keys if key in self._rows)
            self._selected, self._focus = known, focus
        if self._on_select:
            self._on_select(known)

    def _act(self, action: ToolButton, message: dict[str, Any]) -> None:
        keys, age = tuple(message["keys"]), self._clock() - message["clicked"]
        if age > STALE:
            late = f"click delayed by {age:.0f} s, the kernel was busy; click again"
            raise UsageError(f"{action.name} was refused: {late}")
        needed = self._needed(action, len(keys), message.get("amount"))
        if needed.typed and not needed.accepts(message.get("typed") or ""):
            raise UsageError(f"{action.name} was refused: type {needed.typed} to confirm")
        if self._on_action:
            self._on_action(Click(action.name, keys, message.get("amount"), message.get("text") or ""))

    def _needed(self, action: ToolButton, rows: int, amount: int | None) -> Confirmation:
        """Return the confirmation of an action on a number of rows; the page counts jobs the same way."""
        if action.offered:
            return self._needed_by_offers.get(action.name, Confirmation())
        jobs = rows if self._noun == "job" else rows * int(amount or 0) if action.unit == "jobs" else 0
        return self._confirm(action.name, jobs)
