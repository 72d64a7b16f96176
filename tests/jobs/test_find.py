"""What a session gives of found jobs: frames whose types do not depend on the rows, SQL, order, hidden secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import beanops
from beanops import Client, Session, commands, connect
from beanops.embedded import serve
from beanops.embedded.process import Beanstalkd
from beanops.frames import STATES
from beanops.jobs.read import FoundJob
from beanops.jobs.refs import JobRefs
from beanops.jobs.search.top_n import First
from beanops.jobs.tube_names import UnknownTubeWarning
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError, BeanopsError
from beanops.session import probe
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.options import Options

TEXT, COUNT, SPAN = pd.StringDtype(na_value=np.nan), np.dtype("int64"), np.dtype("timedelta64[us]")
DTYPES = {
    "id": np.dtype("uint64"), "tube": TEXT, "state": STATES, "priority": COUNT,
    **dict.fromkeys(("age", "delay", "ttr", "time_left"), SPAN),
    "created": pd.DatetimeTZDtype("us", "UTC"),
    **dict.fromkeys(("reserves", "timeouts", "releases", "buries", "kicks", "file"), COUNT),
    "instance": TEXT, "digest": TEXT, "size": COUNT, "body": TEXT, "data": TEXT,
}  # fmt: skip


def test_a_frame_has_the_same_types_when_it_is_empty(session: Session, client: Client) -> None:
    client.put(b'{"user": 7}', tube="123", delay=90, ttr=30)
    full = session.jobs()
    with pytest.warns(UnknownTubeWarning):
        empty = session.jobs("none")
    assert dict(full.dtypes) == DTYPES
    assert dict(empty.dtypes) == DTYPES
    assert len(empty) == 0
    (row,) = full.itertuples()
    assert (row.id, row.tube, row.state, row.size, row.body, row.data, row.file) == (
        1, "123", "delayed", 11, '{"user": 7}', '{"user":7}', 0,
    )  # fmt: skip
    assert row.ttr == pd.Timedelta(30, "s")
    assert abs(row.created - pd.Timestamp.now("UTC")) < pd.Timedelta(5, "s")
    assert full.attrs["verdict"] == "complete: 1 found"
    assert list(session.jobs(bodies=False).columns) == list(DTYPES)[:-4]


def test_bodies_are_text_bytes_or_objects(session: Session, client: Client) -> None:
    mixed = [b'{"user": 7}', b"\xff\x00", b"plain"]
    for body in mixed:
        client.put(body)
    as_text = session.jobs(order="oldest")
    assert as_text.body.tolist() == ['{"user": 7}', "\\xff\x00", "plain"]
    assert [json.loads(data) for data in as_text.data] == [{"user": 7}, {"$bytes": "ff00", "$size": 2}, "plain"]
    as_bytes = session.jobs(order="oldest", bodies="bytes", decoded=True)
    assert as_bytes.body.tolist() == mixed
    assert as_bytes.data.tolist()[::2] == [{"user": 7}, "plain"]


def test_only_the_columns_that_are_asked_for_are_read(session: Session, client: Client) -> None:
    client.put(b"x", priority=9)
    client.put(b"y", priority=12)
    frame = session.jobs(columns=["priority", "id"], order="oldest")
    assert list(frame.columns) == ["priority", "id"]
    assert client.stats().cmd_peek == 0
    assert (frame.priority[0] - frame.priority[1]) == -3  # unsigned, it would wrap
    assert session.jobs(columns="size")["size"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": ["id", "prioritty"]}, "columns: 'prioritty' given, .*; did you mean 'priority'"),
        ({"columns": "body", "bodies": False}, "columns: 'body' given, allowed is id, tube, .* where bodies=False"),
        ({"decoded": True, "bodies": False}, "decoded: True given, allowed is False where bodies=False"),
        ({"bodies": "hex"}, "bodies: 'hex' given, allowed is 'text', 'bytes' or False"),
        ({"state": "burried"}, "state: 'burried' given, allowed is one of ready, .*; did you mean 'buried'"),
        ({"order": "-prority"}, "order: '-prority' given, allowed is newest, .*; did you mean '-priority'"),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_near(session: Session, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        session.jobs(**asked)


def test_tubes_are_a_frame_of_signed_counts(session: Session, client: Client) -> None:
    client.put(b"x", tube="mail-a", priority=5)
    client.put(b"y", tube="mail-b", delay=60)
    client.pause_tube("mail-b", 90)
    tubes = session.tubes("mail-*")
    counts = ["ready", "reserved", "delayed", "buried", "urgent", "watching", "waiting", "using", "jobs", "deletes"]
    assert dict(tubes.dtypes) == {"tube": TEXT, **dict.fromkeys(counts, COUNT), "pause": SPAN, "pause_left": SPAN}
    rows = tubes.set_index("tube")[["ready", "delayed", "urgent", "jobs", "deletes"]]
    assert rows.to_dict("index") == {
        "mail-a": {"ready": 1, "delayed": 0, "urgent": 1, "jobs": 1, "deletes": 0},
        "mail-b": {"ready": 0, "delayed": 1, "urgent": 0, "jobs": 1, "deletes": 0},
    }
    assert tubes["pause"].tolist() == [pd.Timedelta(0), pd.Timedelta(90, "s")]
    assert tubes["ready"].diff().iloc[-1] == -1
    assert set(session.tubes()["tube"]) == {"default", "mail-a", "mail-b"}
    with pytest.warns(UnknownTubeWarning):
        assert dict(session.tubes("none").dtypes) == dict(tubes.dtypes)


@pytest.mark.parametrize("limit", [None, 2])
def test_the_oldest_of_one_second_is_the_one_that_was_put_first(limit: int | None) -> None:
    first = First("-age", limit)
    fields = JobStats(0, "mail", "ready", 0, 9, 0, 60, 0, *(0,) * 6)
    first.add([FoundJob(fields._replace(id=id, age=age), None) for id, age in ((4, 8), (3, 9), (2, 9), (1, 9))])
    assert [job.id for job in first.jobs] == [1, 2, 3, 4][:limit]


def test_any_column_orders_jobs_and_ties_stay_newest_first(session: Session, client: Client) -> None:
    client.use("mail")
    priorities = [3, 1, 2, 1, 3]
    for priority in priorities:
        client.put(b"x" * priority, priority=priority)
    assert session.jobs(order="priority")["id"].tolist() == [4, 2, 3, 5, 1]
    assert session.jobs(order="-priority", limit=2)["id"].tolist() == [5, 1]
    assert session.jobs(order="size", limit=3, bodies=False)["id"].tolist() == [4, 2, 3]
    assert session.jobs(order="-id", limit=1)["id"].tolist() == [5]
    assert session.jobs(order="state", limit=0).empty


def test_sql_runs_on_the_scanned_jobs(session: Session, client: Client) -> None:
    for tube, name in (("mail", "A"), ("mail", "B"), ("mail", "A"), ("web", "A")):
        client.put(b'{"displayName": "%s"}' % name.encode(), tube=tube)
    query = "select data->>'$.displayName' as job, count(*) as n from jobs where tube = 'mail' group by 1 order by 1"
    answer = session.sql(query)
    assert answer.to_dict("list") == {"job": ["A", "B"], "n": [2, 1]}
    assert answer.attrs["verdict"] == "complete: 4 found"
    asked = client.stats().cmd_peek
    assert session.sql("select count(*) as n from jobs", "web")["n"].tolist() == [1]
    assert session.sql("select id from jobs where 1 = 0").empty
    assert client.stats().cmd_peek == asked


def test_names_are_names_in_the_statistics_of_both_versions() -> None:
    for dialect in ("1.12", "1.13"):
        with serve(dialect=dialect) as address, connect(address) as session, Client(address) as client:
            for tube in ("123", "true", "a.b", "null"):
                client.put(b"{}", tube=tube)
            assert session.jobs(order="oldest")["tube"].tolist() == ["123", "true", "a.b", "null"]
            assert session.jobs("123")["id"].tolist() == [1]
            assert session.sql("select id from jobs where tube = 'true'")["id"].tolist() == [2]


def test_secrets_are_hidden_before_anything_sees_them(beanstalkd: Beanstalkd, client: Client) -> None:
    client.put(b'{"password": "hunter2", "user": {"api_key": "k", "id": 7}}')
    with connect(beanstalkd.address, redact=["*passw*", "/^api_/"]) as session:
        (row,) = session.jobs(decoded=True).itertuples()
        assert row.data == {"password": "[redacted]", "user": {"api_key": "[redacted]", "id": 7}}
        assert "hunter2" not in row.body
        assert session.jobs(where="body like '%hunter2%'").empty
        assert session.sql("select data->>'$.password' as p from jobs")["p"].tolist() == ["[redacted]"]
        assert session._context.decode(b"token=1&passwd=2").data == "token=1&passwd=[redacted]"
    with pytest.raises(ArgumentError, match="a regular expression"):
        connect(beanstalkd.address, redact=["/(/"])


def test_a_decoder_of_ones_own_is_used_by_predicates(session: Session, client: Client) -> None:
    @beanops.decoder("csv-row", priority=750)
    def read_row(body: bytes) -> object:
        return body.decode().split(";") if body.count(b";") > 2 else None

    client.put(b"a;b;c;d")
    client.put(b"other")
    assert session.jobs(where="data->>'$[3]' = 'd'")["id"].tolist() == [1]


def test_the_record_tells_how_high_ids_are(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> None:
    """With a binlog nothing else may: here the new job is far above what the heads show."""
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        client.put(b"head", tube="mail", priority=0)
        client.use("gap")
        gone = list(client.pipeline(commands.put(b"x") for _ in range(4000)))
        for _ in client.pipeline(commands.delete(id) for id in gone if isinstance(id, int)):
            pass
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), port=server.port)
    with connect(server.address) as session:
        session.put(b"head", tube="mail", priority=0)
        (newest,) = session.put(b"new", tube="mail", priority=9).ids
        scan = session.scan("mail", limit=1)
        assert [job.id for batch in scan for job in batch] == [newest]
        assert scan.bound is not None
        assert scan.bound.top == newest > 4000


def test_ids_of_another_server_tell_nothing_of_this_one(
    start_beanstalkd: Callable[..., Beanstalkd], beanstalkd: Beanstalkd, tmp_path: Path
) -> None:
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(beanstalkd.address) as far:
        for _ in far.pipeline(commands.put(b"x") for _ in range(5000)):
            pass
    with connect(server.address) as session, connect(beanstalkd.address) as there:
        (id,) = session.put(b"x", tube="mail").ids
        assert session.copy(id, server=there).done == 1
        scan = session.scan()
        assert [job.id for batch in scan for job in batch] == [id]
        assert scan.bound is not None
        assert scan.bound.top == id
        assert [action.action for action in session._lookups.job_actions(id)] == ["put", "copy"]
        assert session._lookups.job_actions(5001) == []


@pytest.mark.parametrize(("size", "jobs"), [(65_535, 1500), (1_000_000, 200)])
def test_a_long_listing_needs_little_memory(start_beanstalkd: Callable[..., Beanstalkd], size: int, jobs: int) -> None:
    """Batches are of a few megabytes, and no more than 64 MB are under way, however large each body is."""
    server = start_beanstalkd("-z", str(size))
    with Client(server.address) as client:
        client.use("mail")
        for _ in client.pipeline(commands.put(b"y" * size) for _ in range(jobs)):
            pass
        for _ in client.pipeline(commands.put(b"x") for _ in range(20_000)):
            pass
    script = (
        "import sys, beanops\n"
        "largest = max(sum(len(job.body) for job in batch) for batch in beanops.connect(sys.argv[1]).scan())\n"
        "print(largest, *[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    ended = subprocess.run([sys.executable, "-c", script, server.address], capture_output=True, text=True, check=True)
    largest, peak = map(int, ended.stdout.split())
    assert largest < 80 * 2**20
    assert peak < 200_000


def test_a_probe_is_on_the_record_and_leaves_nothing(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    server = start_beanstalkd("-b", str(tmp_path))
    with connect(server.address) as session, Client(server.address) as client:
        client.put(b"x", tube="mail")
        scan = session.scan(probe=True)
        assert [job.id for batch in scan for job in batch] == [1]
        assert scan.verdict == "complete: 1 found"
        assert [(row.action, row.id, row.outcome) for row in session._lookups.own_actions()] == [
            ("delete", 2, "done"),
            ("put", 2, "done"),
        ]
        assert client.list_tubes() == ["default", "mail"]


def test_a_probe_that_cannot_be_deleted_names_its_tube(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_beanstalkd("-b", str(tmp_path))
    with connect(server.address) as session, Client(server.address) as client:
        client.put(b"x", tube="mail")
        delete = probe.delete

        def too_late(executor: Executor, jobs: JobRefs, options: Options) -> Run:
            client.reserve_job(jobs[0].id)
            return delete(executor, jobs, options)

        monkeypatch.setattr(probe, "delete", too_late)
        with pytest.raises(BeanopsError, match=r"the probe could not be deleted from tube beanops-probe-.* reserved"):
            list(session.scan(probe=True))
