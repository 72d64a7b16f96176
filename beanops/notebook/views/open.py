"""What `Session` calls to open a view: says which extra is missing before anything else is imported."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from beanops.protocol.errors import UsageError
from beanops.session.session import Session

if TYPE_CHECKING:
    from beanops.notebook.views.browser import Browser
    from beanops.notebook.views.dashboard import Dashboard
    from beanops.notebook.views.reservation import Holder

_NEEDED = ("anywidget", "ipywidgets")


def _check(what: str) -> None:
    missing = [module for module in _NEEDED if find_spec(module) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}: pip install 'beanops[notebook]'")


def dashboard(session: Session, name: str) -> Dashboard:
    """Open the dashboard of a session.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    """
    _check("a dashboard")
    from beanops.notebook.refresher import first_look, refresher_of
    from beanops.notebook.views.dashboard import Dashboard

    view = Dashboard(session, refresher_of(session), name)
    # Not left to the thread: the next line of the cell may select one of the tubes.
    view.show(first_look(session))
    return view


def browse(session: Session, name: str, tube: str | None, **which: Any) -> Browser:
    """Open a browser of the jobs that are meant, see `beanops.jobs.select.select`.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed, or no jobs can be meant by that.
    """
    _check("a browser")
    from beanops.jobs.select import select
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.browser import Browser

    return Browser(session, refresher_of(session), name, select(tube, **which))


def reserve_widget(session: Session, name: str, tube: str) -> Holder:
    """Open a view that holds a job.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    """
    _check("a view of a held job")
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.reservation import Holder

    return Holder(session, refresher_of(session), name, tube)
