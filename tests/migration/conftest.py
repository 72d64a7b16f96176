"""What the tests of migrations share: two servers, a session on each, and a count of where every job is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from beanops.accessors import connect
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.session.session import Session


class Pair:
    """Two servers with a client and a session on each.

    Attributes
    ----------
    old, new : Beanstalkd
        The source and the destination.
    here, there : Client
        Clients of these.
    source, destination : Session
        Sessions on these, with one journal.
    """

    def __init__(self, old: Beanstalkd, new: Beanstalkd, journal: str, opened: ExitStack) -> None:
        self.old, self.new = old, new
        self._opened, self._journal = opened, journal
        self.here, self.there = (opened.enter_context(Client(one.address)) for one in (old, new))
        self.source, self.destination = self.session(old), self.session(new)

    def session(self, server: Beanstalkd, **options: Any) -> Session:
        """Open another session, on `target` instead of the server's address if that is given."""
        target = options.pop("target", server.address)
        session = connect(target, **({"journal": self._journal} | options))
        assert isinstance(session, Session)
        return self._opened.enter_context(session)


@pytest.fixture
def pair(start_beanstalkd: Callable[..., Beanstalkd], journal: str) -> Iterator[Callable[..., Pair]]:
    """Start two servers: ``pair(old={"dialect": "1.11"})`` with options for either."""
    with ExitStack() as opened:

        def start(old: dict[str, Any] | None = None, new: dict[str, Any] | None = None) -> Pair:
            servers = []
            for how in (old or {}, new or {}):
                flags = how.pop("flags", ())
                servers.append(start_beanstalkd(*flags, **how))
            return Pair(*servers, journal, opened)

        yield start
