"""Terminals with 16 colours or none: states differ by colour where there is one, and by words and marks always."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.ui.palette import SIXTEEN
from tests.tui.conftest import fill
from tests.tui.test_ends import RUN, Screen

#: Sequences that set a colour; bold, dim and reverse are none.
COLOUR = re.compile(rb"\x1b\[([0-9;]*)m")


@pytest.fixture
def seen(beanstalkd: Beanstalkd, client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bytes]]:
    """Show the tubes of a server in a terminal, and return what was written there."""
    fill(client, "mail", b"1", bury=1)
    fill(client, "mail", b"2")
    screens: list[Screen] = []

    def show(term: str, **environment: str) -> bytes:
        for name in ("COLORTERM", "NO_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", term)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        screens.append(screen := Screen(RUN, beanstalkd.address))
        screen.shows("2 tubes")
        screen.shows("mail")
        return screen.read()

    yield show
    for screen in screens:
        screen.process.kill()
        screen.process.wait()
        screen.close()


def colours(written: bytes) -> set[str]:
    """Return the foreground colours that were set, as codes of the 16."""
    codes = {code for match in COLOUR.findall(written) for code in match.decode().split(";")}
    return {code for code in codes if re.fullmatch("3[0-7]|9[0-7]", code)}


def test_sixteen_colours_keep_states_apart(seen: Callable[..., bytes]) -> None:
    written = seen("xterm-16color")
    assert b"38;2;" not in written
    assert {"92", "91"} <= colours(written)  # ready and buried
    assert len({*SIXTEEN.values()}) == 6


@pytest.mark.parametrize(
    ("term", "environment"),
    [("vt100", {}), ("xterm-256color", {"NO_COLOR": "1"}), ("xterm-16color", {"NO_COLOR": "1"})],
)
def test_without_colours_words_and_marks_tell_all(
    seen: Callable[..., bytes], term: str, environment: dict[str, str]
) -> None:
    written = seen(term, **environment)
    assert colours(written) <= {"30", "37", "90", "97"}  # black, grey and white
    assert "▌".encode() in written
    assert "○".encode() in written or "▲".encode() in written
    assert b"buried" in written
