"""Which tests one process of pytest-xdist runs: those that share what starts slowly, or what only one may use.

pytest-xdist's own ``loadgroup`` writes the group into a test's name, which pytest 9.2 and later do not let it do.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: What is in the names of the tests of a group.
GROUPS = {
    "notebook/test_browser": "a JupyterLab and a browser",
    "notebook/test_page": "a JupyterLab and a browser",
    "notebook/test_reopened": "a JupyterLab and a browser",
    "notebook/test_replay": "a JupyterLab and a browser",
    "notebook/test_notebooks": "the notebooks that were run",
    "tui/test_web": "a browser",
    "session/distributed/test_dask": "a cluster of Dask",
    "postgresql": "a PostgreSQL",
}


#: The fixtures that only a group may use.
SHARED = {"lab", "ran"}


def group_of(nodeid: str) -> str | None:
    """Return the group of a test, None where it has none."""
    return next((group for part, group in GROUPS.items() if part in nodeid), None)


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a group as a whole to one process, and any other test to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid
