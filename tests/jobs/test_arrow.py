"""Jobs as Arrow: frames and scans, whatever their bodies hold, for every library that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beanops import Client, Session
from tests.needs import missing

try:
    import pyarrow as pa
except ImportError:
    missing("pyarrow is not installed")

MIXED = [b'{"user": 7}', b"\xff\x00", b"plain", b"", b"[1, 2]"]


@pytest.fixture(autouse=True)
def _jobs(client: Client) -> None:
    for body in MIXED:
        client.put(body, tube="mail")


@pytest.mark.parametrize("bodies", ["text", "bytes", False])
def test_a_scan_is_a_stream_with_the_types_of_the_frame(session: Session, bodies: Any) -> None:
    frame = session.jobs("mail", order="oldest", bodies=bodies)
    of_scan = pa.table(session.scan("mail", order="oldest", bodies=bodies))
    assert of_scan.num_rows == len(MIXED)
    assert of_scan.column_names == list(frame.columns)
    assert of_scan.schema.equals(pa.table(frame).schema)
    assert pa.table(session.scan("mail", state="buried", bodies=bodies)).schema.equals(of_scan.schema)
    if bodies == "bytes":
        assert of_scan["body"].to_pylist() == MIXED


def test_mixed_bodies_come_back_from_files_and_queries(session: Session, tmp_path: Path) -> None:
    frame = session.jobs("mail")
    frame.to_parquet(tmp_path / "jobs.parquet")
    again = pd.read_parquet(tmp_path / "jobs.parquet")
    pd.testing.assert_frame_equal(again, pd.DataFrame(frame))
    assert session.kick(session.bury(again).refs).done == len(MIXED)
    with duckdb.connect() as duck:
        duck.register("found", pa.RecordBatchReader.from_stream(session.scan("mail")))
        assert duck.sql("select count(*), max(data->>'$.user') from found").fetchall() == [(5, "7")]


def test_other_frames_are_arrow_too(session: Session) -> None:
    session.kick([1, 99])
    for frame in (session.tubes(), session.actions, session.runs, session.jobs(bodies=False)):
        assert pa.table(frame).column_names == list(frame.columns)


def test_a_stream_asks_as_it_is_read(session: Session, client: Client) -> None:
    reader = pa.RecordBatchReader.from_stream(session.scan("mail"))
    asked = client.stats().cmd_peek
    assert reader.read_all().num_rows == len(MIXED)
    assert client.stats().cmd_peek > asked
