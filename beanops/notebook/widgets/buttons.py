"""The tool bar of a table: its buttons, what must be confirmed before one acts, and the click of a user.

The page side is ``page/table/toolbar.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from beanops.protocol.errors import UsageError
from beanops.ui.confirmation import STEPS, Confirmation

#: Seconds after which a click is rejected: while the kernel was busy, the rows may have changed.
STALE = 5.0


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


class ButtonOffer(NamedTuple):
    """What a button that does not act on the selected rows offers now."""

    label: str
    keys: tuple[str, ...]
    needed: Confirmation


#: An offer that is over.
NOTHING = ButtonOffer("", (), Confirmation())


class ToolBar:
    """The buttons of a table.

    Parameters
    ----------
    actions : sequence of ToolButton
        From left to right.
    noun : str
        Noun for a row.
    confirm : callable
        Returns the confirmation that an action needs.
    """

    def __init__(self, actions: Sequence[ToolButton], noun: str, confirm: Confirm) -> None:
        self._actions = {action.name: action for action in actions}
        self._noun = noun
        self._confirm = confirm
        self._offers: dict[str, ButtonOffer] = {}

    @property
    def described(self) -> list[dict[str, Any]]:
        """The buttons as the page needs them."""
        return [
            {**action._asdict(), "confirm": confirm_steps(self._confirm, action.name)}
            for action in self._actions.values()
        ]

    @property
    def offers(self) -> Mapping[str, ButtonOffer]:
        """What was offered, by action; an offer without a label is over."""
        return self._offers

    def offer(self, name: str, label: str, keys: Sequence[str], needed: Confirmation | None) -> bool:
        """Remember an offer; return whether it is another one than before."""
        before = self._offers.get(name, NOTHING)
        if before[:2] == (label, tuple(keys)):
            return False
        self._offers[name] = ButtonOffer(label, tuple(keys), needed or self._confirm(name, len(keys)))
        return True

    def offered(self, name: str) -> dict[str, Any]:
        """Return an offer as the page needs it."""
        label, keys, needed = self._offers[name]
        return {"name": name, "label": label, "keys": keys, "confirm": _shown(needed)}

    def clicked(self, message: dict[str, Any], age: float) -> Click | None:
        """Return the click that a page reports, `age` seconds after it; None where there is no such button.

        Raises
        ------
        UsageError
            It comes too late, or what must be typed was not.
        """
        action = self._actions.get(message["name"])
        if action is None:
            return None
        if age > STALE:
            late = f"click delayed by {age:.0f} s, the kernel was busy; click again"
            raise UsageError(f"{action.name} was refused: {late}")
        keys, amount = tuple(message["keys"]), message.get("amount")
        needed = self._needed(action, len(keys), amount)
        if needed.typed and not needed.accepts(message.get("typed") or ""):
            raise UsageError(f"{action.name} was refused: type {needed.typed} to confirm")
        return Click(action.name, keys, amount, message.get("text") or "")

    def _needed(self, action: ToolButton, rows: int, amount: int | None) -> Confirmation:
        """Return the confirmation of an action on a number of rows; the page counts jobs the same way."""
        if action.offered:
            offer = self._offers.get(action.name)
            return Confirmation() if offer is None else offer.needed
        jobs = rows if self._noun == "job" else rows * int(amount or 0) if action.unit == "jobs" else 0
        return self._confirm(action.name, jobs)


def confirm_steps(confirm: Confirm, action: str) -> list[dict[str, Any]]:
    """Return the confirmations of an action for a page, each with the number of jobs from which it applies."""
    return [{"from": jobs, **_shown(confirm(action, jobs))} for jobs in STEPS]


def _shown(needed: Confirmation) -> dict[str, Any]:
    """Return a confirmation as the page needs it."""
    return {"kind": needed.kind, "typed": needed.typed, "warning": needed.warning}
