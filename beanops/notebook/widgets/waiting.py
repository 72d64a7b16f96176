"""The progress of a wait: a bar, its counts, its pace, and a line of the jobs left.

The page side is ``page/panel/waiting.js``.
"""

from __future__ import annotations

from typing import Any

from beanops.notebook.widgets.panel import ActionPanel

#: Points of the line that a notebook file keeps.
MOST_POINTS_SAVED = 60


class WaitPanel(ActionPanel):
    """A wait as it goes on."""

    kind = "waiting"
    files = ("table/toolbar.js", "panel/panel.js", "panel/waiting.js")

    def _cut(self, shown: dict[str, Any]) -> dict[str, Any]:
        points = shown["points"]
        every = max(1, -(-len(points) // MOST_POINTS_SAVED))
        return {**shown, "points": points[::every]}
