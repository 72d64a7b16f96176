"""What is wrong with tubes and servers is reported with its reason and since when, and nothing is made up."""

from __future__ import annotations

import inspect
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.monitor.problems import server_rules, tube_rules
from beanops.monitor.problems.evaluation import Evaluator
from beanops.monitor.problems.open_files import open_files
from beanops.monitor.problems.problem import PROBLEMS, Problem, summary
from beanops.monitor.problems.server_rules import ServerFacts
from beanops.monitor.problems.thresholds import DEFAULT, SERVER_DEFAULT, ProblemLimits, ServerThresholds, Thresholds
from beanops.monitor.problems.tube_rules import LASTING, TubeFacts
from beanops.monitor.rates import Point
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol import JobStats, ServerStats, TubeStats
from tests.waits import until

AT = 1000.0


def tube(name: str = "mail", /, **fields: int) -> TubeStats:
    known: dict[str, Any] = {**dict.fromkeys(TubeStats._fields[1:-1], 0), **fields}
    return TubeStats(name, **known)


def server(**fields: Any) -> ServerStats:
    texts = {"version": "1.13", "id": "a1", "hostname": "nowhere"}
    known: dict[str, Any] = {**dict.fromkeys(ServerStats._fields[:48], 0), **texts, "uptime": 10_000, **fields}
    return ServerStats(**known)


def job(**fields: Any) -> JobStats:
    known: dict[str, Any] = {**dict.fromkeys(JobStats._fields[:-1], 0), "id": 7, "tube": "mail", "ttr": 60, **fields}
    return JobStats(**known)


def point(at: float, **fields: int) -> Point:
    return Point(at, **{**dict.fromkeys(Point._fields[1:], 0), **fields})


class Past:
    """Looks at one tube, a second apart or more, with the counts that a test gives."""

    def __init__(self, limits: Thresholds = DEFAULT, patience: float = float("inf")) -> None:
        self.evaluator = Evaluator(ProblemLimits(limits), patience)
        self.points: list[Point] = []
        self.last: TubeStats | None = None

    def look(self, at: float, *jobs: JobStats, **fields: int) -> dict[str, Problem]:
        stats = tube(**fields)
        counts = (stats.current_jobs_ready, stats.current_jobs_reserved, stats.current_jobs_delayed)
        self.points.append(Point(at, *counts, stats.current_jobs_buried, stats.total_jobs, stats.cmd_delete))

        def ago(seconds: float) -> Point:
            return next((one for one in reversed(self.points) if one.at <= at - seconds), self.points[0])

        facts = TubeFacts(at, stats, self.last, ago, jobs, self.evaluator.began("mail"))
        self.last = stats
        return {one.name: one for one in self.evaluator.tube(facts)}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"current_jobs_ready": 3}, ["no-workers: 3 jobs ready and no worker watches it"]),
        ({"current_jobs_ready": 3, "current_watching": 1}, []),
        ({}, []),
        (
            {"current_jobs_ready": 1, "current_watching": 1, "pause": 100, "pause_time_left": 90},
            ["paused: 1 job ready, held back for 1m30s more"],
        ),
        ({"current_watching": 1, "pause": 100, "pause_time_left": 90}, []),
        ({"current_jobs_buried": 3, "current_watching": 1}, ["buried: 3 jobs buried"]),
        ({"current_jobs_delayed": 9_999}, []),
        ({"current_jobs_delayed": 10_000}, ["delayed: 10,000 jobs delayed"]),
    ],
)
def test_what_one_look_knows(fields: dict[str, int], told: list[str]) -> None:
    assert [f"{one.name}: {one.reason}" for one in Past().look(AT, **fields).values()] == told


def test_a_problem_keeps_the_time_at_which_it_began_until_it_ends() -> None:
    past = Past()
    assert past.look(0, current_jobs_ready=3)["no-workers"].since == 0
    later = past.look(300, current_jobs_ready=4)["no-workers"]
    assert (later.since, later.reason) == (0, "4 jobs ready and no worker watches it for 5m00s")
    assert "no-workers" not in past.look(301, current_jobs_ready=4, current_watching=1, current_jobs_reserved=1)
    assert past.look(302, current_jobs_ready=4)["no-workers"].since == 302


def test_jobs_without_workers_are_critical_while_more_are_put() -> None:
    past = Past()
    past.look(0, current_jobs_ready=3, total_jobs=3)
    found = past.look(10, current_jobs_ready=23, total_jobs=23)["no-workers"]
    assert (found.severity, found.reason) == (
        "critical",
        "23 jobs ready and no worker watches it for 10s, 2.0 jobs put per second",
    )


