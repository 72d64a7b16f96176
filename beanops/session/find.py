"""How a session finds jobs: as a stream, as a frame, by SQL, and all into files.

Nothing here changes a queue but the probe that a caller asks for, which is the session's and on its record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from beanops.client.address import Address
from beanops.jobs.bodies import DEFAULT_PATTERNS, Decoded, Reader, decode
from beanops.jobs.hiding import hide
from beanops.jobs.identity import JobRef, doubts
from beanops.jobs.read import BodyForm, FoundJob
from beanops.jobs.search.id_map import IdMaps
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import select
from beanops.jobs.sql.engine import TIMEOUT
from beanops.journal.records import Refused
from beanops.session.look import Looking
from beanops.text import plural

if TYPE_CHECKING:
    import pandas

    from beanops.jobs.sql.query import Query


class Saved(NamedTuple):
    """What a snapshot holds.

    Attributes
    ----------
    jobs : int
        How many.
    complete : bool
        Whether these are all that were asked for.
    verdict : str
        The same in words, with what was not looked at.
    """

    jobs: int
    complete: bool
    verdict: str


class Answer(NamedTuple):
    """What a query gave.

    Attributes
    ----------
    names : list of str
        Of its columns, each once.
    rows : list of tuple
        Its rows, values as DuckDB has them.
    complete : bool
        Whether all jobs were looked at that were asked for, and those bodies decoded that the query reads.
    verdict : str
        The same in words.
    """

    names: list[str]
    rows: list[tuple[Any, ...]]
    complete: bool
    verdict: str


class Finding(Looking):
    """The part of a session that searches."""

    #: Returns an id that the server gave out just now. Only what may act has one.
    _probe_id: Callable[[], int]
    #: Seconds that a predicate may take for a batch of jobs, or a query; None means any.
    query_timeout: float | None = TIMEOUT

    def __init__(self, address: str | Address, timeouts: tuple[float, float], redact: tuple[str, ...]) -> None:
        self._reader = Reader(redact)
        self._idmaps = IdMaps()
        super().__init__(address, timeouts)

    @property
    def reader(self) -> Reader:
        """What all bodies that are shown go through; what acts on jobs and keeps them goes past it."""
        patterns = self.redact
        if self._reader.patterns != patterns:
            self._reader = Reader(patterns)
        return self._reader

    def _known_id(self, instance: str) -> int:
        """Return the highest id that is on record for a server process, 0 for none."""
        return 0

    def decode(self, body: bytes, *, kept: bool = False) -> Decoded:
        """Return a body decoded and with what `redact` names hidden: what a face shows of it.

        What is `kept`, as a notebook keeps what it shows, is without all that looks like a secret.
        """
        return decode(body).redacted((*DEFAULT_PATTERNS, *self.redact)) if kept else self.reader.decode(body)

    def shown(self, body: bytes) -> bytes:
        """Return what may be shown of a body; see `beanops.jobs.bodies.redact_body`."""
        return self.reader.shown(body)

    def scan(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: BodyForm = True,
        probe: bool = False,
        rate: float | None = None,
        polite: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> Scan:
        """Find jobs, as a stream of batches. What it learns of ids makes the session's next scan shorter.

        Parameters
        ----------
        tube, state, ids, where, limit, order
            Which jobs, as in `select`. An order by a column gives its one batch at the end.
        bodies, rate, polite, progress
            How, as in `Scan`.
        probe : bool
            Find the exact bound of the ids by putting a job for a moment, on the record (only needed with a binlog).

        Returns
        -------
        Scan
            Iterate it for batches of `FoundJob`, with what may be shown of bodies; it tells its progress, and at the
            end what is known.

        Examples
        --------
        >>> for batch in session.scan("mail", state="buried"):          # doctest: +SKIP
        ...     print(len(batch))
        """
        which: dict[str, Any] = {"state": state, "ids": ids, "where": where, "limit": limit, "order": order}
        how: dict[str, Any] = {"probe": probe, "rate": rate, "polite": polite, "progress": progress}
        return self.raw_scan(tube, **which, bodies=bodies, **how, shown=self._hide if self.redact else None)

    def _hide(self, job: FoundJob) -> FoundJob:
        return hide(job, self.reader)

    def raw_scan(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        probe: bool = False,
        **how: Any,
    ) -> Scan:
        """Do as `scan`, with bodies as they are: for what moves, copies, exports and restores jobs, and shows none."""
        if probe and self.read_only:
            raise Refused(f"a probe was refused: it puts a job, and this session on {self.address} is read-only")
        selection = select(tube, state=state, ids=ids, where=where, limit=limit, order=order)
        return Scan(
            self._looking,
            selection,
            self._idmaps,
            known=self._known_id,
            probe=self._probe_id if probe else None,
            redact=self.redact,
            query_timeout=self.query_timeout,
            **how,
        )

    def jobs(
        self,
        tube: str | None = None,
        *,
        ids: Any = None,
        state: str | Iterable[str] | None = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        **how: Any,
    ) -> pandas.DataFrame:
        """Find jobs.

        Parameters
        ----------
        tube : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        ids : id, job, iterable of these, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        where : str or None
            A SQL predicate on the columns, see `beanops.jobs.sql.where`.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
        bodies : {"text", "bytes", False}
            What ``body`` is: text, in which bytes that are not UTF-8 are escapes; or bytes. False reads no bodies,
            which is faster.
        decoded : bool
            Whether ``data`` holds Python objects; by default it is JSON text, which any file format can hold.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        **how
            As in `scan`.

        Returns
        -------
        pandas.DataFrame
            One row per job: ``id`` (uint64), ``tube``, ``state`` (categorical), ``priority`` (int64), ``age``,
            ``delay``, ``ttr``, ``time_left`` (timedelta64[us]), ``created`` (datetime64[us, UTC]), ``reserves``,
            ``timeouts``, ``releases``, ``buries``, ``kicks``, ``file`` (int64, the number of the binlog file, 0
            without a binlog), ``instance`` (text, the server process), and with bodies ``digest`` (text, of the
            body), ``size`` (int64, bytes), ``body`` and ``data`` (the decoded body). ``attrs["verdict"]`` says whether
            these are all jobs that match. Every verb takes the frame, its rows, and what a file made of it:
            a job whose ``instance``, ``tube``, ``created`` or ``digest`` no longer agree is skipped.

        Raises
        ------
        ArgumentError, PredicateError
            An argument is not as described; nothing was sent.

        Examples
        --------
        >>> session.jobs("mail", state="buried", columns=["id", "age", "data"])        # doctest: +SKIP
        >>> jobs = session.jobs("mail", decoded=True)
        >>> jobs.groupby(jobs.data.str["error"]).size()
        """
        from beanops.jobs.frames import job_columns, jobs_frame, needs_bodies

        shown = job_columns(bodies, decoded=decoded, columns=columns)
        which: dict[str, Any] = {"ids": ids, "state": state, "where": where, "limit": limit, "order": order}
        scan = self.scan(tube, **which, bodies=needs_bodies(shown), **how)
        found = jobs_frame([job for batch in scan for job in batch], shown)
        found.attrs["verdict"] = scan.conclusion
        return found

    def reused(self, jobs: Sequence[JobRef]) -> list[str | None]:
        """Return why the ids of jobs that were seen before mean other jobs now, None for those that do not.

        Examples
        --------
        >>> session.reused([ref_of(job)])          # doctest: +SKIP
        ['id was reused by another job']
        """
        return doubts(self._looking(), jobs)

    def sql(self, query: str, tube: str | None = None, **selection: Any) -> pandas.DataFrame:
        """Run a query on the jobs, as the table ``jobs``.

        Parameters
        ----------
        query : str
            One SELECT as DuckDB speaks it, on the columns of `beanops.jobs.sql.where`.
        tube, **selection
            Which jobs to scan for it, and how, as in `scan`; without any, all of the server's.

        Returns
        -------
        pandas.DataFrame
            The answer; ``attrs["verdict"]`` says whether all jobs were looked at, and of how many the query read
            ``data`` though their bodies could not be decoded.

        Raises
        ------
        PredicateError
            DuckDB does not accept it.

        Examples
        --------
        >>> session.sql("select data->>'$.displayName' as job, count(*) from jobs group by 1", "mail")  # doctest: +SKIP
        """
        prepared, scan = self._asked(query, tube, selection)
        answer = prepared.run()
        answer.attrs["verdict"] = _told(prepared, scan)
        return answer

    def sql_rows(self, query: str, tube: str | None = None, **selection: Any) -> Answer:
        """Do as `sql` without pandas: integers of any size, decimals and lists stay what they are."""
        prepared, scan = self._asked(query, tube, selection)
        complete = (scan.complete or scan.sure) and not prepared.undecoded
        return Answer(*prepared.rows(), complete, _told(prepared, scan))

    def _asked(self, query: str, tube: str | None, selection: dict[str, Any]) -> tuple[Query, Scan]:
        from beanops.jobs.sql.query import Query

        prepared = Query(query, self.redact, self.query_timeout)
        # The table hides what is to be hidden, and knows the sizes of bodies.
        scan = self.raw_scan(tube, **selection, bodies=prepared.needs_bodies)
        for batch in scan:
            prepared.add(batch)
        return prepared, scan

    def snapshot(self, directory: str | PathLike[str], tube: str | None = None, **selection: Any) -> Saved:
        """Write jobs to Parquet files, a folder ``folder=NAME`` for each tube, in constant memory.

        pandas, DuckDB, Spark and Dask read the directory as it is, ``folder`` being the partition. The other columns
        are those of `jobs`, with ``age``, ``delay``, ``ttr`` and ``time_left`` in seconds, and ``body`` as bytes.

        Parameters
        ----------
        directory : str or path
            A new one, or an empty one. It appears when everything is in it.
        tube, **selection
            Which jobs, and how, as in `scan`; without any, all of the server's.

        Returns
        -------
        Saved
            How many jobs, and whether they are all.

        Raises
        ------
        UsageError
            The directory is there already and is not empty.
        CannotSave
            The disk is full, or a file cannot be made; nothing is left of it.
        """
        from beanops.jobs.snapshot import check_new, save

        check_new(Path(directory))
        scan = self.scan(tube, **selection)
        return Saved(save(scan, Path(directory)), scan.complete or scan.sure, scan.conclusion)


def _told(query: Query, scan: Scan) -> str:
    """Return what is known of an answer, in words."""
    if not query.undecoded:
        return scan.conclusion
    rows = f"{plural(query.undecoded, 'row')} {'was' if query.undecoded == 1 else 'were'}"
    return f"{scan.conclusion}; {rows} not decoded, or not for certain, and the query reads data"
