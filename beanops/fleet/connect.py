"""Open a session on one server, or a fleet of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from beanops.client.address import Address
from beanops.client.reach import Reach
from beanops.fleet.servers import names_several, servers_of
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.session.arguments import Seconds, timeout_of
from beanops.session.config import Profile, default_journal
from beanops.session.connect import connect as connect_one
from beanops.session.keywords import explained
from beanops.session.session import Session

if TYPE_CHECKING:
    from beanops.fleet.fleet import Fleet
    from beanops.journal.journal import Journal

#: Seconds for which a server may owe an answer before a call on several servers returns without it.
PATIENCE = 10.0


def _now() -> datetime:
    return datetime.now(UTC)


@overload
def connect(  # type: ignore[overload-overlap]  # a str is an iterable of str
    target: str | Address | Reach = "127.0.0.1:11300",
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool | None = None,
    redact: Iterable[str] = (),
    journal: str | Journal | None = None,
    keep_bodies: bool | None = None,
    connect_timeout: Seconds = 5.0,
    read_timeout: Seconds = 30.0,
    query_timeout: Seconds | None = TIMEOUT,
    patience: Seconds = PATIENCE,
    clock: Callable[[], datetime] = _now,
) -> Session: ...
@overload
def connect(
    target: Iterable[str | Address | Reach],
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool | None = None,
    redact: Iterable[str] = (),
    journal: str | Journal | None = None,
    keep_bodies: bool | None = None,
    connect_timeout: Seconds = 5.0,
    read_timeout: Seconds = 30.0,
    query_timeout: Seconds | None = TIMEOUT,
    patience: Seconds = PATIENCE,
    clock: Callable[[], datetime] = _now,
) -> Fleet: ...
@explained
def connect(
    target: str | Address | Reach | Iterable[str | Address | Reach] = "127.0.0.1:11300",
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool | None = None,
    redact: Iterable[str] = (),
    journal: str | Journal | None = None,
    keep_bodies: bool | None = None,
    connect_timeout: Seconds = 5.0,
    read_timeout: Seconds = 30.0,
    query_timeout: Seconds | None = TIMEOUT,
    patience: Seconds = PATIENCE,
    clock: Callable[[], datetime] = _now,
) -> Any:
    """Open a session on a server, or a fleet of several servers.

    A list, a glob of names, or the name of a group in ``config.toml`` gives a `Fleet`, whose servers are connected with
    the first call; anything else a `Session`.

    Parameters
    ----------
    target : str, Address, Reach, or iterable of these
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path``, ``/path``,
        ``beanstalks://host:port`` with TLS, ``ssh://jump/host:port`` through ssh, or the name of a server in
        ``config.toml``; ``Reach.of`` takes several addresses of one server, options of TLS and the source of a token.
        For a fleet a list of these, of groups, and of globs such as ``"prod-*"``; or a
        group or a glob.
    source : str
        For the journal: ``"cli"``, ``"tui"``, ``"web"``, ``"notebook"`` or ``"script"``.
    actor : str or None
        For the journal; by default user and host.
    read_only : bool or None
        Reject all changes; None takes the value of the configuration, False by default. False does not lift a
        configured protection.
    redact : iterable of str
        Patterns of keys whose values are hidden, such as ``"*token*"``, in addition to those of the configuration.
        All bodies that the session returns are redacted; only `export`, `move`, `copy`, `undo` and the journal use
        full bodies.
    journal : str, Journal or None
        Path of a SQLite file or URL of a database; None takes ``BEANOPS_JOURNAL``, then the value of the
        configuration, then a file in the user's data directory.
    keep_bodies : bool or None
        Keep the bodies of deleted jobs in the journal, which undo needs; None takes the value of the configuration,
        True by default.
    connect_timeout, read_timeout : number, str or timedelta
        Time to wait for the connection, and for the server's next bytes: seconds, text such as ``"10s"``, or a
        timedelta.
    query_timeout : number, str, timedelta or None
        Time that a predicate may take for a batch of jobs, or a query in SQL; None is no limit.
    patience : number, str or timedelta
        Of a fleet: time for which a server may owe an answer before a call returns without it; 10 seconds by default.
    clock : callable
        Returns the time, UTC.

    Raises
    ------
    ConnectFailed
        No server answers there. A fleet does not raise it before it is used.
    UsageError
        A glob matches no server.

    Examples
    --------
    >>> session = beanops.connect("127.0.0.1:11300")
    >>> session.tubes()
    >>> session.kick([17, 18])
    <Run 20260102-030405-1f2e3d4c kick: 2 done>
    >>> fleet = beanops.connect(["127.0.0.1:11300", "staging"])
    >>> fleet.tubes()[["server", "tube", "ready"]]
    """
    options: dict[str, Any] = {
        "source": source, "actor": actor, "read_only": read_only,
        "redact": (redact,) if isinstance(redact, str) else tuple(redact), "keep_bodies": keep_bodies,
        "connect_timeout": connect_timeout, "read_timeout": read_timeout, "query_timeout": query_timeout,
        "clock": clock,
    }  # fmt: skip
    if names_several(target):
        return _fleet(target, journal, patience, options)
    return connect_one(target, journal=journal, **options)  # type: ignore[arg-type]


def _fleet(target: Any, journal: str | Journal | None, patience: Seconds, options: dict[str, Any]) -> Fleet:
    from beanops.fleet.dispatch import Dispatch
    from beanops.fleet.fleet import Fleet
    from beanops.fleet.members import FleetMember, Twins
    from beanops.journal.shared import SharedJournal

    named = [target] if isinstance(target, str) else list(target)
    shared = SharedJournal(journal or default_journal())
    twins = Twins()

    def opened(profile: Profile) -> Session:
        # A server without a name in the configuration is reached as it was given.
        named = profile.name if profile.name != profile.address else profile.reach
        return connect_one(named, journal=shared, **options)

    members = [FleetMember(profile, opened, twins) for profile in servers_of(named)]
    seconds = timeout_of("patience", patience)
    dispatch = Dispatch(members, shared, seconds, options["clock"], options["source"], options["actor"])
    return Fleet(dispatch, ",".join(map(str, named)))
