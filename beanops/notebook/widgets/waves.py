"""The waves of a canary: a bar over all jobs, and a card for each wave. The page side is ``page/panel/waves.js``."""

from __future__ import annotations

from typing import Any

from beanops.notebook.widgets.panel import ActionPanel

#: Waves that a notebook file keeps: the last ones.
MOST_SAVED = 8


class WavePanel(ActionPanel):
    """The waves of a canary as they come; see `shown_waves` for what it shows."""

    kind = "waves"
    files = ("table/toolbar.js", "panel/panel.js", "panel/waves.js")

    def _cut(self, shown: dict[str, Any]) -> dict[str, Any]:
        return {**shown, "waves": shown["waves"][-MOST_SAVED:]}
