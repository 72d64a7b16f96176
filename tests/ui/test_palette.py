"""One colour for each state, in every face."""

from __future__ import annotations

import re

import pytest
from textual.theme import Theme

from beanops.notebook.widgets.page_files import page_style
from beanops.protocol.states import STATES
from beanops.tui.theme import CALM, CONTRAST, LIGHT
from beanops.ui import palette


def _page_colours(scheme: str) -> dict[str, str]:
    rules = re.findall(r"^(.*?) \{ (--b-ready.*) \}$", page_style([]), re.M)
    (declarations,) = (text for selector, text in rules if selector == scheme)
    return dict(re.findall(r"--b-([a-z]+): (#\w+);", declarations))


@pytest.mark.parametrize(
    ("scheme", "theme"),
    [
        (".beanops", LIGHT),
        ('.beanops[data-scheme="dark"]', CALM),
        ('.beanops[data-scheme="contrast"]', CONTRAST),
    ],
)
def test_a_state_has_the_same_colour_in_the_terminal_and_in_a_notebook(scheme: str, theme: Theme) -> None:
    page, terminal = _page_colours(scheme), theme.variables
    assert {state: page[state] for state in STATES} == {state: terminal[state] for state in STATES}


def test_every_palette_and_the_page_colour_all_that_is_shown() -> None:
    assert palette.DARK.keys() == palette.LIGHT.keys() == palette.CONTRAST.keys() == palette.SIXTEEN.keys()
    for tone in (*palette.LIGHT, *palette.OUTCOMES, "warning", "error"):
        assert f'[data-tone="{tone}"] {{ color: var(--b-' in page_style([])
