"""``beanops record`` as a process, beside real servers that are killed and restarted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beanops import Client
from beanops.cli.app import run
from beanops.embedded.process import Beanstalkd
from beanops.recording import daemon
from beanops.recording.reader import Recording
from beanops.recording.storage import RecordingError
from beanops.recording.writer import RecordingWriter
from tests.waits import until

Start = Callable[..., Beanstalkd]


@contextmanager
def recording(file: Path, *servers: str, interval: float = 0.1) -> Iterator[subprocess.Popen[str]]:
    """Run a recorder until the block ends, which kills it if it is still there."""
    given = [part for server in servers for part in ("-s", server)]
    command = [
        sys.executable,
        "-c",
        "from beanops.cli import main; main()",
        "record",
        str(file),
        "--interval",
        str(interval),
        *given,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as recorder:
        try:
            yield recorder
        finally:
            recorder.kill()


def looks(file: Path, server: int = 1) -> int:
    """Return how many looks at a server are in the file."""
    try:
        with Recording(file) as found:
            return len(found.rows(server, None, 0, 0, 2**60))
    except Exception:
        return 0


def ended(recorder: subprocess.Popen[str]) -> str:
    """Return what a recorder said, after it has ended."""
    _, said = recorder.communicate(timeout=60)
    return said


@pytest.mark.parametrize("binlog", [True, False], ids=["with a binlog", "without"])
def test_a_killed_server_leaves_a_gap_and_the_new_process_follows(
    binlog: bool, start_beanstalkd: Start, tmp_path: Path
) -> None:
    flags = ("-b", str(tmp_path / "log"), "-f", "0") if binlog else ()
    (tmp_path / "log").mkdir()
    server = start_beanstalkd(*flags)
    with Client(server.address) as client:
        first = client.stats().id
        for _ in range(5):
            client.put(b"x", tube="mail")
    file = tmp_path / "r.sqlite"
    with recording(file, server.address) as recorder:
        until(lambda: looks(file) > 2)
        server.stop(kill=True)
        again = start_beanstalkd(*flags, port=server.port)
        with Client(again.address) as client:
            second = client.stats().id
            client.put(b"y", tube="other")
        until(lambda: server_at(file) == second)
        recorder.terminate()
        ended(recorder)
    assert recorder.returncode == 0
    with Recording(file) as found:
        before, *_, after = found.stretches(1)
        assert [json.loads(one.texts)["id"] for one in (before, after)] == [first, second]
        assert before.ended < after.began
        tubes = found.all_rows(1, 0, *[round(after.ended * 1000)] * 2)
        assert ("mail" in tubes) is binlog  # only then the jobs are still there
        # Nothing was put in the gap: the counters began again.
        assert sum(cell.puts for cell in found.cells(1, None, before.ended, after.began)) == 0


def server_at(file: Path) -> str:
    """Return the process of the server at the last look."""
    with Recording(file) as found:
        return found.servers()[0].instance


def test_a_killed_recorder_leaves_a_valid_file_and_the_next_one_goes_on(
    start_beanstalkd: Start, tmp_path: Path
) -> None:
    one, two = start_beanstalkd(), start_beanstalkd()
    file = tmp_path / "r.sqlite"
    with recording(file, one.address, two.address) as recorder:
        until(lambda: looks(file) > 2 and looks(file, 2) > 2)
        recorder.send_signal(signal.SIGKILL)
        ended(recorder)
    before = looks(file)
    with Recording(file) as found:
        assert found._database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with recording(file, one.address, two.address) as recorder:
        until(lambda: looks(file) > before and looks(file, 2) > before)
        recorder.send_signal(signal.SIGTERM)
        assert "all is written" in ended(recorder)
    with Recording(file) as found:
        assert [server.address for server in found.servers()] == [one.address, two.address]
        first, second = found.stretches(1)
        assert second.cause == "beanops record was started"
        assert first.ended < second.began
        assert found._database.execute("SELECT count(*) FROM tail").fetchone() == (0,)


def test_a_second_recorder_is_refused_in_one_line(
    beanstalkd: Beanstalkd, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.sqlite"
    with recording(file, beanstalkd.address) as recorder:
        until(file.exists)
        until(lambda: looks(file) > 0)
        assert run(["-s", beanstalkd.address, "record", str(file)]) == 1
        said = capfd.readouterr().err
        assert said == (f"beanops: another beanops record writes to {file}; end it first, or name another file\n")
        recorder.terminate()
        ended(recorder)
    assert recorder.returncode == 0


def test_info_says_what_is_in_a_file(beanstalkd: Beanstalkd, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.sqlite"
    with Client(beanstalkd.address) as client:
        client.put(b"x", tube="mail")
    for _ in range(2):
        with recording(file, beanstalkd.address) as recorder:
            before = looks(file)
            until(lambda before=before: looks(file) > before)  # type: ignore[misc]
            recorder.terminate()
            ended(recorder)
    assert run(["record", str(file), "--info", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["bytes"] == os.path.getsize(file)
    (server,) = told["servers"]
    assert (server["address"], server["tubes"], server["gaps"]) == (beanstalkd.address, 2, 1)
    assert told["gaps"][0]["cause"] == "beanops record was started"
    assert run(["record", str(file), "--info"]) == 0
    assert "1 gap:" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--keep", "x"], "allowed is up to three of"),
        (["--keep", "2d,1d"], "none shorter than the one before"),
        (["--keep", "1d,2d,3d,4d"], "none shorter than the one before"),
        (["--interval", "0"], "0.1<=x<=3600"),
        (["--info", "/nowhere/r.sqlite"], "there is no recording /nowhere/r.sqlite"),
        (["/dev/null/r.sqlite"], "cannot write to /dev/null/r.sqlite: Not a directory"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    given: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["record", *given]) in (1, 2)
    said = capfd.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_one_server_under_two_names_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["record", "-s", "127.0.0.1:1", "-s", "127.0.0.1:1"]) == 2
    assert "is named twice" in capfd.readouterr().err


def test_a_frozen_server_is_a_gap_and_holds_up_no_other(start_beanstalkd: Start, tmp_path: Path) -> None:
    frozen, other = start_beanstalkd(), start_beanstalkd()
    file = tmp_path / "r.sqlite"
    with recording(file, frozen.address, other.address) as recorder:
        until(lambda: looks(file) > 0)
        os.kill(frozen.pid, signal.SIGSTOP)
        before = looks(file, 2)
        until(lambda: looks(file, 2) > before + 40)
        os.kill(frozen.pid, signal.SIGCONT)
        until(lambda: gaps(file) > 0)
        recorder.terminate()
        said = ended(recorder)
    assert f"lost {frozen.address}" in said
    assert f"{frozen.address} answers again" in said
    with Recording(file) as found:
        # It froze between two looks or in one: then it is another command that got no answer.
        assert re.search(r"no answer to '.*' within 3 s", found.stretches(1)[-1].cause)
        assert len(found.stretches(2)) == 1


def gaps(file: Path) -> int:
    """Return the gaps of the first server."""
    with Recording(file) as found:
        return len(found.stretches(1)) - 1


def test_what_cannot_be_written_is_tried_again_and_said_once(
    beanstalkd: Beanstalkd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    fails = [True]
    flush = RecordingWriter.flush

    def failing(writer: RecordingWriter) -> None:
        if fails[0]:
            raise RecordingError(f"cannot write to {writer.path}: no space left on the disk")
        flush(writer)

    monkeypatch.setattr(RecordingWriter, "flush", failing)
    monkeypatch.setattr(daemon, "FLUSH", 0.2)
    recorder = daemon.Recorder(tmp_path / "r", {"prod": beanstalkd.address}, interval=0.1, say=said.append)
    thread = threading.Thread(target=recorder.run)
    thread.start()
    until(lambda: any("no space left" in line for line in said))
    fails[0] = False
    until(lambda: any("can be written again" in line for line in said))
    recorder.end()
    thread.join()
    assert [line for line in said if "no space left" in line] == [
        f"cannot write to {tmp_path / 'r'}: no space left on the disk; trying again for 10 minutes"
    ]
    with Recording(tmp_path / "r") as found:
        assert len(found.stretches(1)) == 1
