"""An edit: how many jobs it changes, and the first of them before and after; the page: ``page/panel/diffs.js``."""

from __future__ import annotations

from typing import Any

from beanops.notebook.widgets.channel import cut
from beanops.notebook.widgets.panel import ActionPanel

#: Jobs, lines of each and characters of a line that a notebook file keeps.
MOST_JOBS_SAVED, MOST_LINES_SAVED, MOST_SAVED_OF_LINE = 3, 12, 200


class DiffPanel(ActionPanel):
    """An edit before it is sent, and its counts afterwards; see `shown_edit` for what it shows.

    Attributes
    ----------
    safe : dict
        The same without anything that looks like a secret, for notebook files.
    """

    kind = "diffs"
    files = ("table/toolbar.js", "panel/panel.js", "panel/diffs.js")

    safe: dict[str, Any]

    def _cut(self, shown: dict[str, Any]) -> dict[str, Any]:
        shown = self.safe
        jobs = [
            {
                **job,
                "lines": [cut(line, MOST_SAVED_OF_LINE) for line in job["lines"][:MOST_LINES_SAVED]],
                "more": job["more"] + max(0, len(job["lines"]) - MOST_LINES_SAVED),
            }
            for job in shown["jobs"][:MOST_JOBS_SAVED]
        ]
        return {**shown, "jobs": jobs, "more": shown["more"] + len(shown["jobs"]) - len(jobs)}
