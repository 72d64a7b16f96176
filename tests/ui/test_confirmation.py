"""What has to be confirmed: one table for all faces."""

from __future__ import annotations

import pytest

from beanops.session.config import Profile
from beanops.ui.confirmation import Confirmation, confirmation

ASKS = Profile("prod", "queue.internal:11300")
NAMED = ASKS._replace(confirm="type-name")
FORGETS = ASKS._replace(keep_bodies=False)


@pytest.mark.parametrize(
    ("action", "count", "profile", "kind", "typed"),
    [
        ("kick", 100, ASKS, "nothing", ""),
        ("kick", 101, ASKS, "yes", ""),
        ("edit", 101, ASKS, "number", "101"),
        ("kick", 100, NAMED, "nothing", ""),
        ("kick", 101, NAMED, "name", "prod"),
        ("kick-next", 100, ASKS, "nothing", ""),
        ("kick-next", 101, ASKS, "number", "101"),
        ("kick-next", 1, NAMED, "name", "prod"),
        ("move", 1, NAMED, "nothing", ""),
        ("move", 101, NAMED, "name", "prod"),
        ("delete", 1, ASKS, "yes", ""),
        ("delete", 1, NAMED, "name", "prod"),
        ("delete", 101, ASKS, "number", "101"),
        ("delete", 1, FORGETS, "number", "1"),
        ("delete", 1, FORGETS._replace(confirm="type-name"), "name", "prod"),
        ("drain", 5, ASKS, "yes", ""),
        ("export and delete", 5, NAMED, "name", "prod"),
        ("pause", 0, NAMED, "nothing", ""),
        ("prune", 0, ASKS, "yes", ""),
    ],
)
def test_what_is_asked_for(action: str, count: int, profile: Profile, kind: str, typed: str) -> None:
    needed = confirmation(action, count, profile)
    assert (needed.kind, needed.typed) == (kind, typed)


@pytest.mark.parametrize(
    ("undoes", "kind"),
    [
        ("put", "name"),
        ("copy", "name"),
        ("import", "name"),
        ("undo", "name"),
        ("delete", "nothing"),
        ("kick", "nothing"),
    ],
)
def test_an_undo_that_deletes_is_confirmed_as_a_delete(undoes: str, kind: str) -> None:
    needed = confirmation("undo", 1, NAMED, undoes=undoes)
    assert needed.kind == kind
    assert needed.deletes == (kind == "name") == ("deletes the jobs" in needed.warning)


@pytest.mark.parametrize(
    ("action", "undoes", "profile", "final"),
    [
        ("delete", "", ASKS, False),
        ("delete", "", FORGETS, True),
        ("undo", "put", FORGETS, True),
        ("undo", "kick", FORGETS, False),
        ("move", "", FORGETS, False),
        ("kick-next", "", ASKS, True),
        ("kick", "", FORGETS, False),
        ("prune", "", ASKS, True),
    ],
)
def test_what_cannot_be_undone_says_so(action: str, undoes: str, profile: Profile, final: bool) -> None:
    assert ("this cannot be undone: " in confirmation(action, 1, profile, undoes=undoes).warning) == final


def test_a_face_may_ask_for_more() -> None:
    assert confirmation("kick", 1, ASKS, at_least="yes").kind == "yes"
    assert confirmation("delete", 101, ASKS, at_least="yes").kind == "number"


@pytest.mark.parametrize(
    ("needed", "yes", "no"),
    [
        (Confirmation(), ["", "y"], []),
        (Confirmation("yes"), ["y", "YES", " y "], ["", "n", "prod", "1"]),
        (Confirmation("number", "1200"), ["1200", "1,200"], ["", "y", "120", "12000"]),
        (Confirmation("name", "prod"), ["prod", " prod "], ["", "y", "PROD", "pro", "1"]),
    ],
)
def test_what_confirms(needed: Confirmation, yes: list[str], no: list[str]) -> None:
    assert all(map(needed.accepts, yes))
    assert not any(map(needed.accepts, no))
