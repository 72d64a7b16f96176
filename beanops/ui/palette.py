"""The colour of each state, rate and outcome, the same in the terminal and in a notebook.

Themes of the terminal and pages of a notebook name a colour by its meaning, such as ``ready``, and read its value here.
"""

from __future__ import annotations

from collections.abc import Mapping

Palette = Mapping[str, str]

#: On a dark background; notebooks with a dark theme use it too.
DARK: Palette = {
    "ready": "#7fc8a9",
    "reserved": "#7aa2f7",
    "delayed": "#e0af68",
    "buried": "#f7768e",
    "paused": "#bb9af7",
    "puts": "#7dcfff",
    "deletes": "#7fc8a9",
}
#: On a light background.
LIGHT: Palette = {
    "ready": "#1a6b45",
    "reserved": "#2a52be",
    "delayed": "#8a5a00",
    "buried": "#b3123b",
    "paused": "#6b2fa0",
    "puts": "#005f87",
    "deletes": "#1a6b45",
}
#: On black, for the most contrast.
CONTRAST: Palette = {
    "ready": "#00ff87",
    "reserved": "#66b3ff",
    "delayed": "#ffd75f",
    "buried": "#ff5f87",
    "paused": "#d7afff",
    "puts": "#00ffff",
    "deletes": "#00ff87",
}
#: Of the 16 colours that every terminal has: others become their nearest one, and several states become the same.
SIXTEEN: Palette = {
    "ready": "#55ff55",
    "reserved": "#5555ff",
    "delayed": "#ffff55",
    "buried": "#ff5555",
    "paused": "#ff55ff",
    "puts": "#55ffff",
    "deletes": "#55ff55",
}

#: The colour of an action's outcome, by the name that a palette has it under.
OUTCOMES: Palette = {"done": "ready", "skipped": "delayed", "failed": "buried", "unknown": "buried"}


def css_rules() -> str:
    """Return the style sheet with these colours for a notebook page.

    ``--b-ready`` is the colour of `ready`, and an element with ``data-tone="ready"`` has it. The page finds out whether
    it is light, dark or of high contrast, and sets ``data-scheme``.
    """
    tones = {**dict.fromkeys(LIGHT), **OUTCOMES}
    return "\n".join(
        [
            f".beanops {{ {_variables(LIGHT)} }}",
            f'.beanops[data-scheme="dark"] {{ {_variables(DARK)} }}',
            f'.beanops[data-scheme="contrast"] {{ {_variables(CONTRAST)} }}',
            *(f'.beanops [data-tone="{tone}"] {{ color: var(--b-{name or tone}); }}' for tone, name in tones.items()),
        ]
    )


def _variables(palette: Palette) -> str:
    return " ".join(f"--b-{name}: {colour};" for name, colour in palette.items())
