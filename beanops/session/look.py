"""What a session sees: the server, its tubes and its jobs. Nothing here changes a queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from beanops.client.address import Address
from beanops.client.sync import Client
from beanops.jobs.idmap import IdMap
from beanops.jobs.read import FoundJob, read_heads, read_jobs, read_stats
from beanops.jobs.scan import Scan
from beanops.jobs.select import select
from beanops.monitor.sample import Snapshot, sample, sweep
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol import Job, JobStats, ServerStats, TubeStats
from beanops.protocol.errors import NotFound
from beanops.protocol.limits import U64_MAX, check_number

if TYPE_CHECKING:
    import pandas


class Looking:
    """The half of a session that looks. It keeps a connection that never reserves.

    Attributes
    ----------
    address : Address
        Where the server listens.
    """

    def __init__(self, address: str | Address, timeouts: tuple[float, float]) -> None:
        self.address = Address.parse(address)
        self._timeouts = timeouts
        self._lock = threading.RLock()
        self._clients: dict[str, Client] = {}
        self._idmaps: dict[str, IdMap] = {}
        self._looking()

    def _client(self, purpose: str) -> Client:
        with self._lock:
            client = self._clients.get(purpose)
            if client is None:
                connect_timeout, read_timeout = self._timeouts
                client = Client(self.address, connect_timeout=connect_timeout, read_timeout=read_timeout)
                self._clients[purpose] = client
            elif client.closed:
                client.reconnect()
            return client

    def _looking(self) -> Client:
        return self._client("looking")

    def close(self) -> None:
        """Close the connections; jobs that are still reserved become ready."""
        with self._lock:
            for client in self._clients.values():
                client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def server(self) -> ServerStats:
        """Return the server's statistics."""
        return self._looking().stats()

    def snapshot(self, clock: Callable[[], float] = time.monotonic) -> Snapshot:
        """Return the statistics of the server and all its tubes as one frozen value."""
        return sample(self._looking(), clock)

    def survey(self, surveyor: Surveyor, wanted: Collection[str] = ()) -> Survey:
        """Return what a surveyor sees, who remembers; it asks for `wanted` tubes with each look."""
        return surveyor.look(self._looking(), wanted)

    def tube_stats(self) -> list[TubeStats]:
        """Return the statistics of all tubes as records, without pandas."""
        return sweep(self._looking())

    def tube(self, name: str) -> TubeStats:
        """Return the statistics of one tube.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return self._looking().stats_tube(name)

    def tubes(self) -> pandas.DataFrame:
        """Return the statistics of all tubes.

        Returns
        -------
        pandas.DataFrame
            One row a tube, in the server's order, columns as the fields of `TubeStats`: ``name`` is text,
            ``pause`` and ``pause_time_left`` are timedelta64[us], the others are uint64.
        """
        from beanops.session.frames import frame

        counts: dict[str, Any] = {field: "uint64" for field in TubeStats._fields if field != "name"}
        return frame(self.tube_stats(), TubeStats, {**counts, "pause": "seconds", "pause_time_left": "seconds"})

    def peek(self, id: SupportsIndex) -> Job:
        """Return a job with its body, whichever its tube and state.

        Raises
        ------
        NotFound
            There is no such job.
        """
        return self._looking().peek(id)

    def job(self, id: SupportsIndex) -> FoundJob:
        """Return a job with its statistics and its body.

        Raises
        ------
        NotFound
            There is no such job.
        """
        (found,) = read_jobs(self._looking(), [check_number("id", id, U64_MAX)])
        if found is None:
            raise NotFound(f"stats-job {id}")
        return found

    def jobs_by_id(self, ids: Iterable[SupportsIndex]) -> Iterator[FoundJob | None]:
        """Yield each job in turn with its statistics and its body, None for one that does not exist."""
        return read_jobs(self._looking(), (check_number("id", id, U64_MAX) for id in ids))

    def stats_by_id(self, ids: Iterable[SupportsIndex]) -> Iterator[JobStats | None]:
        """Yield the statistics of each job in turn, without its body; None for one that does not exist."""
        return read_stats(self._looking(), (check_number("id", id, U64_MAX) for id in ids))

    def heads(self, tube: str) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return read_heads(self._looking(), tube)

    def scan(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: bool = True,
        probe: bool = False,
        max_rate: float | None = None,
        polite: bool = True,
    ) -> Scan:
        """Find jobs, as a stream of batches. What it learns of ids makes the session's next scan shorter.

        Parameters
        ----------
        tube, state, ids, where, limit, order
            Which jobs, as in `select`; `order` is ``"newest"`` or ``"oldest"``.
        bodies, probe, max_rate, polite
            How, as in `Scan`.

        Returns
        -------
        Scan
            Iterate it for batches of `FoundJob`; it tells its progress, and at the end what is known.
        """
        selection = select(tube, state=state, ids=ids, where=where, limit=limit, order=order)
        return Scan(
            self._looking, selection, self._idmap(), bodies=bodies, probe=probe, max_rate=max_rate, polite=polite
        )

    def jobs(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: bool = True,
        probe: bool = False,
    ) -> pandas.DataFrame:
        """Find jobs.

        Parameters
        ----------
        tube, state, ids, where, limit, order
            Which jobs, as in `select`. Any other order than ``"newest"`` and ``"oldest"`` finds all, then sorts.
        bodies : bool
            Whether to read bodies too.
        probe : bool
            As in `Scan`.

        Returns
        -------
        pandas.DataFrame
            One row a job: ``id`` (uint64), ``tube``, ``state`` (categorical), ``priority`` (uint32), ``age``,
            ``delay``, ``ttr``, ``time_left`` (timedelta64[us]), ``created`` (datetime64[us, UTC]), ``reserves``,
            ``timeouts``, ``releases``, ``buries``, ``kicks`` (uint32), and with bodies ``size`` (uint32, bytes),
            ``body`` (text) and ``data`` (decoded, Python objects). ``attrs["verdict"]`` says whether it is all.

        Examples
        --------
        >>> jobs = session.jobs("mail", state="buried")        # doctest: +SKIP
        >>> jobs.groupby(jobs.data.str["error"]).size()
        """
        from beanops.session.frames import jobs_frame

        sorted_by = None if order in ("newest", "oldest") else order
        scan = self.scan(
            tube,
            state=state,
            ids=ids,
            where=where,
            limit=None if sorted_by else limit,
            order="newest" if sorted_by else order,
            bodies=bodies or sorted_by == "size",
            probe=probe,
        )
        found = jobs_frame([job for batch in scan for job in batch], bodies)
        if sorted_by:
            found = found.sort_values(
                sorted_by.removeprefix("-"), ascending=not sorted_by.startswith("-"), kind="stable", ignore_index=True
            )
            found = found if limit is None else found.head(int(limit))
        found.attrs["verdict"] = scan.verdict
        return found

    def sql(self, query: str, tube: str | None = None, **selection: Any) -> pandas.DataFrame:
        """Run a query on the jobs, as the table ``jobs``.

        Parameters
        ----------
        query : str
            SQL as DuckDB speaks it, on the columns of `beanops.jobs.where`.
        tube, **selection
            Which jobs to scan for it, as in `select`; without any, all of the server's.

        Raises
        ------
        PredicateError
            DuckDB does not accept it.

        Examples
        --------
        >>> session.sql("select data->>'$.displayName' as job, count(*) from jobs group by 1", "mail")  # doctest: +SKIP
        """
        from beanops.jobs.query import Query

        prepared = Query(query)
        for batch in self.scan(tube, **selection, bodies=prepared.needs_bodies):
            prepared.add(batch)
        return prepared.run()

    def _idmap(self) -> IdMap:
        """Return what is known of the ids of the server process that answers now."""
        return self._idmaps.setdefault(self.server().id, IdMap())
