"""The colours: calm by default, light, and strong; each with one for each state of a job."""

from __future__ import annotations

from textual.theme import Theme

#: What colour means: what waits, what is worked on, what comes later, what is stuck, what is held back.
VARIABLES = {
    "ready": "#7fc8a9",
    "reserved": "#7aa2f7",
    "delayed": "#e0af68",
    "buried": "#f7768e",
    "paused": "#bb9af7",
    "muted": "#8790ab",
    "faint": "#555d78",
}

CALM = Theme(
    name="beanops",
    primary="#7dcfff",
    secondary="#7aa2f7",
    accent="#7dcfff",
    success="#7fc8a9",
    warning="#e0af68",
    error="#f7768e",
    foreground="#c8d0e0",
    background="#14171f",
    surface="#1a1e29",
    panel="#222736",
    dark=True,
    variables={"footer-key-foreground": "#7dcfff", "footer-background": "#1a1e29", "border": "#3b4261"},
)

LIGHT = Theme(
    name="light",
    primary="#005f87",
    secondary="#2a52be",
    accent="#005f87",
    success="#1a6b45",
    warning="#8a5a00",
    error="#b3123b",
    foreground="#1d2433",
    background="#fafafa",
    surface="#eef0f4",
    panel="#dfe3ec",
    dark=False,
    variables={
        "footer-key-foreground": "#005f87",
        "footer-background": "#eef0f4",
        "border": "#a0a8bb",
        "ready": "#1a6b45",
        "reserved": "#2a52be",
        "delayed": "#8a5a00",
        "buried": "#b3123b",
        "paused": "#6b2fa0",
        "muted": "#5a6274",
        "faint": "#7d869a",
    },
)

CONTRAST = Theme(
    name="contrast",
    primary="#00ffff",
    secondary="#66b3ff",
    accent="#00ffff",
    success="#00ff87",
    warning="#ffd75f",
    error="#ff5f87",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
    variables={
        "footer-key-foreground": "#00ffff",
        "footer-background": "#000000",
        "border": "#ffffff",
        "ready": "#00ff87",
        "reserved": "#66b3ff",
        "delayed": "#ffd75f",
        "buried": "#ff5f87",
        "paused": "#d7afff",
        "muted": "#d0d0d0",
        "faint": "#b0b0b0",
    },
)

#: Those that can be chosen: each has the colours of job states in itself.
THEMES = {theme.name: theme for theme in (CALM, LIGHT, CONTRAST)}
