"""What a session does to jobs and tubes: a method for each verb. How it is carried out is in `act` and `verbs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, SupportsIndex, Unpack

from beanops.client.sync import Client
from beanops.jobs.identity import digest_of
from beanops.journal.records import Intent, Refused
from beanops.monitor.sweep import sweep
from beanops.protocol import commands
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, U32_MAX, check_number, check_tube
from beanops.session.arguments import Body, Seconds, Tube, body_of, tube_of, whole_seconds
from beanops.session.executor import How
from beanops.session.pause_guard import Shelter
from beanops.session.recorded import Recorded
from beanops.session.run import Run
from beanops.session.targets import Jobs, Options, given, how_of, kick_steps, optional_priority, orders_of, request_of
from beanops.session.verbs import KEEP, Settings, TubeStep, verb_of

if TYPE_CHECKING:
    from beanops.session.session import Session


class Acting(Recorded):
    """The part of a session that acts.

    A verb raises `NotFound` for the name of a tube, or a glob, that means no tube; only what puts jobs makes one.
    """

    def kick(self, jobs: Jobs | str, **options: Unpack[Options]) -> Run:
        """Make buried or delayed jobs ready, each by its id: so `undo` can bury each again.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs. A tube's name or a glob means its buried jobs, unless `state` names others.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.kick([17, 18])          # doctest: +SKIP
        >>> session.kick("mail", where="data->>'$.user' = '7'", rate=100)
        """
        asked = given(options)
        if isinstance(jobs, str):
            asked.setdefault("state", "buried")
        return self._act("kick", jobs, KEEP, asked)

    def kick_next(
        self,
        tube: Tube,
        n: SupportsIndex,
        *,
        reason: str | None = None,
        dry_run: bool = False,
        progress: Callable[[Run], None] | None = None,
    ) -> Run:
        """Let the server make the next jobs of a tube ready: those buried first, or delayed ones if none is buried.

        The server does not tell which jobs it kicks: the record has their number alone, and `undo` cannot bury them
        again. `kick` names each.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        n : int
            Maximum number of jobs; they are kicked in chunks.
        reason, dry_run, progress
            How, see `Options`.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.kick_next("mail", 100)          # doctest: +SKIP
        """
        most = check_number("n", n, U32_MAX)
        stats = self.tube(check_tube(tube_of(tube)))  # to use one that does not exist would create it
        how = How(reason=reason, dry=dry_run, progress=progress)
        # Where there are none, one is asked for all the same: then the record says so.
        waiting = stats.current_jobs_buried or stats.current_jobs_delayed or int(not how.dry)
        run = self._actor.begin("kick", {"tube": stats.name, "next": most}, how)
        return self._actor.act_on_tube(run, kick_steps(self, stats, min(most, waiting)), how, use=True)

    def bury(self, jobs: Jobs | str, *, priority: SupportsIndex | None = None, **options: Unpack[Options]) -> Run:
        """Bury jobs: ready and delayed ones, and those this session has reserved.

        A server up to 1.11 buries them only in a tube that no worker watches.

        A job is reserved for it, in the same breath. Were the connection lost in between, a delayed job would
        become ready. With a `priority` buried jobs are taken too, and stay buried; their tube is paused meanwhile
        if workers watch it.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        priority : int or None
            New priority; None keeps each job's own.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.bury(session.jobs("mail", where="age > interval 1 day"), reason="INC-42")          # doctest: +SKIP
        """
        return self._act("bury", jobs, Settings(optional_priority(priority)), options)

    def release(
        self,
        jobs: Jobs | str,
        *,
        priority: SupportsIndex | None = None,
        delay: Seconds = 0,
        **options: Unpack[Options],
    ) -> Run:
        """Make jobs ready, or delayed, or give them another priority; ready, delayed, buried and held ones.

        Jobs that are not yet reserved are reserved for it, in the same breath; a server up to 1.11 has them put again
        with new ids where priority or delay change. If buried jobs are given a `delay`, their tube is paused meanwhile
        if workers watch it: were the connection lost in between, a job would become ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        priority : int or None
            New priority; None keeps each job's own.
        delay : number, str or timedelta
            Time until they are ready: seconds, text such as ``"10m"``, or a timedelta.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.release("mail", state="buried", priority=10)          # doctest: +SKIP
        """
        settings = Settings(optional_priority(priority), whole_seconds("delay", delay))
        return self._act("release", jobs, settings, options)

    def delete(self, jobs: Jobs | str, **options: Unpack[Options]) -> Run:
        """Delete jobs: ready, delayed and buried ones, and those this session has reserved.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob); then `state` or `where` must say which.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.delete([17, 18])          # doctest: +SKIP
        >>> session.delete("mail", state="buried", dry_run=True)
        """
        if isinstance(jobs, str) and not (options.get("state") or options.get("where")):
            raise UsageError(f"delete of tube {jobs!r} needs to know which jobs: name the states, or a predicate")
        return self._act("delete", jobs, KEEP, options)

    def drain(self, tube: str, **options: Unpack[Options]) -> Run:
        """Delete all jobs of a tube that are in the named states, and no others.

        Examples
        --------
        >>> session.drain("mail", state="buried")          # doctest: +SKIP
        """
        if not options.get("state"):
            raise UsageError(f'drain of tube {tube!r} is missing the states: state="buried", for example')
        return self.delete(tube, **options)

    def move(self, jobs: Jobs | str, to: str, **options: Unpack[Options]) -> Run:
        """Put jobs into another tube and delete them here, keeping body, priority, ttr, delay left and burial.

        Bodies stay as they are, also what ``redact`` hides.

        They get new ids, which are on record, the oldest first: workers get them in the order in which they would
        have. A job is put before it is deleted: a fault leaves it twice, which
        the record tells, but never lost. For buried jobs the other tube is paused meanwhile if workers watch it:
        a copy is reserved to be buried, and were the connection lost in between it would become ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        to : str
            The other tube.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.move("mail", "hospital", state="buried")          # doctest: +SKIP
        """
        asked = given(options)
        asked.setdefault("order", "oldest")
        return self._act("move", jobs, Settings(target=check_tube(to, "to")), asked)

    def copy(
        self, jobs: Jobs | str, to: str | None = None, *, server: Session | None = None, **options: Unpack[Options]
    ) -> Run:
        """Put copies of jobs into another tube, another server, or both; as `move` without the delete.

        Bodies are copied as they are, also what ``redact`` hides.

        Copies into a tube that the selection means are not copied themselves.

        What was copied to another server is taken back by a session there.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        to : str or None
            The other tube; None keeps each job's own.
        server : Session or None
            The other server's session.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.copy([17], server=beanops.connect("staging"))          # doctest: +SKIP
        """
        if to is None and server is None:
            raise UsageError("copy needs to know where to: another tube, another server, or both")
        if server is not None and server.read_only:
            raise Refused(f"copy was refused: the session on {server.address} is read-only")
        asked = given(options)
        asked.setdefault("order", "oldest")
        target = None if to is None else check_tube(to, "to")
        settings = Settings(target=target, there=server is not None)
        return self._act("copy", jobs, settings, asked, there=server)

    def touch(self, jobs: Jobs, *, reason: str | None = None) -> Run:
        """Start the ttr of jobs that this session has reserved anew.

        Examples
        --------
        >>> session.touch(17)          # doctest: +SKIP
        """
        return self._act("touch", jobs, KEEP, Options(reason=reason))

    def _act(
        self, verb: str, jobs: Jobs | str, settings: Settings, options: Options, there: Session | None = None
    ) -> Run:
        self.check_open()
        options = given(options)
        if isinstance(jobs, Iterator):
            jobs = list(jobs)  # read twice: to find them, and to write down which they were
        if options.get("buried_as") is not None and not verb_of(verb, settings).puts:
            raise UsageError(f"buried_as is for what puts jobs, and {verb} puts none")
        with ExitStack() as opened:
            # A connection of its own: what `there` uses itself meanwhile must not decide where copies end.
            copying = None if there is None else opened.enter_context(Client(there.address))
            lookup = orders_of(self, verb_of(verb, settings), jobs, settings, options, self._actor.keep_bodies)
            how = how_of(options)
            if isinstance(jobs, str):
                self.check_tube(jobs)
            run = self._actor.begin(verb, request_of(jobs, settings, options, copying), how)
            run.when_cancelled(lookup.cancel)
            return self._actor.act_on_jobs(run, lookup.batches, how, Shelter(there or self), copying)

    def pause(self, tube: Tube, seconds: Seconds, *, reason: str | None = None) -> Run:
        """Pause a tube: workers get none of its ready jobs for some time.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        seconds : number, str or timedelta
            For how long: seconds, text such as ``"10m"``, or a timedelta.
        reason : str or None
            Why, for the record.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.pause("mail", "10m")          # doctest: +SKIP
        """
        length = whole_seconds("seconds", seconds)
        return self._pause("pause", self.tube(tube_of(tube)).name, length, reason)

    def unpause(self, tube: Tube, *, reason: str | None = None) -> Run:
        """End the pause of a tube.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        reason : str or None
            Why, for the record.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.unpause("mail")          # doctest: +SKIP
        """
        return self._pause("unpause", self.tube(tube_of(tube)).name, 0, reason)

    def _pause(self, action: str, tube: str, seconds: int, reason: str | None) -> Run:
        command = commands.pause_tube(tube, seconds)
        left = next((stats.pause_time_left for stats in sweep(self._looking(), tube.__eq__)), 0)
        intent = Intent(action, tube, delay=seconds, time_left=left)
        how = How(reason=reason)
        run = self._actor.begin(action, {"tube": tube, "seconds": seconds}, how)
        return self._actor.act_on_tube(run, [TubeStep(command, intent)], how)

    def put(
        self,
        body: Body,
        *,
        tube: Tube = "default",
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: Seconds = 0,
        ttr: Seconds = DEFAULT_TTR,
        reason: str | None = None,
    ) -> Run:
        """Put a job into a tube, which is created where it does not exist; the run's ``ids`` hold the new id.

        Parameters
        ----------
        body : bytes, str, dict or list
            Bytes as they are, text as UTF-8, a dict or a list as JSON; at most the server's max-job-size.
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        priority : int
            0 is most urgent, 2**32 - 1 least.
        delay : number, str or timedelta
            Time until it is ready: seconds, text such as ``"10m"``, or a timedelta.
        ttr : number, str or timedelta
            How long a worker may hold it.
        reason : str or None
            Why, for the record.

        Examples
        --------
        >>> session.put({"user": 7}, tube="mail", delay="1m").ids          # doctest: +SKIP
        [19]
        """
        body, tube = body_of(body, self._looking().max_job_size), check_tube(tube_of(tube))
        wait, time_to_run = whole_seconds("delay", delay), whole_seconds("ttr", ttr)
        command = commands.put(body, priority=priority, delay=wait, ttr=time_to_run)
        intent = Intent("put", tube, priority=int(priority), delay=wait, ttr=time_to_run, digest=digest_of(body))
        how = How(reason=reason)
        run = self._actor.begin("put", {"tube": tube}, how)
        return self._actor.act_on_tube(run, [TubeStep(command, intent)], how, use=True)
