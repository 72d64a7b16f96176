"""Unknown is not absent: a predicate on data says nothing about a body that could not be decoded."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from beanops.jobs.bodies import decode
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.query import Query
from beanops.jobs.sql.where import PredicateError, Where
from beanops.protocol import JobStats

UNDECODED = {
    "too large": b'{"a":"' + b"x" * (4 * 2**20) + b'"}',
    "too deep": b"[" * 100 + b"]" * 100,
    "far too deep": b"[" * 100_000,
    "a key twice": b'{"keep":1,"keep":null}',
    "a key twice, inside": b'{"x":{"a":1,"a":2}}',
    "a key twice, in PHP": b'a:2:{s:1:"a";i:1;s:1:"a";i:2;}',
    "a key twice, in MessagePack": b"\x82\xa1a\x01\xa1a\x02",
    "cut in a key": b'{"user":1,"ke',
    "cut in a text": b'{"user":"a',
    "cut array": b'[1, 2, {"keep"',
    "cut numbers": b"[1, 2,",
    "cut string": b'"{\\"keep\\":1',
    "a comma too many": b'{"user":1,}',
    "no JSON": b"{'keep': 1}",
    "cut PHP": b'O:8:"stdClass":1:{s:4:"keep',
    "cut base64": base64.b64encode(b'{"user":1,"keep":2}')[:-3],
    "cut gzip": gzip.compress(b'{"keep":1}', mtime=0)[:-4],
    "bytes after gzip": gzip.compress(b'{"keep":1}', mtime=0) + b"x",
    "cut MessagePack": b"\x82\xa4keep\x07\xa3key",
    "cut CBOR": b"\xa2dkeep\x18",
    "nothing known": b"\xff\x00\x01",
    "a layer too deep": json.dumps({"job": "a:1:{i:0;" * 70 + "i:1;" + "}" * 70}).encode(),
    "a layer too many": json.dumps(
        [base64.b64encode(b'{"k":%d}' % (10**9 + n)).decode() for n in range(1002)]
    ).encode(),
}
PREDICATES = [
    "data->>'$.keep' is null",
    "not (data->>'$.keep' is null)",
    "data->>'$.keep' is not null or id > 0",
    "coalesce(data->>'$.keep', 'none') = 'none'",
    "case when data->>'$.keep' = '1' then false else true end",
    "data is null",
    "data is not null",
    "(data = data) is distinct from false",
    "id > 0 or data is null",
    "\"data\"->>'$.keep' is null",
    "DATA.keep is null",
    "jobs.data is not null",
    "exists (select 1 from (select data->>'$.keep' as kept) where kept is null)",
    "coalesce(columns(['data'])::varchar, '') <> ''",
    "jobs is not null",
    "(select count(*) from (select unnest([data]))) = 1",
]


def job(id: int, body: bytes | None) -> FoundJob:
    return FoundJob(JobStats(id, "mail", "ready", 1, 60, 0, 60, 0, 0, 0, 0, 0, 0, 0), body)


@pytest.mark.parametrize("body", UNDECODED.values(), ids=[*UNDECODED])
def test_what_was_not_decoded_is_not_whole(body: bytes) -> None:
    assert not decode(body).whole


@pytest.mark.parametrize(
    "body",
    [
        "", "hello", "[2026-01-31] a line of a log", '"quoted" words', "[draft] of a letter", "x^2 + y", "{}", "[]",
        '{"text":"{name}, hello"}', '{"text":"[draft] hello"}', "O:K then", '{"a":{"k":1},"b":{"k":1}}',
        json.dumps(["%040x" % n for n in range(1500)]),
    ],
)  # fmt: skip
def test_text_is_whole_however_it_begins(body: str) -> None:
    assert decode(body.encode()).whole


@pytest.mark.parametrize("text", ["¡hola!", "¡hola mundo!", "„¡Ah!“ cried he", "c'est l'été"])
def test_text_of_western_europe_is_whole(text: str) -> None:
    assert decode(text.encode("cp1252")).whole


@pytest.mark.parametrize("predicate", PREDICATES)
def test_no_predicate_on_data_matches_what_was_not_decoded(predicate: str) -> None:
    jobs = [job(id, body) for id, body in enumerate(UNDECODED.values(), 1)]
    judged = Where(predicate).judge([*jobs, job(100, b'{"user":1}')])
    assert [found.id for found in judged.matching] in ([], [100])
    assert judged.undecoded == jobs


@pytest.mark.parametrize(
    "predicate",
    [
        "body is not null", "size >= 0", "age > interval 1 second", "body not like '%data is null%'", "tube <> 'data'",
        "true -- data", "list_contains(list_transform([0], lambda x: x + 1), priority)",
        "exists (select 1 from range(3) t(i) where i = priority)",
    ],
)  # fmt: skip
def test_other_predicates_reach_every_job(predicate: str) -> None:
    where = Where(predicate)
    jobs = [job(id, body) for id, body in enumerate(UNDECODED.values(), 1)]
    assert not where.reads_data
    assert where.judge(jobs) == (jobs, [])


def test_a_body_that_is_not_there_matches_no_predicate_on_it() -> None:
    for predicate in ("body = ''", "not (body = '')", "size = 0", "data is not null"):
        assert Where(predicate).judge([job(1, None)]) == ([], [job(1, None)])
    assert Where("id = 1").judge([job(1, None)]).matching


def test_what_is_hidden_whole_matches_no_predicate_on_data() -> None:
    judged = Where("data is not null", redact=["*token*"]).judge(
        [job(1, b'{"token":1,"token":2}'), job(2, b'{"token":1}')]
    )
    assert [found.id for found in judged.matching] == [2]
    assert [found.id for found in judged.undecoded] == [1]


def test_a_query_says_how_many_rows_were_not_decoded() -> None:
    for sql, undecoded in (
        ("select count(*) from jobs where data->>'$.keep' is null", 2),
        ("select * from jobs", 2),
        ("select count(*) from jobs where body like '%data%' and 'data' = 'data'", 0),
        ("select id, size from jobs -- data", 0),
        ("describe jobs", 0),
        ("summarize jobs", 2),
    ):
        query = Query(sql)
        query.add([job(1, b'{"a":1,"a":2}'), job(2, b"\xff\x00"), job(3, b"{}")])
        query.rows()
        assert query.undecoded == undecoded, sql


def test_columns_that_are_not_known_are_refused() -> None:
    with pytest.raises(PredicateError, match="age of jobs before the run is not in the journal; columns are id, body"):
        Where("not (age > interval 1 hour)", known=("id", "body"))
