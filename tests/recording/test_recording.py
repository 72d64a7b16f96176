"""What is read back from a recording: what was so, to the width of its tier, whatever happened while it was written."""

from __future__ import annotations

import itertools
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops.monitor.history import DAY, HOUR, MINUTE, resampled
from beanops.monitor.problems.problem import Problem
from beanops.recording.looks import AT, KNOWN, ages_of, server_stats_of, tube_stats_of
from beanops.recording.reader import Recording
from beanops.recording.storage import NotARecording, RecordingError
from beanops.recording.writer import STEPS, RecordingWriter
from tests.recording.conftest import NOON, Stage, server_stats, tube_stats

#: The user without rights.
NOBODY = 65_534

ALL = (0.0, 4e9)


def ready(recording: Recording, tube: str | None = "mail", step: float = 0.0) -> list[tuple[float, int, int, int]]:
    """Return the ready jobs of a tube: seconds since noon, and the fewest, the mean and the most."""
    cells = recording.cells(1, tube, *ALL, step)
    return [(round(cell.at - NOON, 3), *cell.ready) for cell in cells]


# -- what is read back -------------------------------------------------------------------------------------------------


def test_all_statistics_come_back(stage: Stage) -> None:
    tube = {"current_jobs_ready": 3, "current_jobs_buried": 2**40, "total_jobs": 12, "current_watching": 4, "pause": 9}
    stage.look({"mail": tube}, current_workers=4, rusage_utime=1, total_jobs=2**63)
    stage.writer.flush()
    with stage.read() as recording:
        (row,) = recording.rows(1, "mail", 0, 0, 2**60)
        assert tube_stats_of("mail", row) == tube_stats("mail", **tube)
        assert ages_of(row) == (None, None)
        (of_server,) = recording.rows(1, None, 0, 0, 2**60)
        expected = server_stats(current_workers=4, rusage_utime=1, total_jobs=2**62)
        assert server_stats_of(recording.stretches(1)[0].texts, of_server) == expected


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.integers(0, 3), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.sampled_from([1, 7, 40, 700, 4000]), st.just(0)),
        st.tuples(st.sampled_from(["flush", "settle", "kill", "restart", "lose"]), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)  # it writes a file
@given(EVENTS)
def test_each_tier_differs_from_the_truth_by_its_width_at_most(events: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder) / "r")
        truth: list[tuple[float, int, int, bool]] = []
        put, joined, unsure = 0, False, 0
        for kind, number, puts in events:
            if kind == "look":
                put += puts
                stage.look({"mail": {"current_jobs_ready": number, "total_jobs": put}})
                truth.append((stage.wall, number, put, joined))
                joined = True
                stage.wait(1)
            elif kind == "wait":
                stage.wait(number)
            elif kind == "restart":
                stage.restart_server()
                put, joined = 0, False
            elif kind == "lose":
                stage.writer.lose("prod", "queue:11300", "lost")
                joined = False
            elif kind == "kill":
                stage.kill()
                del truth[unsure:]
                stage.open()
                put, joined = 0, False
            else:
                getattr(stage.writer, kind)()
                unsure = len(truth)
        stage.writer.flush()
        with stage.read() as recording:
            check(recording, truth)
            stage.writer.close()
        with stage.read() as recording:  # all in chunks
            check(recording, truth)
            if truth:
                assert recording.cells(1, "mail", *ALL, STEPS[-1])[0].at > truth[0][0] - 1


def check(recording: Recording, truth: list[tuple[float, int, int, bool]]) -> None:
    """Compare what is read with what was so."""
    for step in STEPS:
        cells = recording.cells(1, "mail", *ALL, step)
        for cell in cells:
            closed = {n for at, n, _, _ in truth if cell.at - cell.seconds - 1e-3 <= at <= cell.at + 1e-3}
            inside = [n for at, n, _, _ in truth if cell.at - cell.seconds < at - 1e-3 and at <= cell.at + 1e-3]
            assert {cell.ready.low, cell.ready.high} <= closed
            assert all(cell.ready.low <= n <= cell.ready.high for n in inside)
        longest = max((b[0] - a[0] for a, b in itertools.pairwise(truth) if b[3]), default=0)
        assert all(cell.seconds <= max(step, longest) + 1 or cell.ready.low == cell.ready.high for cell in cells)
        for (before, _, _, _), (after, _, _, joined) in itertools.pairwise(truth):
            middle = (before + after) / 2
            assert any(cell.at - cell.seconds < middle <= cell.at for cell in cells) is joined
        jobs = sum(b[2] - a[2] for a, b in itertools.pairwise(truth) if b[3])
        assert round(sum(cell.puts for cell in cells)) == jobs


