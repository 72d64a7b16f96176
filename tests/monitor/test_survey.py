"""What a surveyor asks for, and what it remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.monitor import survey
from beanops.monitor.survey import Surveyor
from beanops.protocol import JobStats


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def worker(beanstalkd: Beanstalkd) -> Iterator[Client]:
    with Client(beanstalkd.address) as client:
        yield client


def put(client: Client, *tubes: str) -> None:
    for result in client.pipeline(one for name in tubes for one in (commands.use(name), commands.put(b"x"))):
        assert not isinstance(result, Exception)
    client.use("default")


def test_rates_ages_and_trails_of_the_tubes(client: Client, worker: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    put(worker, "mail")
    first = surveyor.look(client, {"mail"})
    assert list(first.tubes) == ["default", "mail"]
    assert first.tubes["mail"].rates == (None, None)
    assert first.tubes["mail"].age in (0, 1)
    assert first.tubes["default"].age is None
    put(worker, "mail", "mail")
    clock.seconds += 2
    second = surveyor.look(client, {"mail"})
    assert second.tubes["mail"].rates == (1.0, 0.0)
    assert second.rates == (1.0, 0.0)
    assert second.cpu is not None
    assert len(second.tubes["mail"].trail) == 2
    assert first.tubes["mail"].stats.current_jobs_ready == 1  # what was given stays as it was


def test_looking_leaves_no_tube_behind_and_counts_nowhere(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock())
    put(worker, "mail")
    surveyor.look(client, {"mail", "nowhere"})
    assert worker.stats_tube("mail").current_using == 0
    worker.delete(worker.reserve_job(1))
    assert "mail" not in surveyor.look(client, {"mail"}).tubes
    assert worker.list_tubes() == ["default"]


def test_who_never_reserves_is_no_worker_of_default(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock())
    worker.put(b"x")  # a producer: it watches default as every connection does
    seen = surveyor.look(client).tubes["default"]
    assert [one.name for one in seen.problems] == ["no-workers"]
    assert seen.stats.current_watching == 0
    worker.bury(worker.reserve(timeout=0))
    worker.put(b"y")
    seen = surveyor.look(client).tubes["default"]
    assert seen.stats.current_watching == 1
    assert "no-workers" not in [one.name for one in seen.problems]


class Later:
    """A client whose reserved jobs are seen so many seconds later than they are."""

    def __init__(self, client: Client, seconds: int) -> None:
        self._client = client
        self.seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def pipeline(self, asked: Iterable[Any]) -> Iterator[Any]:
        """Answer the commands."""
        for answer in self._client.pipeline(asked):
            if isinstance(answer, JobStats) and answer.state == "reserved":
                answer = answer._replace(time_left=answer.time_left - self.seconds)
            yield answer


def test_a_taken_job_is_followed_until_it_is_past_its_ttr(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock())
    put(worker, "mail")
    later: Any = Later(client, 0)
    surveyor.look(later, {"mail"})
    worker.reserve_job(1)
    seen = surveyor.look(later, {"mail"}).tubes["mail"]
    assert seen.age is None
    assert not seen.problems  # it is in time
    assert seen.stats.current_jobs_reserved == 1
    later.seconds = 100
    (problem,) = surveyor.look(later, {"mail"}).tubes["mail"].problems
    assert problem.name == "overdue"
    worker.delete(1)
    put(worker, "mail")
    assert "overdue" not in [one.name for one in surveyor.look(later, {"mail"}).tubes["mail"].problems]


def test_many_tubes_are_asked_for_in_turn_and_those_in_sight_always(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FULL", 20)
    monkeypatch.setattr(survey, "IN_TURN", 10)
    names = [f"tube-{number:02}" for number in range(40)]
    put(worker, *names)
    clock = Clock()
    surveyor = Surveyor(clock)
    assert not surveyor.look(client).full
    asked = worker.stats().cmd_stats_tube
    for _ in range(5):
        clock.seconds += 1
        seen = surveyor.look(client, {"tube-39"})
        assert seen.tubes["tube-39"].at == clock.seconds
    assert worker.stats().cmd_stats_tube - asked <= 5 * 11
    ages = {clock.seconds - tube.at for tube in seen.tubes.values()}
    assert ages == {0, 1, 2, 3}  # each tube has its turn, and no look has room left
    put(worker, "a-new-one")
    clock.seconds += 1
    assert "a-new-one" in surveyor.look(client).tubes


@pytest.fixture
def many(worker: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a job into each of more tubes than are asked for at once."""
    monkeypatch.setattr(survey, "FULL", 20)
    monkeypatch.setattr(survey, "IN_TURN", 10)
    names = [f"tube-{number:02}" for number in range(40)]
    put(worker, *names)
    return names


