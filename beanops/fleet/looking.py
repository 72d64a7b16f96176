"""What `Fleet` sees: each method of a session is called on every server, and its frames become one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from beanops.fleet.calls import Answers, Call
from beanops.fleet.dispatch import Dispatch, Work
from beanops.fleet.found import FoundOnServers
from beanops.fleet.targets import spread, spread_search
from beanops.jobs.rows import Tube
from beanops.protocol import TubeStats
from beanops.session.arguments import Seconds
from beanops.session.session import Session
from beanops.text import plural

if TYPE_CHECKING:
    import pandas

    from beanops.session.investigation.facets import FoundFacets


class FleetFacets(FoundOnServers[Any]):
    """What the decoded bodies of jobs have in common, by server.

    Attributes
    ----------
    by_server : dict of str to FoundFacets
        Those of each server.
    unanswered : dict of str to str
        The servers that are missing, with the reasons.
    """

    by_server: dict[str, FoundFacets]

    @cached_property
    def paths(self) -> pandas.DataFrame:
        """One row per server and path: ``server``, and the columns of `FoundFacets.paths`."""
        return self._frame("paths")

    @cached_property
    def values(self) -> pandas.DataFrame:
        """One row per server, path and value: ``server``, and the columns of `FoundFacets.values`."""
        return self._frame("values")

    @cached_property
    def histograms(self) -> pandas.DataFrame:
        """One row per server and bin: ``server``, and the columns of `FoundFacets.histograms`."""
        return self._frame("histograms")

    def _frame(self, name: str) -> pandas.DataFrame:
        from beanops.fleet.merging import joined

        whole = joined({server: getattr(one, name) for server, one in self.by_server.items()})
        whole.attrs["unanswered"] = {**self.unanswered}
        return whole

    def __repr__(self) -> str:
        jobs = sum(one.facets.jobs for one in self.by_server.values())
        return f"<FleetFacets of {plural(jobs, 'job')} on {plural(len(self.by_server), 'server')}>"

    def _repr_html_(self) -> str:
        html: str = self.paths._repr_html_()  # type: ignore[operator]
        return html


class Looking:
    """Looks at all servers of a fleet.

    Parameters
    ----------
    dispatch : Dispatch
        Asks the servers.
    """

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    def frame(
        self, method: str, places: Mapping[str, Any], patience: Seconds | None, *arguments: Any, **named: Any
    ) -> pandas.DataFrame:
        """Return one frame of those that a method of the sessions returns.

        Parameters
        ----------
        method : str
            Its name.
        places : mapping of str to object
            The arguments that may name servers, by their names.
        patience : number, str, timedelta or None
            Time for which a server may owe an answer.
        *arguments, **named
            The other arguments.
        """
        asked = spread(places, self._dispatch.names)

        def look(place: dict[str, Any]) -> Work:
            return lambda session, call: getattr(session, method)(*arguments, **place, **named)

        answers = self._dispatch.read({name: look(place) for name, place in asked.items()}, patience=patience)
        return self._dispatch.frame(method, answers)

    def tubes(self, pattern: str | None, patience: Seconds | None) -> pandas.DataFrame:
        """Return the tubes of all servers; one frame of all rows takes a third of the time of one for each server."""
        from beanops.fleet.merging import of_servers
        from beanops.monitor.frames import tubes_frame

        answers = self._dispatch.read(lambda session, call: session._lookups.tubes(pattern), patience=patience)
        found: dict[str, list[TubeStats]] = answers.values
        whole = tubes_frame([tube for tubes in found.values() for tube in tubes])
        of_servers(whole, {name: len(tubes) for name, tubes in found.items()})
        whole.attrs["unanswered"] = answers.unanswered
        return whole

    def server(self, patience: Seconds | None) -> pandas.DataFrame:
        """Return the statistics of the servers, a row for each."""
        from beanops.fleet.merging import server_rows

        answers = self._dispatch.read(lambda session, call: session.server(), patience=patience)
        found = server_rows(answers.values)
        found.attrs["unanswered"] = answers.unanswered
        return found

    def watch(self, seconds: Seconds, pattern: str | None, patience: Seconds | None) -> Iterator[pandas.DataFrame]:
        """Yield the tubes of all servers with their rates, at intervals."""
        going: dict[str, Iterator[pandas.DataFrame]] = {}

        def step(name: str, session: Session, call: Call) -> pandas.DataFrame:
            frames = going.get(name)
            if frames is None:
                frames = going[name] = session.watch(seconds, pattern=pattern)
            try:
                return next(frames)
            except BaseException:
                del going[name]  # it has ended: the next look starts another one
                raise

        works = {name: partial(step, name) for name in self._dispatch.members}
        missing: set[str] = set()
        while True:
            answers = self._dispatch.read(works, patience=patience, warn=False)
            found = self._dispatch.frame("watch", answers)
            if answers.failed.keys() - missing:
                self._dispatch.warn_of(answers)
            missing = {*answers.failed}
            yield found

    def search(
        self,
        method: str,
        places: Mapping[str, Any],
        patience: Seconds | None,
        selection: dict[str, Any],
        *arguments: Any,
        **named: Any,
    ) -> pandas.DataFrame:
        """Return one frame of those of a search for jobs, in each server's jobs of the selection.

        Parameters
        ----------
        method, places, patience
            As of `frame`.
        selection : dict
            The options that select jobs.
        *arguments, **named
            The other arguments of the method.
        """
        answers = self._searched(method, places, patience, selection, *arguments, **named)
        most = named.get("most")
        return self._dispatch.frame(method, answers, None if most is None else int(most))

    def _searched(
        self,
        method: str,
        places: Mapping[str, Any],
        patience: Seconds | None,
        selection: dict[str, Any],
        *arguments: Any,
        **named: Any,
    ) -> Answers:
        progress = selection.pop("progress", None)
        asked = spread_search(places, selection, self._dispatch.names)

        def find(place: dict[str, Any]) -> Work:
            how = selection | named | place
            return lambda session, call: getattr(session, method)(*arguments, **how, progress=call.searched)

        works = {name: find(place) for name, place in asked.items()}
        return self._dispatch.read(works, patience=patience, scan=method, progress=progress)

    def jobs(
        self, tube: Tube | None, columns: Any, patience: Seconds | None, selection: dict[str, Any], **named: Any
    ) -> pandas.DataFrame:
        """Return the jobs of all servers in one order, at most as many as the selection says."""
        from beanops.fleet.merging import columns_for, in_order

        order, limit = selection.get("order", "newest"), selection.get("limit")
        asked, wanted = columns_for(order, columns)
        answers = self._searched("jobs", {"tube": tube}, patience, selection, columns=asked, **named)
        found = self._dispatch.frame("jobs", answers)
        return in_order(found, order, None if limit is None else int(limit), wanted)

    def facets(
        self, tube: Tube | None, patience: Seconds | None, selection: dict[str, Any], **named: Any
    ) -> FleetFacets:
        """Return the facets of the jobs of each server."""
        answers = self._searched("facets", {"tube": tube}, patience, selection, **named)
        return FleetFacets(answers.values, answers.unanswered)