def test_workers_that_watch_but_take_nothing() -> None:
    past, waits = Past(), {"current_jobs_ready": 5, "current_watching": 2, "cmd_delete": 10}
    for at in range(0, 60, 10):
        assert not past.look(at, **waits)
    found = past.look(60, **waits)["not-consuming"]
    assert (found.severity, found.since) == ("critical", 0)
    assert found.reason == "5 jobs ready, 2 workers watch it but took and deleted none for 1m00s"
    facts = TubeFacts(60, tube(**waits), None, lambda seconds: None, (), {"not-consuming": 0.0}, taken=3)
    (busy_elsewhere,) = Evaluator(ProblemLimits()).tube(facts)
    assert busy_elsewhere.severity == "warning"
    assert busy_elsewhere.reason.endswith("; 3 jobs of other tubes may keep them busy")
    # One that deletes, holds or waits for a job is at work.
    assert not past.look(61, **{**waits, "cmd_delete": 11})
    for busy in ({"current_jobs_reserved": 1}, {"current_waiting": 1}):
        quiet = Past(Thresholds(not_consuming=0))
        assert not quiet.look(0, **waits, **busy)


def test_falling_behind_says_how_fast_and_until_when() -> None:
    past = Past(Thresholds(ready_critical=1_300))
    found: dict[str, Problem] = {}
    for at in range(0, 70, 10):
        found = past.look(
            at, current_jobs_ready=10 + at * 5, total_jobs=at * 20, cmd_delete=at * 15, current_watching=1,
            current_jobs_reserved=1,
        )  # fmt: skip
        assert bool(found) == (at >= 60)
    assert found["falling-behind"].since == 0
    assert found["falling-behind"].reason == (
        "20.0 jobs put and 15.0 deleted per second over 1m00s: 310 jobs ready, 5.0 more per second, 1,300 in 3m18s"
    )
    assert found["falling-behind"].severity == "warning"


def test_a_slow_tube_that_falls_behind_does_not_come_and_go() -> None:
    past = Past(Thresholds(falling_behind=10))
    fields = {"current_watching": 1, "current_jobs_reserved": 1}
    past.look(0, **fields)
    found = past.look(10, current_jobs_ready=10, total_jobs=10, **fields)["falling-behind"]
    assert found.reason.endswith(": 10 jobs ready, 1.0 more per second"), "a limit that is days away is no help"
    assert "falling-behind" in past.look(20, current_jobs_ready=16, total_jobs=16, **fields)
    assert "falling-behind" not in past.look(30, current_jobs_ready=20, total_jobs=20, **fields)
    assert "falling-behind" not in past.look(40, current_jobs_ready=26, total_jobs=26, **fields)


def test_a_tube_that_keeps_up_by_and_large_is_not_falling_behind() -> None:
    past = Past()
    for at in range(0, 130, 10):
        ready = 12 if at % 20 else 0
        assert not past.look(
            at, current_jobs_ready=ready, total_jobs=at * 100, cmd_delete=at * 100 - ready, current_watching=1,
            current_jobs_reserved=1,
        )  # fmt: skip


def test_buried_jobs_that_increase_and_that_nobody_kicks() -> None:
    past = Past()
    past.look(0, current_jobs_buried=2)
    found = past.look(10, current_jobs_buried=5)
    assert [*found] == ["burying"]
    assert found["burying"].reason == "3 jobs buried in the last 10s, 5 in all"
    assert found["burying"].look_at == "beanops jobs mail --state buried"
    later = past.look(100, job(state="buried", age=7500), current_jobs_buried=5)
    assert [*later] == ["buried"]
    assert later["buried"].since == 0
    assert later["buried"].reason == "5 jobs buried, none kicked for 1m40s, the next one put 2h05m ago"
    for at in (101, 110, 160):
        assert not past.look(at, current_jobs_buried=4), "somebody kicks"
    assert past.look(161, current_jobs_buried=4)["buried"].since == 161
    assert past.look(162, current_jobs_buried=1000)["burying"].severity == "critical"


