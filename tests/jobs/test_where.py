"""Predicates and queries: what they select, what they must not reach, and how they complain."""

from __future__ import annotations

from typing import Any

import pytest

from beanops.jobs.read import FoundJob
from beanops.jobs.sql.query import Query
from beanops.jobs.sql.where import TABLE, PredicateError, Where
from beanops.protocol import JobStats


def job(
    id: int, body: bytes = b"{}", *, tube: str = "mail", age: int = 0, state: str = "ready", file: int = 0
) -> FoundJob:
    return FoundJob(JobStats(id, tube, state, 1, age, 0, 60, 0, file, 0, 0, 0, 0, 0), body)


JOBS = [
    job(1, b'{"user": "42"}', age=7200),
    job(2, b'{"user": "42"}', age=10, tube="123", file=7)._replace(instance="f00d"),
    job(3, b"\xff\x00 not json", age=7200, state="buried"),
    job(2**64 - 1, b'{"user": {"name": "x"}}', tube="true"),
]


@pytest.mark.parametrize(
    ("predicate", "ids"),
    [
        ("data->>'$.user' = '42' and age > interval 1 hour", [1]),
        ("tube = '123'", [2]),
        ("state = 'buried' and body like '%\\xff%'", [3]),
        ("size > 14", [2**64 - 1]),
        ("(data->'$.user')->>'$.name' = 'x'", [2**64 - 1]),
        ("id = 18446744073709551615", [2**64 - 1]),
        ("true -- a comment", [1, 2, 3, 2**64 - 1]),
        ("ttr = interval 60 seconds", [1, 2, 3, 2**64 - 1]),
        ("null", []),
        ("created < now() - interval 1 hour", [1, 3]),
        ("created > '2026-01-01' and epoch(age) < 60", [2, 2**64 - 1]),
        ("file = 7 and instance = 'f00d'", [2]),
    ],
)
def test_a_predicate_selects(predicate: str, ids: list[int]) -> None:
    assert [found.id for found in Where(predicate).matching(JOBS)] == ids


def test_bodies_are_needed_only_where_they_are_mentioned() -> None:
    assert not Where("tube = 'mail' and age > interval 1 day").needs_bodies
    assert Where("size > 10").needs_bodies


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        ("colour = 1", "at character 1: there is no column 'colour'; columns are id, tube"),
        ("id = 1 and colour = 1", "at character 12: there is no column"),
        ("id = = 1", "at character 6: syntax error"),
        ("", "the predicate: it is empty"),
        (" ", "the predicate: it is empty"),
        ("id =", "the predicate at character"),
        ("1 = 1); drop table jobs; select (1", "at character 6: syntax error"),
        ("1 = 1; drop table jobs", "more than one statement"),
        ("true group by id", "syntax error"),
        ("true) union all select 99999 where (true", "at character 5: syntax error"),
    ],
)
def test_a_bad_predicate_is_one_line_with_the_position(predicate: str, says: str) -> None:
    with pytest.raises(PredicateError) as caught:
        Where(predicate)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


_SPANS = "age, delay, ttr and time_left are spans of time: write interval 60 seconds, or epoch(age)"
_JSON = "-> returns JSON: compare text with data->>'$.key' = 'text', a number with (data->>'$.key')::int = 3"
_TEXT = "->> returns text: write a text in single quotes, or cast, (data->>'$.key')::int > 3"


@pytest.mark.parametrize(
    ("predicate", "hint"),
    [
        ("age > 60", _SPANS),
        ("60.5 >= ttr", _SPANS),
        ("delay between 1 and 60", _SPANS),
        ("time_left in (1, 2)", _SPANS),
        ("ttr - age < 10", _SPANS),
        ("age + 5 > ttr", _SPANS),
        ("coalesce(age, 0) = 0", _SPANS),
        ("age > 1h", "are spans of time: write interval 1 hour"),
        ("ttr >= 30 seconds", "are spans of time: write interval 1 hour"),
        ("created > 60", "created is a time: write created < now() - interval 1 hour"),
        ("created > now() - 60", "created is a time: write created < now() - interval 1 hour"),
        ('state = "buried"', "there is no column 'buried'; quote a text with single quotes: 'buried'"),
        ('tube like "mail%"', "there is no column 'mail%'; quote a text with single quotes: 'mail%'"),
        ('"mail" in (tube)', "quote a text with single quotes: 'mail'"),
        ("data->>'$.x' = \"y\"", "quote a text with single quotes: 'y'"),
        ("stat = 'buried'", "quote a text with single quotes; did you mean 'state'?"),
        ("state = buried", "quote a text with single quotes"),
        ("data->'$.n' = 3", _JSON),
        ("data->'$.n' > 2 and id = 1", _JSON),
        ("id = 1 and data->'$.s' = 'x'", _JSON),
        ("data->'$.s' like 'x%'", _JSON),
        ("data->'$.s' in ('x')", _JSON),
        ("(data->'$.s') = 'x'", _JSON),
        ("data = 'x'", _JSON),
        ("data->>'$.n' > 2", _TEXT),
        ("data->>'$.n'::int = 2", "a cast binds first: write (data->>'$.key')::int"),
    ],
)
def test_a_common_slip_gets_a_hint(predicate: str, hint: str) -> None:
    def asked() -> None:
        query = Query(f"select count(*) from jobs where {predicate}")
        query.add(JOBS)
        query.rows()

    for ask in (asked, lambda: Where(predicate).matching(JOBS)):
        with pytest.raises(PredicateError) as caught:
            ask()
        assert hint in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "reach",
    [
        "id in (select 1 from read_csv('/etc/passwd'))",
        "id in (select 1 from '/etc/passwd')",
        "id in (select 1 from read_text('/etc/passwd'))",
        "id in (select 1 from read_parquet('http://127.0.0.1/x'))",
        "getenv('HOME') is not null",
    ],
)
def test_sql_reaches_no_file_network_or_environment(reach: str) -> None:
    with pytest.raises(PredicateError):
        Where(reach).matching(JOBS)


