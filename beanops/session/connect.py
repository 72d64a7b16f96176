"""Open a session on a server, by its address or by its name in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beanops.client.address import Address
from beanops.client.reach import Reach
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.journal.prune import this_actor
from beanops.protocol.errors import ConnectFailed
from beanops.session.arguments import Seconds, timeout_of
from beanops.session.config import Profile, profile, profiles, read_config, strictest
from beanops.session.context import Context
from beanops.session.keywords import explained
from beanops.session.session import Session
from beanops.text import did_you_mean

if TYPE_CHECKING:
    from beanops.journal.journal import Journal
    from beanops.journal.shared import SharedJournal


@explained
def connect(
    target: str | Address | Reach = "127.0.0.1:11300",
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool | None = None,
    redact: Iterable[str] = (),
    journal: str | Journal | SharedJournal | None = None,
    keep_bodies: bool | None = None,
    connect_timeout: Seconds = 5.0,
    read_timeout: Seconds = 30.0,
    query_timeout: Seconds | None = TIMEOUT,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Session:
    """Open a session on a server.

    Parameters
    ----------
    target : str, Address or Reach
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path``, ``/path``,
        ``beanstalks://host:port`` with TLS, ``ssh://jump/host:port`` through ssh, or the name of a server in
        ``config.toml``. ``Reach.of`` takes several addresses, options of TLS and the source of a token.
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
    clock : callable
        Returns the time, UTC.

    Raises
    ------
    ConnectFailed
        No server answers there.

    Examples
    --------
    >>> session = beanops.connect("127.0.0.1:11300")
    >>> session.tubes()
    >>> session.kick([17, 18])
    <Run 20260102-030405-1f2e3d4c kick: 2 done>
    """
    known = profile(target)
    # An argument cannot lift the protection of a profile.
    given = Profile("", "", read_only=bool(read_only), redact=(redact,) if isinstance(redact, str) else tuple(redact))
    keeps = known.keep_bodies if keep_bodies is None else keep_bodies
    try:
        context = Context(
            strictest(known, [given])._replace(keep_bodies=keeps),
            actor=actor or this_actor(),
            timeouts=(timeout_of("connect_timeout", connect_timeout), timeout_of("read_timeout", read_timeout)),
            query_timeout=None if query_timeout is None else timeout_of("query_timeout", query_timeout),
            clock=clock,
            journal=journal,
            keep_bodies=keeps,
        )
        return Session(context, source)
    except ConnectFailed as error:
        names = profiles()
        near = "" if target in names else did_you_mean(target, [*names, *read_config().get("groups", {})])
        raise type(error)(f"{error}{near}") from None
