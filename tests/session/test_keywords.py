"""Unknown keywords: the method that was called, what it takes, and what is near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import beanops
from beanops import Client, Session
from beanops.protocol.errors import BeanopsError

CALLS: dict[str, tuple[Callable[[Session], Any], str]] = {
    "kick": (lambda session: session.kick([1], reson="x"), "kick.* 'reson'; it takes .*; did you mean 'reason'"),
    "kick_next": (lambda session: session.kick_next("mail", 1, limit=5), "kick_next.* 'limit'; it takes .*progress"),
    "delete": (lambda session: session.delete("mail", states="ready"), "delete.* 'states'; .*; did you mean 'state'"),
    "jobs": (lambda session: session.jobs("mail", limt=5), "jobs.* 'limt'; it takes bodies, .*; did you mean 'limit'"),
    "jobs of an old name": (lambda session: session.jobs(max_rate=5), "jobs.* 'max_rate'; it takes"),
    "scan": (lambda session: session.scan(stat="ready"), "scan.* 'stat'; .*; did you mean 'state'"),
    "sql": (lambda session: session.sql("select 1", bodis=1), "sql.* 'bodis'; it takes"),
    "snapshot": (lambda session: session.snapshot("out", wher="true"), "snapshot.* 'wher'; .*; did you mean 'where'"),
    "export": (lambda session: session.export("out", forc=True), "export.* 'forc'; .*; did you mean 'force'"),
    "put": (lambda session: session.put(b"x", tub="mail"), "put.* 'tub'; it takes body, .*; did you mean 'tube'"),
    "server": (lambda session: session.server(x=1), "server.* 'x'; it takes none"),
    "connect": (lambda session: beanops.connect(readonly=True), "connect.* 'readonly'; .*; did you mean 'read_only'"),
    "browse": (lambda session: session.browse("mail", stte="ready"), "browse.* 'stte'; .*; did you mean 'state'"),
    "journal": (lambda session: session.journal.runs(sinc="1d"), "runs.* 'sinc'; .*; did you mean 'since'"),
}  # type: ignore[call-arg, dict-item, unused-ignore]


@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_keyword_says_what_there_is(session: Session, client: Client, name: str) -> None:
    call, said = CALLS[name]
    client.put(b"x", tube="mail")
    with pytest.raises(TypeError, match=said) as caught:
        call(session)
    assert isinstance(caught.value, BeanopsError)
    assert client.stats_tube("mail").current_jobs_ready == 1
