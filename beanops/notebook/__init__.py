"""The notebook face: live views of a session as Jupyter widgets, and the magic ``%beans``.

What lives here: the views and their actions (`views`), the widgets that they are made of (`widgets`, with the page side
in ``page``), the thread that refreshes them (`refresher`), which jobs they show (`job_identity`), the rows they show
(`shown_rows`), the tables that a saved notebook keeps (`static`), and the magic (`magic`). Imports ui, session and
below; only the package itself imports this room, to open the views below for a session.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beanops.notebook.views.browser import BrowserView
    from beanops.notebook.views.dashboard import DashboardView
    from beanops.notebook.views.reservation import ReservationView
    from beanops.session.session import Session

_NEEDED = ("anywidget", "ipywidgets")


def _check_installed(what: str) -> None:
    missing = [module for module in _NEEDED if find_spec(module) is None]
    if missing:
        from beanops.protocol.errors import UsageError

        raise UsageError(f"{what} needs {' and '.join(missing)}: pip install 'beanops[notebook]'")


def dashboard(session: Session, name: str) -> DashboardView:
    """Open the dashboard of a session, see `Session.dashboard`.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    """
    _check_installed("a dashboard")
    from beanops.notebook.refresher import first_look, refresher_of
    from beanops.notebook.views.dashboard import DashboardView

    view = DashboardView(session, refresher_of(session), name)
    # Not left to the thread: the next line of the cell may select one of the tubes.
    view.show(first_look(session))
    return view


def browse(session: Session, name: str, tube: str | None, **which: Any) -> BrowserView:
    """Open a browser of selected jobs, see `Session.browse` and `beanops.jobs.select.select`.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed, or the selection is not valid.
    """
    _check_installed("a browser")
    from beanops.jobs.select import select
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.browser import BrowserView

    return BrowserView(session, refresher_of(session), name, select(tube, **which))


def reserve_widget(session: Session, name: str, tube: str) -> ReservationView:
    """Reserve a job and open a view of it, see `Session.reserve_widget`.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    """
    _check_installed("a view of a reserved job")
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.reservation import ReservationView

    return ReservationView(session, refresher_of(session), name, tube)
