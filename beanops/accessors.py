"""What `Session` has of the rooms above it: live views of a notebook, plots, `migrate`; importing this binds them.

Views and plots first check that the extra ``notebook`` is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING, Literal, SupportsIndex, Unpack

from beanops.client.address import Address
from beanops.fleet.connect import connect
from beanops.fleet.fleet import Fleet
from beanops.jobs.rows import Tube
from beanops.protocol.errors import UsageError
from beanops.session.arguments import Seconds, seconds_of
from beanops.session.bars import Report, bar_for
from beanops.session.connect import connect as open_session
from beanops.session.keywords import explained
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.ui.defaults import MOST_BROWSED

if TYPE_CHECKING:
    from beanops.migration.migrate import Migration
    from beanops.notebook.fleet.view import FleetDashboardView
    from beanops.notebook.views.browser import BrowserView
    from beanops.notebook.views.canary import CanaryView
    from beanops.notebook.views.dashboard import DashboardView
    from beanops.notebook.views.editing import EditView
    from beanops.notebook.views.replay import ReplayView
    from beanops.notebook.views.reservation import ReservationView
    from beanops.notebook.views.waiting import WaitView
    from beanops.plots.methods import Plots
    from beanops.session.editing.changing import Changes
    from beanops.session.editing.schema import SchemaLike
    from beanops.session.execution.run import Run
    from beanops.session.execution.targets import Jobs

__all__ = ["Session", "connect", "replay"]

_NEEDED = ("anywidget", "ipywidgets")
#: Seconds that the dashboard of a fleet waits for the first answers of its servers.
_FIRST_ANSWERS = 3.0


def dashboard(session: Session, /, tube: Tube | None = None, *, name: str | None = None) -> DashboardView:
    """Return a live view of the server and its tubes for a notebook, with buttons to act; needs ``beanops[notebook]``.

    Parameters
    ----------
    tube : str or None
        The name of a tube or a glob such as ``"mail-*"``: only these tubes are shown. None is all tubes.
    name : str or None
        Name of the view; None is one name for each `tube`. Another view of that name and server stands aside, so that
        a cell can run again.

    Returns
    -------
    beanops.notebook.views.dashboard.DashboardView
        A notebook shows it when it is the last value of a cell; ``close()`` or a ``with`` block closes it.

    Raises
    ------
    NotFound
        No tube matches a name or a glob.
    UsageError
        The extra ``notebook`` is not installed.

    Examples
    --------
    >>> view = session.dashboard()
    >>> view.select("mail")
    >>> view.pause(60)
    >>> session.dashboard("mail*")
    """
    _check(session, "a dashboard")
    from beanops.jobs.rows import tube_of
    from beanops.notebook.refresher import first_look, refresher_of
    from beanops.notebook.views.dashboard import DashboardView

    shown = None if tube is None else tube_of(tube, allowed="a tube, or a glob such as 'mail-*'")
    if shown is not None:
        session._lookups.check_tube(shown)
    view = DashboardView(
        session, refresher_of(session), name or ("dashboard" if shown is None else f"dashboard {shown}"), tubes=shown
    )
    # Not in the thread: the next line of the cell may select a tube.
    view.show(first_look(session))
    return view


def fleet_dashboard(fleet: Fleet, /, tube: str | None = None, *, name: str | None = None) -> FleetDashboardView:
    """Return a live view of all servers and their tubes for a notebook, with buttons; needs ``beanops[notebook]``.

    A server that does not answer is named, and holds up no other. ``fleet["prod"].dashboard()`` shows more of one.

    Parameters
    ----------
    tube : str or None
        The name of a tube or a glob such as ``"mail-*"``: only these tubes are shown. None is all tubes.
    name : str or None
        Name of the view; None is one name for each `tube`. Another view of that name and these servers stands aside,
        so that a cell can run again.

    Returns
    -------
    beanops.notebook.fleet.view.FleetDashboardView
        A notebook shows it when it is the last value of a cell; ``close()`` or a ``with`` block closes it.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.

    Examples
    --------
    >>> view = fleet.dashboard("mail*")
    >>> view.select("mail")
    >>> view.pause(60)
    """
    _check_extra("a dashboard")
    from beanops.jobs.rows import tube_of
    from beanops.notebook.fleet.refresher import fleet_refresher_of
    from beanops.notebook.fleet.view import FleetDashboardView

    shown = None if tube is None else tube_of(tube, allowed="a tube, or a glob such as 'mail-*'")
    refresher = fleet_refresher_of(fleet)
    view = FleetDashboardView(fleet, refresher, name or ("dashboard" if shown is None else f"dashboard {shown}"), shown)
    # The next line of the cell may select a tube, and a saved notebook keeps what is known when the cell ends.
    refresher.wait(_FIRST_ANSWERS)
    return view


def browse(
    session: Session,
    /,
    tube: Tube | None = None,
    *,
    state: str | Iterable[str] | None = None,
    where: str | None = None,
    limit: SupportsIndex | None = MOST_BROWSED,
    order: str = "newest",
    name: str | None = None,
) -> BrowserView:
    """Return a live view of jobs for a notebook, which shows jobs while it finds them; needs ``beanops[notebook]``.

    Parameters
    ----------
    tube : str or None
        The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
    state : str, iterable of str, or None
        ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
    where : str or None
        Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
    limit : int or None
        Maximum number of jobs, 100,000 by default.
    order : str
        ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
    name : str or None
        Name of the view; None is one name for each tube. Another view of that name and server stands aside, so that a
        cell can run again.

    Returns
    -------
    beanops.notebook.views.browser.BrowserView
        A notebook shows it when it is the last value of a cell; its ``selection`` is a frame of the selected jobs.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    ArgumentError
        An argument is not as described.

    Examples
    --------
    >>> view = session.browse("mail", state="buried", where="data->>'$.user' = '7'")
    >>> view.wait().select_all()
    >>> view.kick()
    """
    _check(session, "a browser")
    from beanops.jobs.select import select
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.browser import BrowserView

    selection = select(tube, state=state, where=where, limit=limit, order=order)
    if selection.tube is not None:
        session._lookups.look_for(selection, session._lookups.looking().list_tubes())
    return BrowserView(session, refresher_of(session), name or f"browse {selection.tube}", selection)


def reserve_widget(session: Session, /, tube: Tube, name: str | None = None) -> ReservationView:
    """Return a view that reserves the next ready job of a tube and shows its time left; needs ``beanops[notebook]``.

    Parameters
    ----------
    tube : str, TubeStats or row
        Its name, or a row of `Session.tubes`.
    name : str or None
        Name of the view; None is one name for each tube. Another view of that name and server stands aside, so that a
        cell can run again.

    Returns
    -------
    beanops.notebook.views.reservation.ReservationView
        It releases the job, if it is still held, when it is closed, garbage-collected, or no longer shown on a page.

    Raises
    ------
    NotFound
        There is no such tube.
    Refused
        The session is read-only.
    UsageError
        The extra ``notebook`` is not installed.

    Examples
    --------
    >>> view = session.reserve_widget("mail")
    >>> view.reservation.body
    >>> view.bury()
    """
    _check(session, "a view of a reserved job")
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.reservation import ReservationView

    tube = session.tube(tube).name
    return ReservationView(session, refresher_of(session), name or f"reserve {tube}", tube)


def canary_widget(
    session: Session,
    /,
    jobs: Jobs | str,
    *,
    first: SupportsIndex = 10,
    watch: Seconds = 60,
    promote_if: str | None = None,
    waves: Iterable[SupportsIndex] | None = None,
    name: str | None = None,
    **options: Unpack[Options],
) -> CanaryView:
    """Return a view of a canary, which shows its waves and asks before each; needs ``beanops[notebook]``.

    Nothing is kicked before you confirm it, on the page or with ``start()``.

    Parameters
    ----------
    jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, or str
        The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
    first : int
        Number of jobs in the first wave; 10 by default.
    watch : number, str or timedelta
        Maximum time to watch each wave; a minute by default.
    promote_if : str or None
        What must be true of a wave before the next one, such as ``"buried = 0"``; None asks after each wave.
    waves : iterable of int or None
        Number of jobs in each of the next waves; the wave after them has all that are left.
    name : str or None
        Name of the view; None is one name for each tube. Another view of that name and server stands aside, so that a
        cell can run again.
    state : str, iterable of str, or None
        Only jobs in these states, ``"buried"`` or ``"delayed"``. None is buried jobs for a tube, both for ids.
    where : str or None
        Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
    group : str, row, frame, iterable of these, or None
        Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
    limit : int or None
        Maximum number of jobs.
    order : str
        Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
    reason : str or None
        Reason for the journal.
    rate : float or None
        Maximum jobs per second; None sets no limit.
    dry_run : bool
        Rejected: the view makes a dry run before it asks.
    progress : callable, bool or None
        Ignored: the view shows the progress.

    Returns
    -------
    beanops.notebook.views.canary.CanaryView
        A notebook shows it when it is the last value of a cell; its ``result`` is the frame of `Session.canary`.

    Raises
    ------
    Refused
        The session is read-only.
    UsageError
        The extra ``notebook`` is not installed.
    ArgumentError, ConditionError
        An argument is not as described.

    Examples
    --------
    >>> view = session.canary_widget("mail", first=5, watch="30s", waves=[100])
    >>> view.start()
    >>> view.wait()
    >>> view.stop()
    """
    _check(session, "a view of a canary")
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.canary import CanaryView
    from beanops.session.investigation.canary import stages_of

    stages = stages_of(first, watch, promote_if, waves)
    return CanaryView(session, refresher_of(session), name or _named("canary", jobs), jobs, stages, options)


def edit_widget(
    session: Session,
    /,
    jobs: Jobs | str,
    changes: Changes | None = None,
    *,
    unset: Iterable[str] = (),
    priority: SupportsIndex | None = None,
    ttr: Seconds | None = None,
    delay: Seconds | None = None,
    to: Tube | None = None,
    kick: bool = False,
    schema: SchemaLike | None = None,
    name: str | None = None,
    **options: Unpack[Options],
) -> EditView:
    """Return a view of an edit, which shows what it would change and asks before it; needs ``beanops[notebook]``.

    Nothing is sent before you confirm it, on the page or with ``edit()``. It edits the jobs that were shown, and none
    that come later.

    Parameters
    ----------
    jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, or str
        The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
    changes : dict, callable or None
        New values by their paths, such as ``{"$.customer": 7, "$.items[0].sku": "A-1"}``; a last key that is
        missing is added. Or a function that takes the decoded data of a body: it returns the changed data, or
        changes its argument and returns None; bytes that it returns are the new body as it is. A job for which it
        raises an error is skipped.
    unset : iterable of str
        Paths to remove, such as ``["$.token"]``; paths that a body does not have are ignored.
    priority : int or None
        New priority; None keeps each job's own.
    ttr : number, str or timedelta, or None
        New time to run: seconds, text such as ``"10m"``, or a timedelta; None keeps each job's own.
    delay : number, str or timedelta, or None
        Time until ready and delayed jobs, or buried ones with `kick`, are ready; None keeps what is left.
    to : str or None
        Destination tube; None keeps each job's own.
    kick : bool
        Put buried and delayed jobs ready.
    schema : path, dict, validator or None
        A JSON Schema, or a validator of jsonschema; jobs whose new body does not fit are skipped.
    state : str, iterable of str, or None
        Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
    where : str or None
        Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
    group : str, row, frame, iterable of these, or None
        Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
    limit : int or None
        Maximum number of jobs.
    order : str
        Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
    reason : str or None
        Reason for the journal.
    rate : float or None
        Maximum jobs per second; None sets no limit.
    dry_run : bool
        Rejected: the view makes a dry run before it asks.
    progress : callable, bool or None
        Ignored: the view shows the progress.
    buried_as : {"parked", "ready"} or None
        State of the new jobs for buried ones, as for `Session.edit`.
    name : str or None
        Name of the view; None is one name for each tube. Another view of that name and server stands aside, so that a
        cell can run again.

    Returns
    -------
    beanops.notebook.views.editing.EditView
        A notebook shows it when it is the last value of a cell; its ``plan`` is the dry run.

    Raises
    ------
    Refused
        The session is read-only.
    UsageError
        There is nothing to change, or the extra ``notebook`` is not installed.

    Examples
    --------
    >>> view = session.edit_widget("mail", {"$.customer": 7}, state="buried")
    >>> view.edit()
    >>> view.undo()
    """
    _check(session, "a view of an edit")
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.editing import EditView

    named = {"unset": tuple(unset), "priority": priority, "ttr": ttr, "delay": delay, "to": to, "kick": kick}

    def edit(through: Session, jobs: Jobs | str, how: Options) -> Run:
        return through.edit(jobs, changes, schema=schema, **named, **how)  # type: ignore[arg-type]

    edit(session, [], Options(dry_run=True, progress=False))  # raises for arguments that are not as described
    return EditView(session, refresher_of(session), name or _named("edit", jobs), jobs, edit, options)


def wait_widget(
    session: Session,
    /,
    tube: Tube,
    *,
    until: str = "ready = 0 and reserved = 0 and delayed = 0",
    timeout: Seconds | None = None,
    every: Seconds = 1,
    missing_ok: bool = False,
    name: str | None = None,
) -> WaitView:
    """Return a view that waits while cells go on, with its progress and time left; needs ``beanops[notebook]``.

    Parameters
    ----------
    tube : str, TubeStats or row
        The name of a tube, a glob such as ``"mail-*"``, whose tubes are summed up, or a row of `Session.tubes`.
    until : str
        The condition, as for `Session.wait`; by default that workers have nothing left to do.
    timeout : number, str or timedelta, or None
        Maximum time: seconds, text such as ``"10m"``, or a timedelta; None waits for any time.
    every : number, str or timedelta
        Interval between two looks, in the same forms; 1 second by default.
    missing_ok : bool
        Whether the tube may be one of which nothing is known; it then counts as empty.
    name : str or None
        Name of the view; None is one name for each tube. Another view of that name and server stands aside, so that a
        cell can run again.

    Returns
    -------
    beanops.notebook.views.waiting.WaitView
        A notebook shows it when it is the last value of a cell; its ``result`` is that of `Session.wait`.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.
    ArgumentError, ConditionError
        An argument is not as described.

    Examples
    --------
    >>> view = session.wait_widget("mail", until="ready < 1000", timeout="10s")
    >>> view.wait().counts["ready"]
    """
    _check(session, "a view of a wait")
    from beanops.jobs.rows import tube_of
    from beanops.jobs.select import TUBE_OR_GLOB
    from beanops.notebook.refresher import refresher_of
    from beanops.notebook.views.waiting import WaitArguments, WaitView
    from beanops.session.arguments import seconds_of

    place = tube_of(tube, allowed=TUBE_OR_GLOB)
    most = None if timeout is None else seconds_of("timeout", timeout)
    asked = WaitArguments(place, until, most, seconds_of("every", every), missing_ok)
    return WaitView(session, refresher_of(session), name or f"wait {place}", asked)


@explained
def replay(
    file: str | PathLike[str] | None = None,
    *,
    server: str | None = None,
    at: datetime | str | None = None,
    speed: float = 1.0,
    name: str = "replay",
) -> ReplayView:
    """Return a view of a recording for a notebook, and frames of what it has; needs ``beanops[notebook]``.

    Parameters
    ----------
    file : str, path or None
        A recording, as ``beanops record`` makes it; None is the default one.
    server : str or None
        Name or address of a recorded server; None is the first.
    at : datetime, str or None
        Where to start, UTC: a time, ``"14:30"``, or ``"2h"`` before the end; None is the beginning.
    speed : float
        Seconds of the recording that pass in a second.
    name : str
        Name of the view. Another view of that name and server stands aside, so that a cell can run again.

    Returns
    -------
    beanops.notebook.views.replay.ReplayView
        A notebook shows it when it is the last value of a cell; `tubes`, `trend` and `problems` of it are frames.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed, or there is no such recording or server.

    Examples
    --------
    >>> view = beanops.replay("recording.sqlite", at="2h")
    >>> view.next_problem()
    >>> view.trend("mail")["ready"].plot()
    """
    _check_extra("a view of a recording")
    from beanops.notebook.views.replay import opened
    from beanops.session.config import default_recording

    return opened(str(default_recording() if file is None else file), server, at, speed, name)


def plot(session: Session, /) -> Plots:
    """Still plots for reports, as matplotlib figures: ``backlog``, ``rates``, ``ages``, ``groups`` and ``flow``.

    They need ``beanops[notebook]``; ``help(session.plot)`` describes each.

    Raises
    ------
    UsageError
        The extra ``notebook`` is not installed.

    Examples
    --------
    >>> session.plot.groups("mail", state="buried").savefig("causes.svg")
    """
    _check(session, "a plot", ("matplotlib",))
    from beanops.plots.methods import Plots

    return Plots(session)


def migrate(
    session: Session,
    /,
    to: Session | str | Address,
    *,
    tubes: str | Iterable[str] | None = None,
    follow: Seconds | None = None,
    buried_as: Literal["parked", "ready"] | None = None,
    reason: str | None = None,
    rate: float | None = None,
    dry_run: bool = False,
    progress: Report[Run] = None,
) -> Migration:
    """Move the jobs of this server to another one, then compare both servers.

    Jobs keep tube, body, priority, TTR, the time left of their delay, and burial; pauses of their tubes are kept too.
    Ids, ages and counts are new, and reserved jobs stay. Producers and workers may be switched over while it runs: it
    goes over the tubes again until nothing is left that can be moved. No worker of either server gets a job while it is
    moved, so that no job is lost or done twice, also where the migration is cut off: `resume` of this session
    continues its run, and `undo` of a session on the other server moves back what nobody has taken there.

    Parameters
    ----------
    to : Session, str or Address
        The other server: a session on it, its address, or its name in the configuration.
    tubes : str, iterable of str, or None
        Names of tubes and globs such as ``"mail-*"``, several in a list or with commas; None is all tubes.
    follow : number, str, timedelta or None
        Time for which the tubes must have been empty, with no job reserved, before it ends: seconds, text such as
        ``"5m"``, or a timedelta. None ends when no job is left that can be moved.
    buried_as : {"parked", "ready"} or None
        State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them ready,
        None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.
    reason : str or None
        Reason for the journal.
    rate : float or None
        Maximum jobs per second; None sets no limit.
    dry_run : bool
        Report what there is and what cannot be kept, and change nothing.
    progress : callable, bool or None
        A function that is called with the `Run` before the first batch and after each. False shows no progress bar,
        None shows one in notebooks and terminals after a second.

    Returns
    -------
    beanops.migration.migrate.Migration
        Its ``tubes`` is a frame with a row per tube, ``run`` the run, ``complete`` whether all jobs are there as they
        were. Of a dry run, ``report`` has the servers, the tubes and notes.

    Raises
    ------
    UsageError
        Both are the same server.
    Refused
        One of the servers is read-only, the other one is draining, or an earlier migration was cut off.
    NotFound
        No tube matches a name or a glob.

    Examples
    --------
    >>> session.migrate("staging", tubes="mail*", dry_run=True).tubes
    """
    from beanops.migration.migrate import migrate as move

    session._context.check_open()
    wait = None if follow is None else seconds_of("follow", follow)
    with ExitStack() as opened:
        if not isinstance(to, Session):
            to = opened.enter_context(open_session(to, source=session._source, journal=session._context.journal()))
        bar = opened.enter_context(bar_for(progress, session._watched, "jobs", "migrate"))
        report = bar.show_run if bar is not None else progress if callable(progress) else None
        how = {"follow": wait, "buried_as": buried_as, "reason": reason, "rate": rate, "dry_run": dry_run}
        return move(session, to, tubes, **how, progress=report)  # type: ignore[arg-type]


def _named(action: str, jobs: Jobs | str) -> str:
    """Return the name of a view of an action on jobs."""
    return f"{action} {jobs}" if isinstance(jobs, str) else f"{action} jobs"


def _check(session: Session, what: str, needed: Iterable[str] = _NEEDED) -> None:
    session._context.check_open()
    _check_extra(what, needed)


def _check_extra(what: str, needed: Iterable[str] = _NEEDED) -> None:
    missing = [module for module in needed if find_spec(module) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}: pip install 'beanops[notebook]'")


for _view in (dashboard, browse, reserve_widget, canary_widget, edit_widget, wait_widget, migrate):
    setattr(Session, _view.__name__, explained(_view))
Session.plot = property(plot)
fleet_dashboard.__name__ = "dashboard"  # as errors name it
Fleet.dashboard = explained(fleet_dashboard)