def test_a_spike_of_one_second_is_still_there_when_only_minutes_are(stage: Stage) -> None:
    for second in range(3600):
        stage.look({"mail": {"current_jobs_ready": 500 if second == 700 else 1}})
        stage.wait(1)
        if second % 60 == 0:
            stage.writer.settle()
    stage.writer.settle(everything=True)
    stage.wait(2.5 * DAY)
    stage.writer.prune()
    with stage.read() as recording:
        assert recording.tier(1, NOON + 700) == 1
        cells = recording.cells(1, "mail", *ALL)
        assert max(cell.ready.high for cell in cells) == 500
        (spike,) = (cell for cell in cells if cell.ready.high == 500)
        assert spike.at - 60 <= NOON + 700 <= spike.at
        hours = resampled(cells, NOON, 20 * MINUTE, 3)
        assert [one and one.ready.low for one in hours] == [1, 1, 1]


def test_tubes_at_rest_cost_next_to_nothing(stage: Stage) -> None:
    idle = {f"idle-{number}": {"total_jobs": number} for number in range(10)}
    for second in range(2 * 3600):
        stage.look(idle)
        stage.wait(1)
        if second % 60 == 0:
            stage.writer.settle()
    stage.writer.settle(everything=True)
    rows = sqlite3.connect(stage.path).execute("SELECT count(*), sum(length(rows)) FROM chunks").fetchone()
    assert rows[0] < 11 * 3 * 4
    with stage.read() as recording:
        for step in STEPS:
            (cell, *more) = recording.cells(1, "idle-7", *ALL, step)
            assert sum(one.seconds for one in [cell, *more]) == 2 * 3600 - 1


def test_a_tube_that_comes_back_has_a_gap_and_other_counters(stage: Stage) -> None:
    stage.look({"mail": {"current_jobs_ready": 1, "total_jobs": 5}, "other": {}})
    stage.wait(1)
    stage.look({"other": {}})
    stage.wait(1)
    stage.look({"mail": {"current_jobs_ready": 2, "total_jobs": 7}, "other": {}})
    stage.writer.flush()
    with stage.read() as recording:
        assert [(cell.at - NOON, cell.seconds, cell.puts) for cell in recording.cells(1, "mail", *ALL)] == [
            (0, 0, 0),
            (2, 0, 0),
        ]
        (_, second) = recording.rows(1, "mail", 0, 0, 2**60)
        assert tube_stats_of("mail", second).total_jobs == 7
        at = round((NOON + 1) * 1000)
        assert list(recording.all_rows(1, 0, at, at)) == ["other"]


# -- clocks ------------------------------------------------------------------------------------------------------------


def test_when_the_clock_is_set_back_the_newer_time_counts(stage: Stage) -> None:
    for number in range(10):
        stage.look({"mail": {"current_jobs_ready": number}})
        stage.wait(1)
    stage.wall -= 6
    for number in range(100, 103):
        stage.look({"mail": {"current_jobs_ready": number}})
        stage.wait(1)
    stage.writer.flush()
    with stage.read() as recording:
        assert [(at, low) for at, low, _, _ in ready(recording)] == [
            *((n, n) for n in range(4)),
            *((n, 96 + n) for n in range(4, 7)),
        ]
        first, second = recording.stretches(1)
        assert (first.ended - NOON, second.began - NOON, second.cause) == (4, 4, "the clock was set")


def test_when_the_clock_is_set_forward_nothing_is_known_of_the_time_between(stage: Stage) -> None:
    stage.look({"mail": {}})
    stage.wait(1)
    stage.wall += 3600
    stage.look({"mail": {"total_jobs": 5}})
    stage.wait(1)
    stage.look({"mail": {"total_jobs": 5}})
    stage.writer.flush()
    with stage.read() as recording:
        cells = recording.cells(1, "mail", *ALL)
        assert [(cell.at - NOON, cell.seconds) for cell in cells] == [(0, 0), (3601, 0), (3602, 1)]


