"""What is wrong with a tube in few words, how bad it is, and its trend."""

from __future__ import annotations

import doctest

import beanops.monitor.problems.problem
import beanops.ui.columns.why
from beanops.monitor.history import History
from beanops.monitor.problems.problem import Problem, Severity
from beanops.monitor.rates import Point
from beanops.monitor.survey import Seen
from beanops.protocol import TubeStats
from beanops.protocol.states import STATES
from beanops.ui.columns.tubes import tube_columns
from beanops.ui.columns.why import badness, is_idle, tone, why


def seen(name: str, *problems: tuple[str, Severity], **counts: int) -> Seen:
    """Return a tube with problems since second 100, the worst first."""
    numbers = {field: 0 for field in TubeStats._fields if field not in ("name", "extra")}
    stats = TubeStats(**{**numbers, **counts, "name": name, "extra": {}})
    return Seen(
        stats, 1000.0, problems=tuple(Problem(kind, severity, name, "why", 100.0, "") for kind, severity in problems)
    )


def test_the_examples_are_right() -> None:
    assert doctest.testmod(beanops.ui.columns.why).failed == 0


def test_a_cell_says_the_worst_problem_with_its_mark_and_how_long_it_lasts() -> None:
    assert why(seen("a", ("buried", "critical"), current_jobs_buried=2000), 940.0) == "✖ 2,000 buried, 14m"
    assert why(seen("a", ("no-workers", "warning"), current_jobs_ready=2), 100.0) == "○ no workers"
    assert why(seen("a", ("no-workers", "critical"), ("buried", "warning")), 107.0) == "✖ no workers, 7s"
    assert why(seen("a", ("paused", "warning"), pause_time_left=90), 130.0) == "‖ paused, 1m30s left"
    assert why(seen("a", pause_time_left=90), 130.0) == "‖ paused"
    assert why(seen("a"), 130.0) == ""


def test_each_problem_fits_the_narrow_column() -> None:
    column = next(one for one in tube_columns("tui") if one.name == "problem")
    for name in beanops.monitor.problems.problem.TUBE_PROBLEMS:
        row = seen("a", (name, "warning"), current_jobs_buried=12_345, current_jobs_delayed=12_345, pause_time_left=90)
        assert len(why(row, 5000.0)) <= column.narrow, name
        assert tone(row) in (*STATES, "paused", "warn", "muted")


def test_the_worst_tube_is_the_least_and_a_few_jobs_more_change_nothing() -> None:
    bad = seen("bad", ("buried", "critical"), current_jobs_buried=2000)
    busy = seen("busy", ("burying", "warning"), current_jobs_buried=2000)
    idle = seen("idle", ("buried", "warning"), current_jobs_buried=500)
    less = seen("less", ("buried", "warning"), current_jobs_buried=20)
    fine = seen("fine", current_jobs_ready=9000)
    assert sorted((fine, less, idle, busy, bad), key=badness) == [bad, busy, idle, less, fine]
    assert badness(idle) == badness(seen("idle", ("buried", "warning"), current_jobs_buried=505))


def test_an_idle_tube_is_the_last_with_a_problem_but_not_one_that_lost_its_workers_just_now() -> None:
    idle = seen("idle", ("no-workers", "warning"), current_jobs_ready=9000)
    buried = seen("buried", ("buried", "warning"), current_jobs_buried=1)
    assert sorted((seen("fine"), idle, buried), key=badness) == [buried, idle, seen("fine")]
    history = History()
    history.add(Point(0.0, 0, 0, 0, 0, 0, 0))
    lost = idle._replace(history=history, at=200.0)
    assert why(lost, 200.0) == "▲ no workers, 1m"
    assert sorted((buried, lost), key=badness) == [lost, buried]
    assert is_idle(lost._replace(at=1000.0))
    history = History()
    history.add(Point(100.0, 0, 0, 0, 0, 0, 0))
    assert why(lost._replace(history=history), 160.0) == "○ no workers, 60s+"