@pytest.mark.parametrize(
    "statement",
    [
        "copy jobs to '/tmp/beanops-test'", "attach '/tmp/beanops-test'", "install httpfs", "load httpfs",
        "drop table jobs", "insert into jobs select * from jobs", "select 1; select 2", "",
    ],
)  # fmt: skip
def test_a_query_is_one_select(statement: str) -> None:
    with pytest.raises(PredicateError, match="it is not one SELECT"):
        Query(statement)


def test_a_query_reaches_no_file_either() -> None:
    with pytest.raises(PredicateError):
        Query("select * from '/etc/passwd'")


def test_a_query_runs_on_the_jobs_that_were_added() -> None:
    query = Query("select data->>'$.user' as user, count(*) as n from jobs where tube <> 'true' group by 1 order by 2")
    query.add(JOBS[:2])
    query.add(JOBS[2:])
    answer = query.run()
    assert answer["n"].tolist() == [1, 2]
    assert answer["user"].tolist()[1] == "42"


def answer(sql: str) -> list[tuple[Any, ...]]:
    query = Query(sql)
    query.add(JOBS)
    return query.rows()[1]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) from (from jobs where state = 'ready' union from jobs)", [(4,)]),
        ("select count(distinct jobs) from jobs where tube = 'mail'", [(2,)]),
        ("select count(j) from jobs j where size > 14", [(1,)]),
        ("select max(columns('^id$')) from jobs", [(2**64 - 1,)]),
        ("select count(*) from jobs a natural join jobs b", [(4,)]),
        ("select column_name, count from (summarize jobs) limit 1", [("id", 4)]),
    ],
)
def test_a_query_sees_whole_jobs_where_it_names_no_columns(sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert answer(sql) == rows


def test_a_job_without_a_select_is_a_row_of_all_columns() -> None:
    query = Query("from jobs where tube = '123'")
    query.add(JOBS)
    names, (row,) = query.rows()
    assert names == list(TABLE)
    assert dict(zip(names, row, strict=True))["id"] == 2
    assert len(answer("describe jobs")) == len(TABLE)


def test_values_are_exact_and_names_differ() -> None:
    query = Query(
        "select sum(id) as sum, list(tube order by id), now() > '2020-01-01', now(), id, id from jobs group by all"
    )
    query.add(JOBS[-1:])
    names, (row,) = query.rows()
    assert names[0] == "sum"
    assert names[-2:] == ["id", "id_1"]
    assert row[:3] == (2**64 - 1, ["true"], True)
    assert isinstance(row[3], str)


@pytest.mark.parametrize("end", ["", ";", "; -- the newest", " -- the newest", ";\n;"])
def test_a_query_may_end_as_sql_does(end: str) -> None:
    query = Query(f"select now() as now, id from jobs{end}")
    query.add(JOBS[-1:])
    names, ((now, id),) = query.rows()
    assert names == ["now", "id"]
    assert now.startswith("20")
    assert id == 2**64 - 1


def test_the_place_of_a_fault_is_counted_in_the_query() -> None:
    query = Query("select cast(tube as integer) from jobs")
    query.add(JOBS[-1:])
    with pytest.raises(PredicateError, match="the query at character 8: Could not convert string 'true'"):
        query.rows()


def test_jobs_that_do_not_fit_are_told_in_one_line() -> None:
    query = Query("select body from jobs")
    query._connection.execute("drop table jobs")
    with pytest.raises(PredicateError, match=r"\Athe query[^\n]*\Z"):
        query.add(JOBS)


def test_counting_needs_no_bodies() -> None:
    assert not Query("select tube, count(*) from jobs group by 1").needs_bodies
    assert Query("select * from jobs").needs_bodies