def test_a_clock_that_runs_too_fast_is_followed_without_a_gap(stage: Stage) -> None:
    for _ in range(4000):
        stage.look({"mail": {}})
        stage.wait(1)
        stage.wall += 0.0005
    stage.writer.flush()
    with stage.read() as recording:
        (stretch,) = recording.stretches(1)
        assert abs(stretch.ended - stage.wall) < 1.1
        assert sum(cell.seconds for cell in recording.cells(1, "mail", *ALL)) == pytest.approx(3999 * 1.0005, abs=0.1)


# -- ends and restarts -------------------------------------------------------------------------------------------------


def test_a_killed_recorder_loses_what_came_after_its_last_transaction(stage: Stage) -> None:
    for number in range(8):
        stage.look({"mail": {"current_jobs_ready": number}})
        stage.wait(1)
        if number == 4:
            stage.writer.flush()
    stage.kill()
    with stage.read() as recording:
        assert [low for _, low, _, _ in ready(recording)] == [0, 1, 2, 3, 4]
    stage.wait(10)
    with stage.open():
        stage.look({"mail": {"current_jobs_ready": 50}})
    with stage.read() as recording:
        assert [(at, low) for at, low, _, _ in ready(recording)][-2:] == [(4, 4), (18, 50)]
        first, second = recording.stretches(1)
        assert (first.ended - NOON, second.began - NOON) == (4, 18)
        assert second.cause == "beanops record was started"


def test_a_restarted_server_is_a_gap_and_a_new_process(stage: Stage) -> None:
    stage.look({"mail": {"total_jobs": 100}})
    stage.wait(1)
    stage.writer.lose("prod", "queue:11300", "connection refused")
    stage.wait(9)
    stage.restart_server()
    stage.look({"mail": {"total_jobs": 3}})
    stage.writer.flush()
    with stage.read() as recording:
        first, second = recording.stretches(1)
        assert (second.began - first.ended, second.cause) == (10, "connection refused")
        assert recording.servers()[0].instance == "one'"
        assert sum(cell.puts for cell in recording.cells(1, "mail", *ALL)) == 0


def test_reading_goes_on_while_it_is_written(stage: Stage) -> None:
    stage.look({"mail": {"current_jobs_ready": 0}})
    stage.writer.flush()
    with stage.read() as recording:
        for number in range(1, 700):
            stage.wait(1)
            stage.look({"mail": {"current_jobs_ready": number}, "new": {}})
            if number % 5 == 0:
                stage.writer.flush()
            if number % 60 == 0:
                stage.writer.settle()
            if number % 50 == 0:
                assert [low for _, low, _, _ in ready(recording)] == list(range(number + 1))
        assert recording.tubes(1) == ["mail", "new"]


def pages(stage: Stage) -> int:
    """Return the pages of the file."""
    (found,) = stage.writer._database.execute("PRAGMA page_count").fetchone()
    return int(found)


def test_old_rows_are_deleted_by_tier_and_give_their_space_back(stage: Stage) -> None:
    stage.kill()
    stage.open(keep=(HOUR, 4 * HOUR, DAY))
    for number in range(6 * 60):
        for second in range(0, 60, 10):
            noise = {f"t{n}": {"total_jobs": (number * 60 + second + n) ** 7 % 2**40} for n in range(4)}
            stage.look(
                {"mail": {"current_jobs_ready": number * 60 + second}, "once" if number == 0 else "other": {}, **noise}
            )
            stage.wait(10)
        if number % 10 == 9:
            stage.writer.settle()
    size = pages(stage)
    stage.writer.prune()
    with stage.read() as recording:
        tiers = {tier: recording.rows(1, "mail", tier, 0, 2**60) for tier in range(3)}
        ages = {tier: stage.wall - (rows[0][AT] - rows[0][KNOWN]) / 1000 for tier, rows in tiers.items()}
        assert HOUR <= ages[0] < 3 * HOUR
        assert 4 * HOUR <= ages[1] <= 6 * HOUR
        assert ages[2] == pytest.approx(6 * HOUR, abs=11)
        cells = recording.cells(1, "mail", *ALL)
        assert sum(cell.seconds for cell in cells) == pytest.approx(6 * HOUR - 10)
    stage.wait(2 * DAY)
    stage.writer.prune()
    assert pages(stage) < size
    stage.writer.close()
    with stage.read() as recording:
        assert "once" not in recording.tubes(1)


# -- problems ----------------------------------------------------------------------------------------------------------


def buried(number: int, since: float) -> Problem:
    return Problem("buried", "warning", "mail", f"{number} jobs buried", since, "beanops jobs mail --state buried")


