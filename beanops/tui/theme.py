"""The colours: calm, with one for each state of a job."""

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
