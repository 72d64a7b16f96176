"""The themes of the terminal: calm by default, light, high contrast, and one for terminals with 16 colours.

Their state colours are in `ui.palette`.
"""

from __future__ import annotations

from typing import Any

from textual.theme import Theme

from beanops.ui import palette

#: The variables that every theme has, as the calm one sets them.
VARIABLES = {**palette.DARK, "muted": "#8790ab", "faint": "#555d78"}


def _theme(name: str, colours: palette.Palette, *, variables: dict[str, str], **surfaces: Any) -> Theme:
    return Theme(
        name,
        primary=colours["puts"],
        secondary=colours["reserved"],
        accent=colours["puts"],
        success=colours["ready"],
        warning=colours["delayed"],
        error=colours["buried"],
        variables={**colours, "footer-key-foreground": colours["puts"], **variables},
        **surfaces,
    )


CALM = _theme(
    "beanops",
    palette.DARK,
    foreground="#c8d0e0",
    background="#14171f",
    surface="#1a1e29",
    panel="#222736",
    dark=True,
    variables={"footer-background": "#1a1e29", "border": "#3b4261"},
)

LIGHT = _theme(
    "light",
    palette.LIGHT,
    foreground="#1d2433",
    background="#fafafa",
    surface="#eef0f4",
    panel="#dfe3ec",
    dark=False,
    variables={
        "footer-background": "#eef0f4",
        "border": "#a0a8bb",
        "muted": "#5a6274",
        "faint": "#7d869a",
    },
)

CONTRAST = _theme(
    "contrast",
    palette.CONTRAST,
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
    variables={
        "footer-background": "#000000",
        "border": "#ffffff",
        "muted": "#d0d0d0",
        "faint": "#b0b0b0",
    },
)

#: Its colours are the terminal's own, so that none is changed to another.
SIXTEEN = _theme(
    "sixteen",
    palette.SIXTEEN,
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#555555",
    dark=True,
    variables={
        "footer-background": "#000000",
        "border": "#aaaaaa",
        "muted": "#aaaaaa",
        "faint": "#aaaaaa",
    },
)

#: The themes that the user can choose.
THEMES = {theme.name: theme for theme in (CALM, LIGHT, CONTRAST, SIXTEEN)}
#: Terminals without colours, by the beginning of TERM.
_COLOURLESS = ("vt1", "vt2", "vt3", "vt4", "vt5", "xterm-mono", "linux-m", "screen-bw")


def is_colourless(term: str) -> bool:
    """Whether a terminal has no colours, by its TERM.

    Examples
    --------
    >>> is_colourless("vt100"), is_colourless("xterm-16color")
    (True, False)
    """
    return term.startswith(_COLOURLESS)