def test_problems_have_their_begin_and_end_and_what_they_said_then(stage: Stage) -> None:
    began = stage.mono - 30
    for second in range(300):
        problems = (buried(1 + second, began),) if second < 200 else ()
        stage.look({"mail": {}}, problems)
        stage.wait(1)
    stage.look({"mail": {}}, (buried(7, stage.mono),))
    stage.writer.flush()
    with stage.read() as recording:
        first, second = recording.problems(1)
        assert (first.name, first.tube, first.began - NOON) == ("buried", "mail", -30)
        assert first.ended is not None
        assert first.ended - NOON == 200
        assert (second.began - NOON, second.ended) == (300, None)
        (then,) = recording.problems(1, NOON + 100, NOON + 100)
        assert then.reason == "61 jobs buried"
        assert recording.problems(1, NOON + 250, NOON + 260) == []
    stage.kill()
    stage.open().close()
    with stage.read() as recording:
        assert recording.problems(1)[1].ended == NOON + 300


# -- files that cannot be used -----------------------------------------------------------------------------------------


def test_a_second_recorder_is_refused(stage: Stage) -> None:
    with pytest.raises(RecordingError, match=r"another beanops record writes to .*recording\.sqlite"):
        RecordingWriter(stage.path)
    stage.writer.close()
    RecordingWriter(stage.path).close()


def test_a_full_disk_loses_nothing_that_can_be_written_later(stage: Stage) -> None:
    def busy(number: int) -> None:
        stage.wait(1)
        stage.look({f"t{n}": {"current_jobs_ready": (number + n) ** 7 % 2**40} for n in range(20)})

    busy(0)
    stage.writer.flush()
    stage.writer._database.execute(f"PRAGMA max_page_count = {pages(stage)}").fetchall()
    for number in range(1, 300):
        busy(number)
    with pytest.raises(RecordingError, match=r"cannot write to .*: no space left on the disk"):
        stage.writer.flush()
    with pytest.raises(RecordingError):
        stage.writer.settle()
    stage.writer._database.execute("PRAGMA max_page_count = 1000000").fetchall()
    stage.writer.settle()
    with stage.read() as recording:
        assert [low for _, low, _, _ in ready(recording, "t3")] == [(n + 3) ** 7 % 2**40 for n in range(300)]


def test_files_that_are_no_recording_are_told_plainly(tmp_path: Path) -> None:
    text = tmp_path / "notes"
    text.write_text("not a database, but long enough to look like something " * 50)
    other = tmp_path / "journal.sqlite"
    sqlite3.connect(other).execute("CREATE TABLE runs (id)")
    for path in (text, other):
        before = path.read_bytes()
        for use in (Recording, RecordingWriter):
            with pytest.raises(NotARecording, match="is not a recording of beanops"):
                use(path)
        assert path.read_bytes() == before
    with pytest.raises(NotARecording, match="there is no recording"):
        Recording(tmp_path / "none")
    newer = Stage(tmp_path / "newer")
    newer.writer.close()
    sqlite3.connect(newer.path).execute("PRAGMA user_version = 9")
    with pytest.raises(NotARecording, match="newer beanops"):
        newer.read()


def test_a_file_without_the_right_to_write_is_refused(stage: Stage) -> None:
    stage.writer.close()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder, "recording")
        path.write_bytes(stage.path.read_bytes())
        path.chmod(0o444)
        Path(folder).chmod(0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)  # root writes to read-only files
        try:
            with pytest.raises(RecordingError, match="it is read-only"):
                Stage(path)
        finally:
            os.seteuid(user)


def test_a_read_only_folder_can_be_read(stage: Stage) -> None:
    stage.look({"mail": {"current_jobs_ready": 4}})
    stage.writer.close()
    stage.path.parent.chmod(0o500)
    try:
        with stage.read() as recording:
            assert [low for _, low, _, _ in ready(recording)] == [4]
    finally:
        stage.path.parent.chmod(0o700)


def test_the_minutes_of_a_day_are_read_from_few_chunks(stage: Stage) -> None:
    for number in range(24 * 60):
        stage.look({"mail": {"current_jobs_ready": number % 977}})
        stage.wait(60)
        stage.writer.settle()
    with stage.read() as recording:
        cells = recording.cells(1, "mail", *ALL, MINUTE)
        assert sum(cell.seconds for cell in cells) == 24 * HOUR - 60
        (chunks,) = sqlite3.connect(stage.path).execute("SELECT count(*) FROM chunks WHERE tier = 1").fetchone()
        assert chunks <= 24
