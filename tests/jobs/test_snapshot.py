"""A snapshot holds every job, in files that others read, and is there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.jobs import snapshot
from beanops.jobs.read import FoundJob
from beanops.jobs.snapshot import CannotSave, save, save_file
from beanops.protocol import JobStats
from beanops.protocol.errors import ConnectionLost, UsageError


def job(id: int, tube: str, body: bytes | None = b"{}") -> FoundJob:
    return FoundJob(JobStats(id, tube, "ready", 2**32 - 1, 3600, 1, 2, -3, 0, 4, 5, 6, 7, 8), body, seen=time.time())


def read(directory: Path, what: str = "*", then: str = "") -> list[tuple[object, ...]]:
    return duckdb.sql(
        f"select {what} from read_parquet('{directory}/*/*.parquet', hive_partitioning = true) {then}"
    ).fetchall()


def test_every_job_of_the_server_is_in_it(session: Session, client: Client, tmp_path: Path) -> None:
    bodies = {client.put(body, tube=tube): (tube, body) for tube, body in [
        ("mail", b""), ("mail", bytes(range(256))), ("a/b", b"x" * 65535), ("../../up", b"{}"), ("x.$_();+", b"1"),
    ]}  # fmt: skip
    saved = session.snapshot(tmp_path / "out")
    assert (saved.jobs, saved.complete) == (5, True)
    rows = read(tmp_path / "out", "id, tube, body")
    assert {id: (tube, body) for id, tube, body in rows} == bodies
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "folder=mail",
        "folder=a%2Fb",
        "folder=..%2F..%2Fup",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_tube_with_the_name_of_no_value_can_be_read(tmp_path: Path) -> None:
    named = "__HIVE_DEFAULT_PARTITION__"
    save([[job(1, named), job(2, "mail")]], tmp_path / "out")
    assert sorted(read(tmp_path / "out", "tube, folder")) == [(named, f"{named}~"), ("mail", "mail")]
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    assert sorted(pandas.read_parquet(tmp_path / "out")["tube"]) == [named, "mail"]


def test_statistics_have_their_types(tmp_path: Path) -> None:
    save([[job(2**64 - 1, "mail"), job(7, "mail", None)]], tmp_path / "out")
    described = {name: kind for name, kind, *_ in duckdb.sql(f"describe from '{tmp_path}/out/*/*.parquet'").fetchall()}
    assert described == {
        "id": "UBIGINT", "state": "VARCHAR", "priority": "BIGINT", "age": "BIGINT", "delay": "BIGINT",
        "ttr": "BIGINT", "time_left": "BIGINT", "created": "TIMESTAMP WITH TIME ZONE",
        "reserves": "BIGINT", "timeouts": "BIGINT", "file": "BIGINT",
        "releases": "BIGINT", "buries": "BIGINT", "kicks": "BIGINT", "instance": "VARCHAR", "digest": "VARCHAR",
        "body": "BLOB",
        "tube": "VARCHAR", "folder": "VARCHAR",
    }  # fmt: skip
    rows = read(tmp_path / "out", "id, priority, time_left, kicks, body, epoch(created)", "order by id")
    assert rows[0][:5] == (7, 2**32 - 1, -3, 8, None)
    assert rows[1][0] == 2**64 - 1
    assert rows[1][5] == pytest.approx(datetime.now(UTC).timestamp() - 3600, abs=60)


def test_a_selection_can_be_saved(session: Session, client: Client, tmp_path: Path) -> None:
    for number in range(10):
        client.put(b'{"n": %d}' % number, tube=f"t{number % 2}")
    saved = session.snapshot(tmp_path / "out", "t1", where="data->>'$.n' in ('1', '2', '3')")
    assert saved.jobs == 2
    assert read(tmp_path / "out", "distinct tube") == [("t1",)]


def test_a_server_without_jobs_gives_an_empty_directory(session: Session, tmp_path: Path) -> None:
    assert session.snapshot(tmp_path / "out").jobs == 0
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_there_already_is_left_alone(session: Session, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("precious")
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "full", tmp_path / "full" / "mine", tmp_path / "no" / "such"):
        with pytest.raises(UsageError, match=r"is not an empty directory|is not a directory"):
            session.snapshot(target)
    assert session.snapshot(tmp_path / "empty").complete
    assert sorted(os.listdir(tmp_path)) == ["empty", "full"]
    assert (tmp_path / "full" / "mine").read_text() == "precious"


def test_a_broken_run_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Sequence[FoundJob]]:
        yield [job(1, "mail")]
        assert not (tmp_path / "out").exists()
        raise ConnectionLost("127.0.0.1:1: the server went away")

    with pytest.raises(ConnectionLost):
        save(broken(), tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_a_tube_is_a_text_whatever_its_name(tmp_path: Path) -> None:
    save([[job(1, "123"), job(2, "2026-01-01")]], tmp_path / "out")
    assert read(tmp_path / "out", "tube", "order by id") == [("123",), ("2026-01-01",)]
    save([[job(1, "007")]], tmp_path / "numbers")
    assert read(tmp_path / "numbers", "tube") == [("007",)]


def test_a_tube_may_have_a_name_that_is_too_long_for_a_folder(tmp_path: Path) -> None:
    tubes = ["/" * 200, "/" * 199 + "a", "a" * 200, "mail"]
    save([[job(id, tube) for id, tube in enumerate(tubes)]], tmp_path / "out")
    assert read(tmp_path / "out", "tube", "order by id") == [(tube,) for tube in tubes]
    assert len(os.listdir(tmp_path / "out")) == 4


def test_a_disk_that_takes_no_file_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_file_name", lambda tube: "x" * 300)
    with pytest.raises(CannotSave, match=r"\Acannot write [^\n]*\Z"):
        save([[job(1, "mail")]], tmp_path / "out")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "size", "parts"), [(3, 2**24, [3, 3, 1]), (50_000, 1000, [2, 2, 2, 1]), (50_000, 2**24, [7])]
)
def test_a_tube_has_files_of_so_many_rows_or_bytes(
    rows: int, size: int, parts: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_ROWS", rows)
    monkeypatch.setattr(snapshot, "_BYTES", size)
    save([[job(id, "mail", bytes(500)) for id in range(1, 8)]], tmp_path / "out")
    files = sorted(tmp_path.glob("out/*/*.parquet"))
    assert [duckdb.sql(f"select count(*) from '{file}'").fetchall() for file in files] == [[(n,)] for n in parts]


def test_one_file_keeps_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_ROWS", 10)
    ids = [*range(100, 50, -1), *range(1, 50)]
    batches = [[job(id, f"t{id % 3}") for id in ids[:30]], [job(id, "mail") for id in ids[30:]]]
    save_file(batches, tmp_path / "one.parquet")
    assert [id for (id,) in duckdb.sql(f"select id from '{tmp_path}/one.parquet'").fetchall()] == ids
    assert os.listdir(tmp_path) == ["one.parquet"]


def test_secrets_are_hidden_in_the_files_too(beanstalkd: Beanstalkd, client: Client, tmp_path: Path) -> None:
    client.put(b'{"password": "hunter2", "n": 1}', tube="mail")
    client.put(b"\xff\x00 as it is", tube="mail")
    with connect(beanstalkd.address, redact=["*passw*"]) as session:
        session.snapshot(tmp_path / "out")
    bodies = [body for (body,) in read(tmp_path / "out", "body", "order by id")]
    assert bodies == [b'{"password":"[redacted]","n":1}', b"[hidden: hex, 11 bytes]"]


def test_many_tubes_need_few_open_files_and_little_memory(tmp_path: Path) -> None:
    """Jobs of 300 tubes in turn, with 128 descriptors."""
    script = f"""
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from beanops.jobs.read import FoundJob
from beanops.jobs.snapshot import save
from beanops.protocol import JobStats
def jobs():
    for start in range(0, 60_000, 4000):
        ids = range(start, start + 4000)
        yield [FoundJob(JobStats(id, f"tube/{{id % 300}}", "ready", *[0] * 11), b"x" * 1000) for id in ids]
save(jobs(), Path({str(tmp_path / "out")!r}))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 300_000
    assert len(os.listdir(tmp_path / "out")) == 300
    assert read(tmp_path / "out", "count(*), count(distinct id)") == [(60_000, 60_000)]