def test_a_job_past_its_ttr_when_it_lasts() -> None:
    late = job(state="reserved", time_left=-12)
    found = Past().look(AT, late, current_jobs_reserved=1)["overdue"]
    assert (found.reason, found.since, found.job) == (
        "job 7 is reserved 12s longer than its TTR of 1m00s",
        AT - 12,
        7,
    )
    for fine in (job(state="reserved", time_left=-2), job(state="reserved", time_left=3)):
        assert not Past().look(AT, fine, current_jobs_reserved=1)


def test_a_job_that_times_out_or_is_released_again_and_again() -> None:
    fields = {"current_jobs_ready": 1, "current_watching": 1}
    found = Past().look(AT, job(state="ready", timeouts=3, releases=1), **fields)["poison"]
    assert (found.reason, found.look_at) == ("job 7 timed out 3 times and was released once", "beanops job 7")
    assert "poison" in Past().look(AT, job(state="ready", releases=10), **fields)
    assert "poison" not in Past().look(AT, job(state="ready", timeouts=2, releases=9), **fields)
    assert "poison" not in Past().look(AT, job(state="buried", timeouts=9), current_jobs_buried=1), "it is parked"


def test_a_next_job_that_is_old_beyond_its_delay() -> None:
    fields = {"current_jobs_ready": 1, "current_watching": 1, "current_waiting": 1}
    found = Past().look(AT, job(state="ready", age=7200), **fields)["oldest"]
    assert (found.severity, found.reason, found.since) == (
        "warning",
        "job 7 is the next one and was put 2h00m ago",
        AT - 3600,
    )
    assert Past().look(AT, job(state="ready", age=90_000), **fields)["oldest"].severity == "critical"
    assert not Past().look(AT, job(state="ready", age=7200, delay=7000), **fields)


def test_thresholds_and_ignored_problems_are_those_of_the_tube() -> None:
    limits = ProblemLimits(patterns=[("mail-*", {"buried": 10}), ("*-archive", {"ignore": ("no-workers", "buried")})])
    evaluator = Evaluator(limits)

    def found(name: str, **fields: int) -> list[str]:
        facts = TubeFacts(AT, tube(name, **fields), None, lambda seconds: None)
        return [one.name for one in evaluator.tube(facts)]

    assert found("mail-in", current_jobs_buried=9) == []
    assert found("mail-in", current_jobs_buried=10) == found("sms", current_jobs_buried=1) == ["buried"]
    assert found("mail-archive", current_jobs_ready=5, current_jobs_buried=50) == []


def test_a_face_that_looks_twice_is_not_asked_for_patience() -> None:
    past, waits = Past(patience=1), {"current_jobs_ready": 5, "current_watching": 2, "cmd_delete": 10}
    assert not past.look(0, **waits)
    assert "not-consuming" in past.look(1, **waits)


def test_idle_tubes_share_a_line() -> None:
    idle = [
        Problem("no-workers", "warning", f"t{n}", "1 job ready", float(n), f"beanops stats t{n}") for n in range(13)
    ]
    lost = Problem("no-workers", "critical", "mail", "9 jobs ready", 5.0, "beanops stats mail")
    first, second = summary([*idle, lost])
    assert first == lost
    assert second.reason == "13 idle tubes with ready jobs that no worker watches: t0, t1, t10 and 10 more"
    assert (second.tube, len(second.tubes), second.since, second.place) == (None, 13, 0.0, "13 tubes")
    assert summary(idle[:1]) == (idle[0],)


# -- servers --------------------------------------------------------------------------------------------------------


def of_server(*stats: ServerStats, limits: ServerThresholds = SERVER_DEFAULT, **known: Any) -> dict[str, Problem]:
    """Return the problems of a server after looks a minute apart in all."""
    evaluator = Evaluator(ProblemLimits(server=limits))
    found: tuple[Problem, ...] = ()
    for at, one in enumerate(stats):
        found = evaluator.all(ServerFacts(AT + at * 60 / max(1, len(stats) - 1), one, (), **known))
    return {one.name: one for one in found}


def test_a_healthy_server_has_no_problems() -> None:
    assert of_server(server(), server()) == {}


def test_a_draining_server() -> None:
    found = of_server(server(draining=True, current_jobs_ready=2))["draining"]
    assert (found.severity, found.place) == ("critical", "server")
    assert found.reason == "the server refuses puts until it is restarted; 2 jobs left"


