"""Damaged logs: what a start makes of each job, what else can be read, and how each damage is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops import Binlog, Client
from beanops.binlog.damage import MOST_KEPT
from beanops.binlog.logged_job import AT_START, LoggedJob
from tests.binlog.logs import CREATED, Start, expected, record, restored, version, write

#: Names a log, and gives its files, the state, outcome and body of each job, and the damages by place and kind.
Case = tuple[list[bytes], dict[int, tuple[str, str, bytes]], list[tuple[str, int | None, str]]]
V = version()
ONE, TWO, THREE = record(1, b"one"), record(2, b"two"), record(3, b"three")
KNOWN = {1: ("ready", "restored", b"one"), 2: ("ready", "restored", b"two"), 3: ("ready", "restored", b"three")}
LATE = {**KNOWN, 3: ("ready", "lost", b"three")}
NOISE = b"\xff" * 30
FIRST = 4 + len(ONE)
SECOND = FIRST + len(TWO)

CASES: dict[str, Case] = {
    "nothing is wrong": ([V + ONE, V + TWO + THREE + bytes(500)], KNOWN, []),
    "noise hides a job": (
        [V + ONE + TWO + NOISE + THREE],
        LATE,
        [("binlog.1", SECOND, "length")],
    ),
    "zeros hide a job": ([V + ONE + TWO + bytes(4096) + THREE], LATE, [("binlog.1", SECOND, "zeros")]),
    "noise hides that a job was deleted": (
        [V + ONE + TWO + NOISE + record(1, None, state="deleted", size=5) + THREE],
        {**LATE, 1: ("ready", "again", b"one")},
        [("binlog.1", SECOND, "length")],
    ),
    "noise hides that a job was buried": (
        [V + ONE + TWO + NOISE + THREE + record(1, None, state="buried", size=5)],
        {**LATE, 1: ("buried", "older", b"one")},
        [("binlog.1", SECOND, "length")],
    ),
    "what was hidden is repeated in the next file": (
        [V + ONE + TWO + NOISE + THREE, V + THREE],
        KNOWN,
        [("binlog.1", SECOND, "length")],
    ),
    "a body is cut before zeros": (
        [V + ONE + TWO, V + THREE[:-5] + bytes(200)],
        {**KNOWN, 3: ("ready", "damaged", b"th\0\0\0")},
        [("binlog.2", 4, "body")],
    ),
    "a body is cut at the end of its file": (
        [V + ONE + TWO, V + THREE[:-5]],
        {**KNOWN, 3: ("ready", "lost", b"th")},
        [("binlog.2", 4, "cut body")],
    ),
    "a copy is cut before zeros, and the copy before it is not": (
        [V + ONE + TWO + THREE, V + record(3, b"three", state="buried")[:-5] + bytes(200)],
        {**KNOWN, 3: ("buried", "damaged", b"three")},
        [("binlog.2", 4, "body")],
    ),
    "a copy is cut at the end of its file": (
        [V + ONE + TWO + THREE, V + THREE[:-5]],
        {**KNOWN, 3: ("ready", "lost", b"three")},
        [("binlog.2", 4, "cut body")],
    ),
    "a record is cut after the name": (
        [V + ONE + TWO + THREE + THREE[:8] + bytes(300)],
        KNOWN,
        [("binlog.1", SECOND + len(THREE), "name")],
    ),
    "a record is cut in its fields, which read as deleted": (
        [V + ONE + TWO + THREE, V + THREE[:40] + bytes(300)],
        {**KNOWN, 3: ("ready", "lost", b"three")},
        [("binlog.2", 4, "fields")],
    ),
    "a record has a state that none has": (
        [V + ONE + TWO + record(1, None, state="ready", size=5)[:-4] + b"\x09\0\0\0" + THREE],
        {**LATE, 1: ("ready", "lost", b"one")},
        [("binlog.1", SECOND, "state")],
    ),
    "the version is unknown": (
        [version(9) + THREE, V + ONE + TWO],
        LATE,
        [("binlog.1", 0, "version")],
    ),
    "the byte order is another": (
        [version(7, ">") + record(3, b"three", order=">"), V + ONE + TWO],
        LATE,
        [("binlog.1", 0, "version")],
    ),
    "a file is empty": ([b"", V + ONE + TWO + THREE], KNOWN, []),
    "a file was not begun": ([bytes(4096), V + ONE + TWO + THREE], KNOWN, []),
    "a file ends before its version": ([b"\7", V + ONE + TWO + THREE], KNOWN, [("binlog.1", 0, "version")]),
    "a job without a body": (
        [V + ONE + TWO + THREE + record(9, None, state="buried")],
        KNOWN,
        [("binlog.1", SECOND + len(THREE), "orphan")],
    ),
    "a body that is elsewhere is not missed": (
        [V + record(3, None, state="buried", size=7), V + ONE + TWO + THREE],
        KNOWN,
        [],
    ),
    "a job of version 5": (
        [version(5) + record(1, b"one", version=5) + record(2, b"two", version=5), V + THREE],
        KNOWN,
        [],
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a place for a log."""
    return tmp_path / "log"


def jobs_of(log: Binlog) -> list[LoggedJob]:
    return [job for batch in log.search().batches(bodies=True) for job in batch]


@pytest.mark.parametrize("name", CASES)
def test_each_job_and_each_damage(name: str, folder: Path) -> None:
    files, jobs, damages = CASES[name]
    log = Binlog(write(folder, *files))
    found = {job.id: (job.state, job.at_start, job.body) for job in jobs_of(log)}
    assert found == jobs
    assert [(one.file, one.offset, one.kind) for one in log.damage_list] == damages
    assert {job.id for job in log if not job.whole} == {
        id for id, (_, _, body) in jobs.items() if body[-1:] == b"\0" or body == b"th"
    }


