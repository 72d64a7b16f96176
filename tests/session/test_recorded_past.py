"""What a session knows from before it began: the default recording, matched by address or by process."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import beanops
from beanops.client.address import Address
from beanops.embedded.process import Beanstalkd
from beanops.monitor.survey import Surveyor
from beanops.protocol.errors import NotFound
from beanops.recording.writer import RecordingWriter
from beanops.session.watching.recorded_past import OlderPast


def record(path: Path, address: str, ago: float, looks: int = 30) -> None:
    """Record a server for some seconds that passed some time ago."""
    with beanops.Client(address) as client:
        now = [time.monotonic() - ago]
        surveyor = Surveyor(lambda: now[0])
        with RecordingWriter(
            path, clock=lambda: now[0], wall=lambda: now[0] - time.monotonic() + time.time()
        ) as writer:
            for _ in range(looks):
                survey = surveyor.look(client)
                writer.add("prod", address, survey, surveyor.past.since)
                now[0] += 1


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "recording.sqlite"
    monkeypatch.setenv("BEANOPS_RECORDING", str(path))
    return path


def test_trend_goes_back_to_the_recording_and_bridges_no_gap(beanstalkd: Beanstalkd, file: Path) -> None:
    with beanops.connect(beanstalkd.address) as session:
        for _ in range(3):
            session.put(b"x", tube="mail")
        session.put(b"x", tube="gone")
        record(file, beanstalkd.address, 300)
        session.put(b"x", tube="mail")
        session.drain("gone", state="ready")
    with beanops.connect(f"localhost:{beanstalkd.port}") as session:
        trend = session.trend("mail", since="10m")
        known = trend["ready"].dropna()
        age = (trend.index[-1] - known.index).total_seconds()
        assert list(known.iloc[:-1].unique()) == [3.0]
        assert known.iloc[-1] == 4.0
        assert age[0] == pytest.approx(300, abs=3)
        assert not ((age > 5) & (age < 265)).any()  # nobody looked then
        assert session.trend("gone")["ready"].dropna().eq(1.0).all()
        with pytest.raises(NotFound):
            session.trend("never")


def test_a_recording_of_another_server_counts_for_nothing(beanstalkd: Beanstalkd, file: Path) -> None:
    record(file, beanstalkd.address, 300)
    other = OlderPast(Address.parse("127.0.0.1:9"))
    assert other("some process", None) is None
    with beanops.Client(beanstalkd.address) as client:
        same_process = other(client.stats().id, None)
    assert same_process is not None
    assert same_process.begun == pytest.approx(time.monotonic() - 300, abs=5)
    other.close()
    assert same_process.cells(0, 1e9) == []


def test_a_broken_recording_shows_nothing_and_breaks_nothing(beanstalkd: Beanstalkd, file: Path) -> None:
    file.write_bytes(b"not a recording" * 999)
    with beanops.connect(beanstalkd.address) as session:
        assert session.trend()["ready"].iloc[-1] == 0