def test_refused_puts_are_commands_without_jobs() -> None:
    before, after = server(cmd_put=10, total_jobs=10, max_job_size=65535), server(cmd_put=15, total_jobs=12)
    last = after._replace(max_job_size=65535)
    found = of_server(before, after, last)["puts-refused"]
    assert found.reason == (
        "3 puts refused in the last 1m00s: bodies of more than max-job-size, 65,535 bytes, or malformed"
    )
    # The body of a put may be on its way.
    assert not of_server(before, server(cmd_put=11, total_jobs=11), server(cmd_put=12, total_jobs=11))


def test_connections_near_the_limit() -> None:
    assert not of_server(server(current_connections=899))
    assert "many systems limit" in of_server(server(current_connections=900))["connections"].reason
    known = of_server(server(current_connections=500), open_files=512)["connections"]
    assert (known.severity, known.reason) == ("warning", "500 connections, and the server may open 512 files")
    assert of_server(server(current_connections=505), open_files=512)["connections"].severity == "critical"
    assert not of_server(server(current_connections=2000), open_files=65_536)


def test_a_server_that_is_slow_or_has_no_processor_time_left() -> None:
    assert of_server(server(), answered=2.5)["slow"].reason == "the server took 2.5 s to answer stats"
    assert of_server(server(), cpu=0.97)["busy"].reason == "the server uses 97% of a core, and cannot use more than one"


def test_a_restart_is_known_by_another_process_or_by_jobs_that_nobody_put() -> None:
    assert not of_server(server(uptime=20, total_jobs=5, current_jobs_ready=5)), (
        "it may have started for the first time"
    )
    restored = of_server(server(uptime=20, total_jobs=5, current_jobs_ready=6, binlog_current_index=3))["restarted"]
    assert restored.reason == (
        "the server was restarted 20s ago: jobs came back from the binlog, pauses and counters are lost"
    )
    assert restored.since == AT - 20
    gone = of_server(server(uptime=20), succeeds=True, fewer=240)["restarted"].reason
    assert gone.startswith("the server was restarted 20s ago, 240 jobs fewer: without a binlog its jobs are gone")
    assert not of_server(server(uptime=301), succeeds=True)


def test_the_job_that_pins_the_binlog_is_named() -> None:
    files = {"binlog_oldest_index": 3, "binlog_max_size": 10_485_760}
    grown = of_server(
        server(binlog_current_index=20, **files), server(binlog_current_index=42, **files),
        jobs=lambda: [job(id=9, state="ready", file=40)],
    )["binlog-growing"]  # fmt: skip
    assert grown.reason == "the binlog has 40 files of 10,485,760 bytes, 22 more than 1m00s ago"
    old = job(id=5, state="buried", tube="sms", age=90_000, file=3)
    pinned = of_server(server(binlog_current_index=42, **files), jobs=lambda: [old])["binlog-pinned"]
    assert (pinned.job, pinned.job_tube, pinned.place) == (5, "sms", "server")
    assert pinned.look_at == "beanops job 5"
    assert "job 5 (buried in sms, put 1d01h ago) keeps the oldest, number 3" in pinned.reason
    assert not of_server(server(binlog_current_index=10, **files))


def test_problems_of_the_server_can_be_ignored() -> None:
    evaluator = Evaluator(ProblemLimits(Thresholds(ignore=("draining",))))
    assert evaluator.all(ServerFacts(AT, server(draining=True), ())) == ()


def test_the_limit_of_open_files_is_read_where_the_process_is_surely_the_server(tmp_path: Path) -> None:
    here = server(hostname=os.uname().nodename, pid=42)
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "limits").write_text("Limit  Soft  Hard  Units\nMax open files  1024  4096  files\n")
    (tmp_path / "42" / "comm").write_text("postgres\n")
    assert open_files(here, tmp_path) is None
    (tmp_path / "42" / "comm").write_text("beanstalkd\n")
    assert open_files(here, tmp_path) == 1024
    assert open_files(here._replace(hostname="elsewhere"), tmp_path) is None
    assert open_files(here._replace(pid=43), tmp_path) is None


# -- real servers ---------------------------------------------------------------------------------------------------


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def worker(beanstalkd: Beanstalkd) -> Iterator[Client]:
    with Client(beanstalkd.address) as client:
        yield client


def names(survey: Survey) -> dict[str, str]:
    """Return the tube or the server of each problem, by name."""
    return {one.name: one.place for one in survey.problems}