@pytest.mark.parametrize("name", CASES)
def test_a_server_restores_what_is_said(name: str, folder: Path, start_beanstalkd: Start, tmp_path: Path) -> None:
    write(folder, *CASES[name][0])
    assert expected(folder) == restored(start_beanstalkd, folder, tmp_path / "copy")


def test_a_missing_file_is_reported(folder: Path) -> None:
    write(folder, V + ONE)
    write(folder, V + TWO, first=4)
    (damage, other) = Binlog(folder).damage_list
    assert (damage.file, damage.offset, damage.kind) == ("binlog.2", None, "missing")
    assert str(other).startswith("binlog.3: the file is missing")


@pytest.mark.parametrize("limit", [4, 5, 6, 7])
def test_the_limit_of_a_start(limit: int, folder: Path, start_beanstalkd: Start, tmp_path: Path) -> None:
    """The line end counts; what follows in the file is lost too, and a file without a job is removed."""
    write(folder, V + THREE + ONE, V + TWO + record(4, b""))
    assert expected(folder, limit) == restored(start_beanstalkd, folder, tmp_path / "copy", "-z", str(limit))
    log = Binlog(folder, max_job_size=limit)
    lost = {4: {1, 2, 3, 4}, 5: {1, 3}, 6: {1, 3}, 7: set()}[limit]
    assert {job.id for job in log if job.at_start == "lost"} == lost
    assert [row.at_start for row in log.file_rows] == {4: ["removed", "removed"], 7: ["kept", "kept"]}.get(
        limit, ["removed", "kept"]
    )
    assert log.stats().max_job_size == (7 if limit == 7 else 5 if limit > 4 else 0)


def test_the_default_limit_loses_jobs_that_it_let_in(start_beanstalkd: Start, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    server = start_beanstalkd("-b", str(folder))
    with Client(server.address) as client:
        client.put(b"x" * 65_534, tube="mail")
        client.put(b"behind", tube="mail")
    server.stop(kill=True)
    assert Binlog(folder).stats().max_job_size == 65_536
    assert [job.at_start for job in Binlog(folder, max_job_size=65_535)] == ["lost", "lost"]
    assert restored(start_beanstalkd, folder, tmp_path / "copy").jobs == {}


def test_many_damages_are_counted(folder: Path) -> None:
    """Each record has a damaged body: memory is for the first ones."""
    number = MOST_KEPT + 7
    log = Binlog(write(folder, V + b"".join(record(id, b"x")[:-1] + b"?" for id in range(1, number + 1))))
    assert (log.damage_count, len(log.damage_list)) == (number, MOST_KEPT)
    assert {job.at_start for job in log} == {"damaged"}


def _cut(data: bytes, at: int, noise: bytes) -> bytes:
    return data[: at % len(data)] + noise


def _overwrite(data: bytes, at: int, noise: bytes) -> bytes:
    at %= len(data)
    return data[:at] + noise + data[at + len(noise) :]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damages=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([_cut, _overwrite]),
            st.integers(0, 5000),
            st.binary(max_size=90) | st.integers(0, 300).map(bytes),
        ),
        max_size=4,
    ),
    limit=st.sampled_from([None, 1, 50, 200]),
)
def test_any_damage_is_survived(
    damages: list[tuple[int, Callable[[bytes, int, bytes], bytes], int, bytes]], limit: int | None, tmp_path: Path
) -> None:
    """Whatever is in the files: every job that a start restores is listed, each once, and the numbers agree."""
    ids = range(1, 13)
    files = [
        V + b"".join(record(id, b"b" * 20 * id, tube=f"t{id % 3}") for id in ids),
        version(5) + b"".join(record(id + 20, b"c" * id, version=5, state="buried") for id in ids),
        V + b"".join(record(id, None, state="buried" if id % 2 else "deleted", size=20 * id + 2) for id in ids),
    ]
    for index, damage, at, noise in damages:
        if files[index]:
            files[index] = damage(files[index], at, noise)
    log = Binlog(write(tmp_path / "log", *files), max_job_size=limit)
    jobs = jobs_of(log)
    found = [job.id for job in jobs]
    assert found == sorted(set(found), reverse=True)
    replay = log._replayed.replay
    assert {job.id for job in jobs if job.at_start != "lost"} == set(replay.fulls.ids())
    summary = log.stats()
    assert summary.jobs == replay.fulls.size == sum(row.jobs for row in log.file_rows)
    assert {job.at_start for job in jobs} <= set(AT_START)
    assert all(job.created >= 0 and job.size >= 0 for job in jobs if not damages)
    assert summary.next_id > max((job.id for job in jobs if job.at_start == "restored"), default=0)
    for file in (tmp_path / "log").iterdir():
        file.unlink()


def test_the_hour_of_a_delayed_job(folder: Path) -> None:
    """A start makes a delayed job ready whose time has come, and has what is left of the others."""
    write(folder, V + record(1, b"", state="delayed", delay=100, deadline=CREATED + 100 * 10**9))
    for seconds, state, left in ((0, "delayed", 100), (99.5, "delayed", 0), (100, "ready", 0), (5000, "ready", 0)):
        log = Binlog(folder, clock=lambda seconds=seconds: CREATED / 10**9 + seconds)
        (found,) = next(log.found(log.search(), bodies=False))
        assert (found.stats.state, found.stats.time_left, found.stats.age) == (state, left, int(seconds))
        assert found.created == CREATED / 10**9
