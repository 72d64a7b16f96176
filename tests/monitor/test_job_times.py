"""How long jobs wait and run is estimated within the stated error, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.monitor.survey import Surveyor
from beanops.monitor.times.durations import Interval, Length, Percentiles, percentiles
from beanops.monitor.times.following import FOLLOWED, NEW
from beanops.monitor.times.job_times import NO_TIMES, RECENT
from tests.monitor.simulation import Planned, Simulation, steady

Draws = Callable[[Random], float]


def quick(random: Random) -> float:
    return random.expovariate(20)


def moderate(random: Random) -> float:
    return random.expovariate(1 / 4)


def long(random: Random) -> float:
    return random.uniform(20, 60)


def two_kinds(random: Random) -> float:
    return random.choice([0.01, 0.02, 0.03, 9.0])


def check(found: Percentiles, truth: list[float], error: float) -> None:
    """Assert that the percentiles are those of the truth, but for the resolution and an error of the sample."""
    truth = sorted(truth)

    def at(share: float) -> float:
        return truth[round(min(1.0, max(0.0, share)) * (len(truth) - 1))]

    for estimate, share, sample in ((found.p50, 0.5, error), (found.p95, 0.95, error / 2)):
        assert estimate is not None, found
        allowed = (at(share - sample) - found.resolution - 0.01, at(share + sample) + found.resolution + 0.01)
        assert allowed[0] <= estimate <= allowed[1], (found, share, allowed)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    wait=st.sampled_from([quick, moderate, long, two_kinds]),
    run=st.sampled_from([quick, moderate, two_kinds]),
    per_second=st.sampled_from([5, 20, 100]),
    interval=st.sampled_from([1.0, 2.0, 5.0]),
    binlog=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_estimates_are_within_the_stated_error(
    wait: Draws, run: Draws, per_second: float, interval: float, binlog: bool, seed: int
) -> None:
    random = Random(seed)
    jobs = steady(random, "mail", per_second, 300, lambda: wait(random), lambda: run(random))
    simulation = Simulation(jobs, offset=5000 * binlog, binlog=binlog, seed=seed)
    end = simulation.run(290, interval, start=random.random())
    for tube in ("mail", None):
        times = simulation.follower.times(tube, end)
        if binlog and wait is run is quick and not times.jobs:
            continue  # no job was ever seen, so nothing is known of the ids
        assert times.jobs > 40
        assert times.wait.resolution <= 1.05 * interval + 1
        check(times.wait, [job.wait for job in jobs], 0.2)
        check(times.run, [job.run for job in jobs], 0.2)


def test_tubes_are_told_apart_and_a_slow_one_is_followed_beside_a_busy_one() -> None:
    random = Random(3)
    jobs = [
        *steady(random, "busy", 15, 300, lambda: random.uniform(9, 11), lambda: 2.0),
        *steady(random, "slow", 0.3, 300, lambda: random.uniform(4, 6), lambda: 7.0),
        *steady(random, "quick", 4, 300, lambda: 0.01, lambda: 0.01),
    ]
    simulation = Simulation(jobs)
    end = simulation.run(290)
    busy, slow, fast = (simulation.follower.times(tube, end) for tube in ("busy", "slow", "quick"))
    assert busy.wait.p50 == pytest.approx(10, abs=1.5)
    assert busy.run.p50 == pytest.approx(2, abs=1)
    assert slow.wait.p50 == pytest.approx(5, abs=1.5)
    assert slow.run.p50 == pytest.approx(7, abs=1)
    assert slow.jobs > 20
    assert fast.wait.p95 is not None
    assert fast.wait.p95 <= 1
    assert str(fast).startswith("wait p50 <1s p95 <1s, run p50 <1s p95 <1s (estimate of ")


def test_jobs_that_still_wait_count_and_none_is_called_quick() -> None:
    """Without a worker nothing is known of how long it takes, but that it takes longer than so far."""
    jobs = [Planned(second, "mail", 1e6, 1) for second in range(100)]
    simulation = Simulation(jobs)
    end = simulation.run(100, start=0.5)
    wait = simulation.follower.times("mail", end).wait
    assert (wait.p50, wait.p95) == (None, None)
    assert wait.longest == pytest.approx(99, abs=1.5)
    assert str(simulation.follower.times("mail", end)).startswith("wait p50 >1m3")
    assert simulation.follower.times("mail", end).run.jobs == 0


def test_a_delay_is_no_wait() -> None:
    random = Random(5)
    jobs = steady(random, "later", 5, 200, lambda: 3.0, lambda: 2.0, delay=20.0)
    simulation = Simulation(jobs)
    end = simulation.run(195)
    times = simulation.follower.times("later", end)
    assert times.wait.p50 == pytest.approx(3, abs=1.2)
    assert times.run.p50 == pytest.approx(2, abs=1.2)


def test_a_run_that_ends_in_a_release_is_no_run_but_its_wait_counts() -> None:
    jobs = [Planned(second, "mail", 4.0, 6.0, released=True) for second in range(100)]
    simulation = Simulation(jobs)
    end = simulation.run(100, start=0.5)
    times = simulation.follower.times("mail", end)
    assert times.wait.p50 == pytest.approx(4, abs=1)
    assert times.run.p50 is None
    assert times.returned == pytest.approx(90, abs=3)
    assert str(times).endswith(f", {times.returned} returned)")


def test_looks_ask_for_few_jobs_however_many_are_put() -> None:
    random = Random(1)
    simulation = Simulation(steady(random, "mail", 1000, 30, lambda: 10.0, lambda: 10.0))
    simulation.run(29)
    assert simulation.most_asked <= NEW + FOLLOWED


def test_samples_are_forgotten_after_a_while_and_a_gap_ends_what_was_followed() -> None:
    jobs = [Planned(second, "mail", 3.0, 3.0) for second in range(60)]
    simulation = Simulation(jobs)
    end = simulation.run(30, start=0.5)
    known = simulation.follower.times("mail", end)
    simulation.look(end + 20, gap=True)
    after = simulation.follower.times("mail", end + 20)
    assert after.jobs == known.jobs, "what was put in the gap is not known"
    assert simulation.follower.times("mail", end + 20 + RECENT) == NO_TIMES


def test_percentiles_of_few_jobs_are_unknown() -> None:
    ended = [Length(0, seconds, 1, True) for seconds in range(1, 20)]
    found = percentiles(ended)
    assert (found.p50, found.p95, found.p99, found.jobs) == (10, None, None, 19)
    found = percentiles([*ended, Length(0, 20, 1, True)])
    assert (found.p95, found.p99) == (19, None)
    assert found.resolution == 0.5


def test_intervals_that_contradict_each_other_give_way() -> None:
    assert Interval(0, 5).within(Interval(3, 9)) == (3, 5)
    assert Interval(0, 1).within(Interval(3, 9)) == (3, 9)
    assert Interval(4, 5).since(Interval(3, 6)) == (0, 2)


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_real_server_is_followed_in_the_pipeline_of_the_tubes(beanstalkd: Beanstalkd, client: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock, follow=True)
    with Client(beanstalkd.address) as worker:
        first = surveyor.look(client)
        assert first.times == NO_TIMES
        for number in range(8):
            for _ in range(5):
                worker.put(b"x", tube="mail")
            worker.put(b"x", tube="mail", delay=3600)
            if number:
                worker.watch("mail")
                for _ in range(4):
                    worker.delete(worker.reserve(timeout=0))
            clock.seconds += 1
            asked = worker.stats().cmd_stats_job
            seen = surveyor.look(client)
            assert worker.stats().cmd_stats_job - asked <= NEW + FOLLOWED + 4
        mail = seen.tubes["mail"].times
        assert mail.wait.jobs == 40
        assert mail.run.p95 is not None
        assert mail.run.p95 <= 1
        assert seen.times.jobs == mail.jobs
        clock.seconds += 0.1
        asked = worker.stats().cmd_stats_job
        surveyor.look(client)
        assert worker.stats().cmd_stats_job - asked <= 4, "two looks at once tell nothing"