def test_the_life_of_a_backlog(client: Client, worker: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    assert surveyor.look(client).problems == ()
    for _ in range(3):
        worker.put(b"x", tube="mail")
    clock.seconds += 10
    (first,) = surveyor.look(client).problems
    assert (first.name, first.tube, first.since) == ("no-workers", "mail", 110.0)
    clock.seconds += 20
    (same,) = surveyor.look(client).problems
    assert same.since == 110.0
    worker.watch("mail")
    id = worker.reserve(timeout=0).id
    clock.seconds += 1
    assert surveyor.look(client).problems == ()
    worker.bury(id)
    clock.seconds += 1
    assert names(surveyor.look(client)) == {"burying": "mail"}
    clock.seconds += 61
    found = {one.name: one for one in surveyor.look(client).problems}
    assert found["buried"].reason.startswith("1 job buried, none kicked for 1m01s, the next one put ")
    # A minute without a delete, and nobody waits or holds a job.
    assert found["not-consuming"].severity == "critical"
    worker.kick_job(id)
    for _ in range(3):
        worker.delete(worker.reserve(timeout=0))
    clock.seconds += 1
    assert surveyor.look(client).problems == ()


def test_a_job_that_times_out_is_found_among_the_next_jobs_of_any_tube(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock(), ProblemLimits(Thresholds(releases=2)))
    id = worker.put(b"x", tube="mail")
    for _ in range(2):
        worker.release(worker.reserve_job(id))
    found = {one.name: one for one in surveyor.look(client).problems}
    assert (found["poison"].job, found["poison"].tube) == (id, "mail")
    worker.delete(id)
    assert "poison" not in names(surveyor.look(client))


def test_a_put_that_is_too_large_is_a_refused_put(start_beanstalkd: Any) -> None:
    running = start_beanstalkd("-z", "100")
    clock = Clock()
    surveyor = Surveyor(clock)
    with Client(running.address) as client, Client(running.address) as producer:
        producer.put(b"x")
        surveyor.look(client)
        assert [type(one).__name__ for one in producer.pipeline([commands.put(b"x" * 200)])] == ["JobTooBig"]
        for _ in range(2):
            clock.seconds += 1
            survey = surveyor.look(client)
        assert "puts-refused" in names(survey)


def test_a_server_that_drains(client: Client, beanstalkd: Beanstalkd) -> None:
    surveyor = Surveyor(Clock())
    os.kill(beanstalkd.pid, signal.SIGUSR1)
    until(lambda: client.stats().draining is True)
    assert names(surveyor.look(client)) == {"draining": "server"}


def test_a_restart_with_a_binlog_and_the_job_that_pins_it(start_beanstalkd: Any, tmp_path: Path) -> None:
    flags = ("-b", str(tmp_path), "-s", "512")
    running = start_beanstalkd(*flags)
    with Client(running.address) as producer:
        old = producer.put(b"x" * 100, tube="old")
        for _ in range(20):
            producer.put(b"x" * 100, tube="new")
    running.stop()
    again = start_beanstalkd(*flags)
    limits = ProblemLimits(server=ServerThresholds(binlog_files=2))
    with Client(again.address) as client:
        found = {one.name: one for one in Surveyor(Clock(), limits).look(client).problems}
    assert "jobs came back from the binlog" in found["restarted"].reason
    assert found["binlog-pinned"].job == old


class Late:
    """A client to which the server answers after so many seconds."""

    def __init__(self, client: Client, clock: Clock, seconds: float) -> None:
        self._client, self._clock, self._seconds = client, clock, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stats(self) -> ServerStats:
        """Answer late."""
        self._clock.seconds += self._seconds
        return self._client.stats()


def test_the_surveyor_notes_how_long_the_server_takes_to_answer(client: Client) -> None:
    clock = Clock()
    late: Any = Late(client, clock, 2.5)
    survey = Surveyor(clock).look(late)
    assert survey.answered == 2.5
    assert names(survey) == {"slow": "server"}


def test_another_process_at_the_address_is_a_restart(client: Client, start_beanstalkd: Any) -> None:
    surveyor = Surveyor(Clock())
    assert surveyor.look(client).problems == ()
    with Client(start_beanstalkd().address) as again:
        (found,) = surveyor.look(again).problems
    assert found.name == "restarted"
    assert "without a binlog its jobs are gone" in found.reason


def test_every_problem_that_a_rule_reports_has_a_meaning_and_a_place_in_the_order() -> None:
    source = inspect.getsource(tube_rules) + inspect.getsource(server_rules)
    assert {*re.findall(r'\.problem\(\s*"([\w-]+)"', source)} == {*PROBLEMS}
    assert {*LASTING} <= {*PROBLEMS}
