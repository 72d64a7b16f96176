"""What was not decoded matches no predicate on data, whatever a session is asked for, and is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from beanops.client.sync import Client
from beanops.session.session import Session

BODIES = (b'{"user":1}', b'{"user":1,"user":2}', b'{"user":1,"ke', b"[" * 100 + b"]" * 100)
LEFT_OUT = "3 jobs left out: their bodies were not decoded"


@pytest.fixture(autouse=True)
def _jobs(worker: Client) -> None:
    for body in BODIES:
        worker.put(body, tube="mail")


@pytest.mark.parametrize("where", ["data->>'$.keep' is null", "not (data->>'$.keep' is null)", "data is not null"])
@pytest.mark.parametrize("order", ["newest", "-size", "created"])
def test_a_search_leaves_it_out(session: Session, tmp_path: Path, where: str, order: str) -> None:
    scan = session.scan("mail", where=where, order=order)
    assert sum(map(len, scan)) <= 1
    assert (scan.complete, scan.enough, scan.undecoded) == (False, False, 3)
    assert LEFT_OUT in scan.verdict
    assert LEFT_OUT in session.jobs("mail", where=where, order=order).attrs["verdict"]
    saved = session.snapshot(tmp_path / "saved", "mail", where=where)
    assert (saved.complete, LEFT_OUT in saved.verdict) == (False, True)


def test_an_action_leaves_it_alone(session: Session, worker: Client, tmp_path: Path) -> None:
    where = "data->>'$.keep' is null"
    for run in (
        session.delete("mail", where=where, dry_run=True),
        session.export(tmp_path / "jobs", "mail", where=where),
        session.copy("mail", "copies", where=where),
        session.delete("mail", where=where),
    ):
        assert (run.done, run.complete) == (1, False)
        assert LEFT_OUT in run.summary
    assert [worker.peek(id).body for id in (2, 3, 4)] == [*BODIES[1:]]


def test_a_query_counts_it(session: Session) -> None:
    told = "3 rows were not decoded, or not for certain, and the query reads data"
    answer = session.sql("select count(*) as n from jobs where data->>'$.keep' is null", "mail")
    assert told in answer.attrs["verdict"]
    assert not session._lookups.sql_rows("select data from jobs", "mail").complete
    assert session._lookups.sql_rows("select body from jobs", "mail").complete
