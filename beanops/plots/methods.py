"""`Plots`: the plots of a session, which look at the server and draw. `Session.plot` is one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeGuard, Unpack

from beanops.jobs.rows import Tube, tube_of
from beanops.jobs.select import TUBE_OR_GLOB
from beanops.plots.age_curves import ages
from beanops.plots.cause_bars import MOST, groups
from beanops.plots.house import PlotFigure, Style, checked, source_of
from beanops.plots.over_time import backlog, rates
from beanops.plots.state_flow import flow
from beanops.protocol.errors import ArgumentError, BeanopsError
from beanops.session.arguments import Seconds, seconds_of
from beanops.session.keywords import explain_keywords
from beanops.session.options import GroupOptions, ScanOptions

if TYPE_CHECKING:
    import pandas

    from beanops.session.session import Session

#: What `ages` and `flow` need of jobs.
_AGE_COLUMNS = ("age", "state", "tube")
_FLOW_COLUMNS = ("tube", "state", "reserves")


class JobPlotOptions(ScanOptions, Style, total=False):
    """Which jobs a plot shows, and how it looks."""


class GroupPlotOptions(GroupOptions, Style, total=False):
    """Which jobs a plot of groups shows, and how it looks."""


@explain_keywords
class Plots:
    """Still plots of a server, for reports: each returns a matplotlib figure, which a notebook shows.

    Each looks at the server, or draws a frame that you have: of `Session.trend`, `Session.groups` or `Session.jobs`.
    The functions of these names in `beanops.plots` draw frames without a session, such as those read from a file.

    Examples
    --------
    >>> session.plot.backlog("mail").savefig("backlog.svg")
    >>> causes = session.groups("mail", state="buried")
    >>> session.plot.groups(causes, title="Why mail failed", theme="dark")
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<Plots of {self._session.address}: backlog, rates, ages, groups, flow>"

    def backlog(
        self,
        tube: Tube | pandas.DataFrame | None = None,
        *,
        since: Seconds = "1h",
        actions: bool = True,
        **style: Unpack[Style],
    ) -> PlotFigure:
        """Plot jobs by state over time.

        Parameters
        ----------
        tube : str, TubeStats, row, DataFrame or None
            The name of a tube, a row of `Session.tubes`, or a frame of `Session.trend` or `Session.rates`; None is the
            whole server.
        since : number, str or timedelta
            How far to go back: seconds, text such as ``"2h"``, or a timedelta; an hour by default.
        actions : bool
            Whether to mark runs of the journal on the time axis.
        title : str or None
            Headline; None writes what the numbers say.
        theme : {"light", "dark"}
            Background.
        size : tuple of float, or None
            Width and height in inches.

        Returns
        -------
        PlotFigure
            A matplotlib figure. Where nobody looked, it has a gap.

        Raises
        ------
        NotFound
            There is no such tube, and nothing is known of one.

        Examples
        --------
        >>> session.plot.backlog("mail", since="2h")
        """
        return backlog(**self._past(tube, since, actions, style))

    def rates(
        self,
        tube: Tube | pandas.DataFrame | None = None,
        *,
        since: Seconds = "1h",
        actions: bool = True,
        **style: Unpack[Style],
    ) -> PlotFigure:
        """Plot jobs put and deleted per second over time; the area between them is where the backlog changes.

        Parameters
        ----------
        tube : str, TubeStats, row, DataFrame or None
            The name of a tube, a row of `Session.tubes`, or a frame of `Session.trend` or `Session.rates`; None is the
            whole server.
        since : number, str or timedelta
            How far to go back: seconds, text such as ``"2h"``, or a timedelta; an hour by default.
        actions : bool
            Whether to mark runs of the journal on the time axis.
        title : str or None
            Headline; None writes what the numbers say.
        theme : {"light", "dark"}
            Background.
        size : tuple of float, or None
            Width and height in inches.

        Returns
        -------
        PlotFigure
            A matplotlib figure. Where nobody looked, it has a gap.

        Raises
        ------
        NotFound
            There is no such tube, and nothing is known of one.

        Examples
        --------
        >>> session.plot.rates("mail")
        """
        return rates(**self._past(tube, since, actions, style))

    def ages(
        self, tube: Tube | pandas.DataFrame | None = None, *, by: str = "state", **options: Unpack[JobPlotOptions]
    ) -> PlotFigure:
        """Plot how many jobs are older than each age, one curve for each state, or each value of another column.

        Parameters
        ----------
        tube : str, TubeStats, row, DataFrame or None
            The name of a tube, a glob such as ``"mail-*"``, a row of `Session.tubes`, or a frame of `Session.jobs`;
            None is all tubes.
        by : str
            Column that says which curve a job belongs to, such as ``"tube"``.
        ids, state, where, group, limit, order, probe, rate, polite, connections, progress
            Which jobs, as in `Session.jobs`.
        title : str or None
            Headline; None writes what the numbers say.
        theme : {"light", "dark"}
            Background.
        size : tuple of float, or None
            Width and height in inches.

        Returns
        -------
        PlotFigure
            A matplotlib figure.

        Examples
        --------
        >>> session.plot.ages("mail")
        >>> session.plot.ages(by="tube", state="buried")
        """
        style, selection = _apart(options)
        checked(style)
        if _is_frame(tube):
            _none_left(selection)
            return ages(tube, by=by, **style)
        found = self._session.jobs(tube, columns=[*dict.fromkeys([*_AGE_COLUMNS, by])], **selection)
        return ages(found, by=by, name=_name(tube), source=self._source, **style)

    def groups(
        self,
        tube: Tube | pandas.DataFrame | None = None,
        *,
        by: str | None = None,
        most: SupportsIndex = MOST,
        **options: Unpack[GroupPlotOptions],
    ) -> PlotFigure:
        """Plot groups of jobs as bars, the largest first, each with the times at which its jobs were put.

        Parameters
        ----------
        tube : str, TubeStats, row, DataFrame or None
            The name of a tube, a glob such as ``"mail-*"``, a row of `Session.tubes`, or a frame of `Session.groups`;
            None is all tubes.
        by : str or None
            SQL expression on the columns of `Session.jobs`; None groups by cause.
        most : int
            Maximum number of bars; jobs of other groups make one bar at the end.
        state, where, group, limit, probe, rate, polite, connections, progress
            Which jobs, as in `Session.groups`.
        title : str or None
            Headline; None writes what the numbers say.
        theme : {"light", "dark"}
            Background.
        size : tuple of float, or None
            Width and height in inches.

        Returns
        -------
        PlotFigure
            A matplotlib figure.

        Examples
        --------
        >>> session.plot.groups("mail", state="buried")
        """
        style, selection = _apart(options)
        checked(style)
        if _is_frame(tube) and "count" in tube.columns:
            _none_left({**selection, **({} if by is None else {"by": by})})
            return groups(tube, most=most, **style)
        found = self._session.groups(tube, by=by, **selection)
        return groups(found, most=most, name=_name(tube), source=self._source, **style)

    def flow(self, tube: Tube | pandas.DataFrame | None = None, **options: Unpack[JobPlotOptions]) -> PlotFigure:
        """Plot where jobs are, as bands from tubes by the number of tries to the states that they are in.

        Parameters
        ----------
        tube : str, TubeStats, row, DataFrame or None
            The name of a tube, a glob such as ``"mail-*"``, a row of `Session.tubes`, or a frame of `Session.jobs` or
            `Session.tubes`, which needs no search and knows nothing of tries; None is all tubes.
        ids, state, where, group, limit, order, probe, rate, polite, connections, progress
            Which jobs, as in `Session.jobs`.
        title : str or None
            Headline; None writes what the numbers say.
        theme : {"light", "dark"}
            Background.
        size : tuple of float, or None
            Width and height in inches.

        Returns
        -------
        PlotFigure
            A matplotlib figure.

        Examples
        --------
        >>> session.plot.flow("mail")
        >>> session.plot.flow(session.tubes())
        """
        style, selection = _apart(options)
        checked(style)
        if _is_frame(tube):
            _none_left(selection)
            return flow(tube, **style)
        found = self._session.jobs(tube, columns=_FLOW_COLUMNS, **selection)
        return flow(found, name=_name(tube), source=self._source, **style)

    @property
    def _source(self) -> str:
        return source_of(str(self._session.address), self._session._context.now())

    def _past(self, tube: Any, since: Seconds, actions: bool, style: Style) -> dict[str, Any]:
        """Return the arguments of a plot of the past."""
        checked(style)
        if _is_frame(tube):
            return {"frame": tube, **style}
        name = None if tube is None else tube_of(tube)
        seconds = seconds_of("since", since)
        past = self._session.trend(name, since=seconds)
        runs = None
        if actions:
            with suppress(BeanopsError):  # a plot without marks is better than none
                runs = self._session.journal.runs(since=seconds, tube=name)
        return {"frame": past, "name": name, "actions": runs, "source": self._source, **style}


def _is_frame(value: Any) -> TypeGuard[pandas.DataFrame]:
    return hasattr(value, "columns") and hasattr(value, "attrs")


def _name(tube: Any) -> str | None:
    """Return whose jobs a headline is on, None for all."""
    if tube is None or _is_frame(tube):
        return None
    return tube_of(tube, allowed=TUBE_OR_GLOB)


def _apart(options: Any) -> tuple[Style, dict[str, Any]]:
    """Return what says how a plot looks, and what selects jobs."""
    style = {name: value for name, value in options.items() if name in Style.__annotations__}
    return Style(**style), {name: value for name, value in options.items() if name not in style}  # type: ignore[typeddict-item]


def _none_left(selection: dict[str, Any]) -> None:
    """Refuse to select jobs where a frame has them already."""
    if selection:
        name = next(iter(selection))
        raise ArgumentError(name, selection[name], "left out with a frame, which has its rows already")
