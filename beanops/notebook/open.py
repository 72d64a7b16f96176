"""What `Session` calls to open a view: says which extra is missing before anything else is imported."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from beanops.protocol.errors import UsageError
from beanops.session.session import Session

if TYPE_CHECKING:
    from beanops.notebook.dashboard import Dashboard

_NEEDED = ("anywidget", "ipywidgets")


def dashboard(session: Session, name: str) -> Dashboard:
    """Open the dashboard of a session.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    """
    missing = [module for module in _NEEDED if find_spec(module) is None]
    if missing:
        raise UsageError(f"a dashboard needs {' and '.join(missing)}: pip install 'beanops[notebook]'")
    from beanops.notebook.dashboard import Dashboard
    from beanops.notebook.poll import first_look, poller_of

    view = Dashboard(session, poller_of(session), name)
    # Not left to the thread: the next line of the cell may select one of the tubes.
    view.show(first_look(session))
    return view
