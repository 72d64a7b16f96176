"""What a session is in a notebook: the views that it opens, and the names that a key completes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, SupportsIndex
from weakref import WeakSet

import beanops
from beanops.monitor.history import point
from beanops.protocol.errors import BeanopsError
from beanops.session.arguments import Seconds, seconds_of

if TYPE_CHECKING:
    import pandas


class Views:
    """The part of a session that a notebook sees.

    Attributes
    ----------
    opened : WeakSet
        The views that are open on it, which end with it.
    """

    #: Raises when the session was closed.
    check_open: Callable[[], None]

    def __init__(self, *arguments: Any) -> None:
        self.opened: WeakSet[Any] = WeakSet()
        super().__init__(*arguments)

    def dashboard(self, name: str = "dashboard") -> Any:
        """Return a live view of the tubes for a notebook, with buttons to act; needs ``beanops[notebook]``.

        Parameters
        ----------
        name : str
            A view of the same name and server that is shown already is closed, so that a cell can run again.

        Returns
        -------
        beanops.notebook.views.dashboard.DashboardView
            Shown by a notebook when it ends a cell; closed by ``close()`` or a ``with`` block.

        Examples
        --------
        >>> view = session.dashboard()          # doctest: +SKIP
        >>> view.select("mail")
        >>> view.pause(60)
        """
        self.check_open()
        return beanops.open_view("dashboard", self, name)

    def browse(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        where: str | None = None,
        limit: SupportsIndex | None = 100_000,
        order: str = "newest",
        name: str | None = None,
    ) -> Any:
        """Return a live view of jobs for a notebook, filled as they are found; needs ``beanops[notebook]``.

        Parameters
        ----------
        tube, state, where, limit, order
            Which jobs, as in `scan`.
        name : str or None
            As in `dashboard`; None is one for each tube.

        Returns
        -------
        beanops.notebook.views.browser.BrowserView
            Shown by a notebook when it ends a cell; its ``selection`` is a frame of the selected jobs.

        Examples
        --------
        >>> view = session.browse("mail", state="buried", where="data->>'$.user' = '7'")          # doctest: +SKIP
        >>> view.wait().select_all()
        >>> view.kick()
        """
        self.check_open()
        return beanops.open_view(
            "browse", self, name or f"browse {tube}", tube, state=state, where=where, limit=limit, order=order
        )

    def reserve_widget(self, tube: str, name: str | None = None) -> Any:
        """Return a view that holds the next ready job of a tube, with its time left; needs ``beanops[notebook]``.

        Parameters
        ----------
        tube : str
            Its name.
        name : str or None
            As in `dashboard`; None is one for each tube.

        Returns
        -------
        beanops.notebook.views.reservation.ReservationView
            It gives the job back when it is closed, collected, or shown by no page any more, unless something else
            was done to it.

        Raises
        ------
        NotFound
            There is no such tube.
        Refused
            The session is read-only.

        Examples
        --------
        >>> view = session.reserve_widget("mail")          # doctest: +SKIP
        >>> view.reservation.body
        >>> view.bury()
        """
        self.check_open()
        return beanops.open_view("reserve_widget", self, name or f"reserve {tube}", tube)

    def rates(self: Any, tube: str | None = None, *, seconds: Seconds = 10, every: Seconds = 1) -> pandas.DataFrame:
        """Record how many jobs come and go, for some seconds; interrupt it to have what was recorded until then.

        Parameters
        ----------
        tube : str or None
            Its name; None records the whole server.
        seconds, every : number, str or timedelta
            For how long, and how far apart: seconds, text such as ``"10m"``, or a timedelta. ``float("inf")`` is until
            Ctrl-C.

        Returns
        -------
        pandas.DataFrame
            One row per measurement, indexed by ``time`` (datetime64[us, UTC]): the number of jobs ``ready``,
            ``reserved``, ``delayed`` and ``buried`` (int64), and jobs put and deleted per second since the row
            before, ``puts_per_s`` and ``deletes_per_s`` (float64, missing where unknown).

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.rates("mail", seconds=60)[["puts_per_s", "deletes_per_s"]].plot()          # doctest: +SKIP
        """
        from beanops.monitor.frames import rates_frame
        from beanops.session.rates import record

        length, apart = seconds_of("seconds", seconds), seconds_of("every", every)
        points = record(lambda at: point(at, self.server() if tube is None else self.tube(tube)), length, apart)
        return rates_frame(points, time.monotonic())

    def __getitem__(self: Any, tube: str) -> Any:
        """Return the jobs of a tube as a frame; its name can be completed with Tab.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session["mail"].query("state == 'buried'")          # doctest: +SKIP
        """
        self.tube(tube)
        return self.jobs(tube)

    def _ipython_key_completions_(self: Any) -> list[str]:
        # A key pressed at the wrong time must not end in a traceback.
        with suppress(BeanopsError):
            return list(self._looking().list_tubes())
        return []
