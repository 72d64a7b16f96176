"""DuckDB within bounds: what takes too long or too much ends in one clear line."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.early_end import Cancelled
from beanops.jobs.sql.engine import Engine
from beanops.jobs.sql.query import Query
from beanops.jobs.sql.where import Where
from beanops.protocol.errors import ArgumentError
from tests.jobs.test_undecoded import job

ENDLESS = "(select count(*) from range(1000000000000)) = id"


@pytest.mark.parametrize(
    "predicate",
    [
        ENDLESS,
        "(with recursive t as (select 1 as n union all select n + 1 from t) select count(*) from t) = id",
        "1 in (select a.n + b.n from range(1000000) a(n), range(1000000) b(n))",
        "exists (select 1 from range(100000000000) t(n) where regexp_matches(n::varchar, '(a+)+$'))",
    ],
)
def test_what_takes_too_long_is_ended(predicate: str) -> None:
    started = time.monotonic()
    with pytest.raises(PredicateError, match=r"\Athe predicate: it took longer than 0.2 s; simplify it, or allow"):
        Where(predicate, timeout=0.2).matching([job(1, b"{}")])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "predicate",
    [
        "generate_series(1, 1000000000000) is not null",
        "length(repeat('x', 1000000000)) = id",
        "length(repeat(tube, 1000000000)) = id",
        "length(lpad(tube, 2000000000, 'x')) = id",
        "length(rpad('x', 2000000000, tube)) = id",
        "id in (select n from range(100000000) t(n) order by repeat('x', 50000) || n)",
    ],
)
def test_what_needs_too_much_memory_is_refused(predicate: str) -> None:
    with pytest.raises(PredicateError, match=r"\Athe predicate[^\n]*\Z"):
        Where(predicate, timeout=20).matching([job(1, b"{}")])


def test_short_texts_are_made_as_ever() -> None:
    predicate = "repeat('ab', 2) = 'abab' and lpad('x', 3, 'y') = 'yyx' and rpad('x', 3, 'y') = 'xyy'"
    assert Where(predicate).matching([job(1, b"{}")])


def test_a_query_is_bounded_too() -> None:
    query = Query("select count(*) from jobs a, range(1000000000000)", timeout=0.2)
    query.add([job(1, b"{}")])
    with pytest.raises(PredicateError, match=r"the query: it took longer than 0\.2 s"):
        query.rows()


def test_what_is_no_longer_wanted_ends() -> None:
    wanted = threading.Event()
    wanted.set()
    engine = Engine("the query", "", None, cancelled=lambda: not wanted.is_set())
    threading.Timer(0.1, wanted.clear).start()
    with pytest.raises(Cancelled):
        engine.run("select count(*) from range(1000000000000)")
    wanted.set()
    assert engine.run("select 1") == [(1,)]


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_is_a_number_above_0(timeout: float) -> None:
    with pytest.raises(ArgumentError):
        Where("true", timeout=timeout)


def test_statements_that_hear_nothing_are_left_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine("the query", "", 0.1)
    monkeypatch.setattr("beanops.jobs.sql.engine._GRACE", 0.05)
    monkeypatch.setattr("beanops.jobs.sql.engine._left", [])
    release = threading.Event()
    with pytest.raises(PredicateError, match="took longer"):
        engine.call(release.wait)
    with pytest.raises(PredicateError, match="it was given up, as it took too long"):
        engine.run("select 1")
    release.set()


def test_a_process_that_ends_with_a_statement_reports_nothing() -> None:
    script = """
import threading, time

class Slow(threading.Event):
    def set(self):
        super().set()
        time.sleep(0.2)  # the thread of the statement has not gone yet when the process ends

threading.Event = Slow
from beanops.jobs.sql.engine import Engine
print(Engine("the query", "").run("select 1"))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("[(1,)]\n", "")
