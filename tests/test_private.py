"""What beanops writes is for its owner alone, whatever the umask is, and what was looser is tightened."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beanops import Client, private
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.session.config import default_journal
from beanops.session.connect import connect
from beanops.session.files import samples
from beanops.state_files import state_path
from beanops.tui.state import StateFile


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have everything where it is when nothing is named: in the user's folders."""
    for name in ("BEANOPS_JOURNAL", "BEANOPS_SAMPLES", "BEANOPS_STATE"):
        monkeypatch.delenv(name)
    for name, folder in {"XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    return tmp_path


def _modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): f"{stat.S_IMODE(path.stat().st_mode):o}" for path in sorted(folder.rglob("*"))
    }


def test_journal_samples_and_state_are_private(
    umask: None, home: Path, beanstalkd: Beanstalkd, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(beanstalkd.address) as session:
        session.put(b"x", tube="mail")
        assert {name: mode for name, mode in _modes(home).items() if "sqlite" in name} == dict.fromkeys(
            [f"data/beanops/journal.sqlite{suffix}" for suffix in ("", "-shm", "-wal")], "600"
        )
    samples.save("greeting", samples.sample_of("mail", b"hello"))
    StateFile(state_path("tui")).keep_theme("light")
    modes = _modes(home)
    assert {modes[name] for name in ("data/beanops", "data/beanops/samples", "state/beanops")} == {"700"}
    assert {modes[name] for name in ("data/beanops/samples/greeting.json", "state/beanops/tui.json")} == {"600"}
    assert not caplog.messages


def test_exports_and_snapshots_are_private(umask: None, tmp_path: Path, beanstalkd: Beanstalkd, client: Client) -> None:
    client.put(b"x", tube="mail")
    with connect(beanstalkd.address) as session:
        session.export(tmp_path / "jobs.jsonl")
        session.export(tmp_path / "jobs.jsonl", force=True)
        session.snapshot(tmp_path / "saved")
    assert _modes(tmp_path) == {
        "jobs.jsonl": "600",
        "saved": "700",
        "saved/folder=mail": "700",
        "saved/folder=mail/part-0.parquet": "600",
    }


def test_what_is_looser_is_tightened_and_told_once(
    home: Path, beanstalkd: Beanstalkd, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(beanstalkd.address) as session:
        session.put(b"x", tube="mail")
        session.export(home / "jobs.jsonl")
        samples.save("greeting", samples.sample_of("mail", b"hello"))
        StateFile(state_path("tui")).keep_theme("light")
        loosened = [home / "jobs.jsonl", *home.glob("*/beanops"), *home.glob("*/beanops/**/*")]
        for path in loosened:
            path.chmod(0o755 if path.is_dir() else 0o777 if path.suffix == ".json" else 0o644)
        for _ in range(2):
            Journal(default_journal()).close()
            samples.load("greeting")
            samples.save("greeting", samples.sample_of("mail", b"hello"), force=True)
            StateFile(state_path("tui")).keep_theme("light")
            session.export(home / "jobs.jsonl", force=True)
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in loosened if path.exists()}
    assert modes == {(True, 0o700), (False, 0o600)}
    told = [message for message in caplog.messages if "other users had access" in message]
    assert len(told) == len(set(told)) == len(loosened)
    assert f"beanops: other users had access to the file {home}/jobs.jsonl (mode 0644); now only you have" in told


def test_a_folder_that_the_user_chose_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("BEANOPS_SAMPLES", str(shared))
    samples.save("greeting", samples.sample_of("mail", b"hello"))
    Journal(f"{shared}/journal.sqlite").close()
    Journal(f"sqlite:///{shared}/other.sqlite").close()
    Journal(f"{shared}/new/journal.sqlite").close()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o777
    assert set(_modes(shared).values()) == {"600", "700"}
    assert not caplog.messages


def test_devices_and_other_peoples_files_stay_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "pipe", 0o644)
    os.chmod(tmp_path / "pipe", 0o644)
    private.tighten(tmp_path / "pipe")
    private.tighten(tmp_path / "nothing")
    before = os.stat("/dev/null").st_mode
    with private.create(Path("/dev/null"), force=True) as file:
        file.write(b"x")
    private.database(str(tmp_path))  # a folder is no journal
    assert os.stat("/dev/null").st_mode == before
    assert stat.S_IMODE((tmp_path / "pipe").stat().st_mode) == 0o644
    assert not caplog.messages


def test_what_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with pytest.raises(IsADirectoryError):
        private.replace(tmp_path / "state", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_looser_journal_is_told_on_the_command_line() -> None:
    Journal(default_journal()).close()
    Path(default_journal()).chmod(0o644)
    command = [sys.executable, "-c", "from beanops.cli import main; main()", "journal"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(2))
    told = f"beanops: other users had access to the file {default_journal()} (mode 0644); now only you have\n"
    assert first == told + second
    assert "other users" not in second
