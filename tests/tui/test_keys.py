"""The key bindings: one meaning for each key, the same hints everywhere, and the help that lists them."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from textual.screen import ModalScreen

from beanops import Client, Session, tui
from beanops.tui.actions.catalogue import bindings
from beanops.tui.app import Dashboard
from beanops.tui.keys import keymap
from beanops.tui.replay import ReplayDashboard
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.table import RowTable
from tests.tui.conftest import Clock, dashboard, fill

#: Labels of one meaning: the key does or ends it, or says where it goes.
SAME = [
    {"Open", "Fold", "Done"},
    {"Back", "Clear", "Close", "Cancel", "No"},
    {"Freeze", "Play"},
    {"Slower", "Faster"},
    {"Pause", "Unpause"},
    {"Group", "Fold"},
]
#: Arrows and keys beside them move within what has the focus; in a recording, in its time.
MOVES = {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab"}


def _subclasses(kind: type) -> set[type]:
    return {kind}.union(*(_subclasses(one) for one in kind.__subclasses__()))


def test_a_key_means_the_same_on_all_screens() -> None:
    for module in pkgutil.walk_packages(tui.__path__, "beanops.tui."):
        importlib.import_module(module.name)
    # Dialogs ask for a text or an answer, and have keys of their own.
    kinds = _subclasses(FullScreen) | _subclasses(RowTable) | {Dashboard, ReplayDashboard}
    meanings: dict[str, dict[str, set[str]]] = {}
    for kind in kinds:
        for binding in kind.__dict__.get("BINDINGS", ()):
            for key in binding.key.split(","):
                if binding.id and key not in MOVES:
                    meanings.setdefault(key, {}).setdefault(binding.description, set()).add(kind.__name__)
    for key, labels in meanings.items():
        assert len(labels) == 1 or any(labels.keys() <= same for same in SAME), f"{key}: {labels}"


def test_a_dialog_uses_no_key_of_an_action_for_something_else() -> None:
    acts = {binding.key: binding.description for binding in bindings()}
    for dialog in _subclasses(ModalScreen):
        for binding in dialog.__dict__.get("BINDINGS", ()):
            for key in binding.key.split(","):
                assert key not in acts, f"{key} of {dialog.__name__}"


async def test_the_help_lists_keys_under_headings(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1", bury=1)
    async with dashboard(session, clock, (100, 70)) as desk:
        await desk.press("down", "question_mark")
        lines = [line.strip(" ▌│┃▎█") for line in (await desk.painted()).splitlines()]
        headings = [line for line in lines if line in ("Tubes", "Actions", "Rows", "Everywhere")]
        assert headings == ["Tubes", "Actions", "Rows", "Everywhere"]


async def test_hints_name_the_keys_of_the_user(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    fill(client, "other", *[b"x"] * 2000)
    chosen = keymap({"tube.more": "ctrl+g", "undo.undo": "z", "confirm.yes": "j"}, bindings())
    async with dashboard(session, clock, (140, 40), keys=chosen) as desk:
        await desk.press("home", "p", "enter")
        assert "j yes" in await desk.painted()
        await desk.press("j")
        assert "z undoes it" in desk.line("#status")
        desk.app.open_tube("mail")
        await desk.settle()
        fill(client, "mail", b"2")
        await desk.tick()
        assert "^g searches again" in desk.line("#status")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 220])
async def test_the_footer_fits_and_always_leads_to_all_keys(
    session: Session, client: Client, clock: Clock, width: int
) -> None:
    fill(client, "mail", b"1", b"2", bury=1)
    async with dashboard(session, clock, (width, 24)) as desk:
        for keys in (["down"], ["enter"], ["enter"], ["a"]):
            await desk.press(*keys)
            footer = (await desk.painted()).splitlines()[-1]
            assert footer.rstrip().endswith("? more"), footer
