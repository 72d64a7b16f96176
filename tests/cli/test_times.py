"""``beanops times``: how long jobs wait and run, for people and for programs."""

from __future__ import annotations

import csv
from functools import partial

import pytest

from beanops import Client
from beanops.cli.commands import times
from beanops.session.watching.timing import measure
from tests.cli.conftest import Cli
from tests.session.test_timing import Time


@pytest.fixture
def working(client: Client, monkeypatch: pytest.MonkeyPatch) -> Time:
    """Have jobs put and worked on while the command waits, in no time."""
    time = Time(client)
    monkeypatch.setattr(times, "measure", partial(measure, clock=time.clock, sleep=time.sleep))
    return time


def test_times_for_people_and_programs(cli: Cli, working: Time) -> None:
    ended = cli("times", "--seconds", "20")
    assert ended.code == 0
    heading, billing, server = (line.split() for line in ended.out.splitlines())
    assert heading == ["tube", "wait_p50", "wait_p95", "wait_p99", "run_p50", "run_p95", "run_p99", "jobs", "returned"]
    assert billing[0] == "billing"
    assert billing[1] in ("<1s", "<2s", "1s", "2s")
    assert server[:2] == ["(all", "tubes)"]
    (row,) = cli("times", "billing", "--seconds", "20", "--json").json
    assert row["tube"] == "billing"
    assert row["jobs"] == 60
    assert 0 <= row["wait_p50"] <= 2
    assert row["wait_p99"] is None
    assert row["resolution"] == pytest.approx(1, abs=0.51)


def test_classes_for_people_and_programs(cli: Cli, client: Client, working: Time) -> None:
    client.put(b"x", tube="billing")
    ended = cli("times", "bill*", "--classes", "--seconds", "20")
    assert ended.out.splitlines()[1].split()[:2] == ["billing", "shop.charge"]
    (row,) = csv.DictReader(cli("times", "--classes", "--seconds", "20", "-o", "csv").out.splitlines())
    assert (row["job_class"], float(row["puts_per_s"])) == ("shop.charge", pytest.approx(3))


def test_where_nothing_is_known_it_says_so(cli: Cli, client: Client) -> None:
    ended = cli("times", "--seconds", "0.01", "--every", "0.01")
    assert (ended.code, ended.out) == (0, "nothing is known: no job was put, or none could be followed\n")
    assert cli("times", "--seconds", "0.01", "--every", "0.01", "--json").json == []
    assert cli("times", "nowhere").code == 1
    assert cli("times", "--every", "0").code == 2
