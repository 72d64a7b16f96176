"""SQL on tubes, actions and runs, beside the jobs."""

from __future__ import annotations

import pytest

from beanops.client.sync import Client
from beanops.protocol.errors import UsageError
from beanops.session.session import Session
from tests.session.conftest import fill


def test_tubes_are_a_table(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 3)
    session.pause("mail", 60)
    asked = worker.stats().cmd_stats_job
    found = session.sql("select tube, buried, pause from tubes where buried > 0")
    assert found.to_dict("list")["tube"] == ["mail"]
    assert (found.buried[0], found.pause[0].total_seconds()) == (3, 60)
    assert found.attrs["verdict"] == "complete"
    assert worker.stats().cmd_stats_job == asked, "no search for jobs that the query does not read"


def test_the_journal_is_two_tables(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 3)
    session.kick(ids, reason="fixed")
    session.bury(ids[:1])
    actions = session.sql("select action, count(*) as n from actions group by all order by n")
    assert dict(zip(actions.action, actions.n, strict=True)) == {"bury": 1, "kick": 3}
    runs = session.sql("select * from runs order by time")
    assert list(runs.reason.fillna("")) == ["fixed", ""]
    assert str(runs.time.dtype).startswith("datetime64[us")
    assert list(runs.columns) == list(session.journal.runs().columns)
    assert [row[1] for row in session._lookups.sql_rows("select time, action from runs").rows] == ["bury", "kick"]


def test_tables_join_with_jobs(session: Session, worker: Client) -> None:
    kept, gone = fill(worker, "mail", "buried", 2)
    session.kick([kept])
    session.delete([gone])
    found = session.sql(
        "select a.action, j.state, t.ready from actions a left join jobs j using (id) join tubes t on a.tube = t.tube"
    )
    assert {(row.action, row.state, row.ready) for row in found.fillna("").itertuples()} == {
        ("kick", "ready", 1), ("delete", "", 1),
    }  # fmt: skip
    assert found.attrs["verdict"] == "complete: 1 found"
    bodies = session.sql("select t.tube, j.body from tubes t join jobs j on j.tube = t.tube")
    assert list(bodies.body) == ["buried 0"]


def test_a_table_of_the_query_itself_comes_first(session: Session) -> None:
    assert list(session.sql("with tubes as (select 7 as a) select a from tubes").a) == [7]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from tube", "there is no table 'tube'; tables are jobs, tubes, actions, runs; did you mean 'tubes'"),
        ("select buryed from tubes", "there is no column 'buryed'; columns are tube, ready, .*did you mean 'buried'"),
        ("select size from tubes", "there is no column 'size'; columns are tube, ready, .*single quotes$"),
        ("select * from pg_tablespaces", "there is no table 'pg_tablespaces'; tables are"),
    ],
)
def test_an_unknown_name_says_which_there_are(session: Session, query: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        session.sql(query)