def test_tubes_that_come_and_go_do_not_keep_the_others_from_being_seen(
    client: Client, worker: Client, many: list[str]
) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    surveyor.look(client)
    for number in range(12):
        clock.seconds += 1
        fleeting = [f"fleeting-{number}-{one}" for one in range(5)]
        put(worker, *fleeting)
        seen = surveyor.look(client).tubes
        assert set(fleeting) <= set(seen)
    assert max(clock.seconds - seen[name].at for name in many) < 12


def test_a_folded_group_is_asked_for_in_turn_too(client: Client, worker: Client, many: list[str]) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    surveyor.look(client, set(many))
    asked = worker.stats().cmd_stats_tube
    for _ in range(8):
        clock.seconds += 1
        seen = surveyor.look(client, set(many)).tubes
    assert worker.stats().cmd_stats_tube - asked <= 8 * 20
    assert max(clock.seconds - seen[name].at for name in many) < 4
    assert [name for name in many if seen[name].age is None] == []


def test_another_server_process_starts_anew(client: Client, worker: Client, beanstalkd: Beanstalkd) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    put(worker, "mail")
    surveyor.look(client)
    clock.seconds += 1
    with Beanstalkd() as other, Client(other.address) as elsewhere:
        seen = surveyor.look(elsewhere)
    assert list(seen.tubes) == ["default"]
    assert seen.rates == (None, None)


def test_the_past_has_a_gap_where_nobody_looked_and_survives_a_tube_that_vanishes(
    client: Client, worker: Client
) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)

    def look(seconds: float) -> survey.Survey:
        clock.seconds += seconds
        return surveyor.look(client)

    def known(seen: survey.Seen) -> list[tuple[float, float]]:
        stretches: list[tuple[float, float]] = []
        for cell in seen.history.cells(0, clock.seconds):
            if stretches and cell.seconds and stretches[-1][1] == cell.at - cell.seconds:
                stretches[-1] = (stretches[-1][0], cell.at)
            else:
                stretches.append((cell.at - cell.seconds, cell.at))
        return stretches

    put(worker, "mail")
    for seconds in (1, 1, 1):
        seen = look(seconds).tubes["mail"]
    assert known(seen) == [(101, 103)]
    surveyor.past.lose()
    for seconds in (7, 1):
        seen = look(seconds).tubes["mail"]
    assert known(seen) == [(101, 103), (110, 111)], "the server did not answer for 7 seconds"
    assert seen.rates == (0.0, 0.0)
    look(3600)
    assert known(look(1)) == [(101, 103), (110, 111), (3711, 3712)], "the computer slept"
    worker.delete(worker.reserve_job(1))
    assert "mail" not in look(1).tubes
    put(worker, "mail")
    assert look(1).tubes["mail"].rates == (None, None)
    assert known(look(1).tubes["mail"])[-2:] == [(3711, 3712), (3714, 3715)], "it did not exist for a second"


def test_the_past_goes_on_after_a_restart_with_a_gap(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    server = start_beanstalkd()
    with Client(server.address) as client:
        put(client, *["mail"] * 5)
        surveyor.look(client)
    server.stop(kill=True)
    start_beanstalkd(port=server.port)
    with Client(server.address) as client:
        put(client, *["mail"] * 9)
        clock.seconds += 1
        first = surveyor.look(client)
        assert first.rates == (None, None)
        cells = first.tubes["mail"].history.cells(0, clock.seconds)
        assert [(cell.seconds, cell.ready.high, cell.puts) for cell in cells] == [(0, 5, 0), (0, 9, 0)]


def test_looks_ask_for_no_more_tubes_than_the_share_of_the_server_allows(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    put(worker, *(f"tube-{number}" for number in range(99)))
    assert surveyor.look(client).full
    monkeypatch.setattr(survey, "SHARE", 1e-9)  # as if each tube were very dear
    clock.seconds += 1
    partly = surveyor.look(client, {"tube-98"})
    assert not partly.full
    fresh = {name for name, seen in partly.tubes.items() if seen.at == clock.seconds}
    assert len(partly.tubes) == 100
    assert "tube-98" in fresh
    assert len(fresh) <= 2 * survey.FEWEST


def test_who_looks_twice_asks_for_all_of_many_tubes_both_times(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FULL", 10)
    monkeypatch.setattr(survey, "IN_TURN", 5)
    names = [f"tube-{number:02}" for number in range(40)]
    put(worker, *names)
    clock = Clock()
    surveyor = Surveyor(clock, patience=1.0)
    surveyor.look(client)
    put(worker, *names)
    clock.seconds += 1
    seen = surveyor.look(client).tubes
    assert {seen[name].rates.puts for name in names} == {1.0}
    assert {one.severity for name in names for one in seen[name].problems} == {"critical"}  # more jobs are put
