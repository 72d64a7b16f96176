"""Export and import: exact, safe against hostile files, and never twice."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Refused, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.jobs.read import read_jobs
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.files.export import FileError
from beanops.session.files.jsonl import LineError, read_line
from tests.proxies import Proxy
from tests.waits import PATIENCE, until

HOSTILE = (
    b"plain",
    b"",
    "naïve 日本語 \U0001f600".encode(),
    bytes(range(256)),
    b"\x1b]52;c;aGFjaw==\x07 \x1b[2J",
    "\u202egnp.exe \u2028".encode(),
    b"=cmd|' /C calc'!A0",
    b'{"body": "x"}\r\nput 0 0 0 1\r\nx\r\n\x00\x7f',
    b"\xed\xa0\x80 a surrogate in UTF-8",
    b"x" * 65535,
    b"\x80" * 65535,
)

Facts = tuple[str, str, int, int, bytes]


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address) as session:
        yield session


@pytest.fixture
def other(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Session]:
    with connect(start_beanstalkd().address) as session:
        yield session


def fill(address: object, bodies: tuple[bytes, ...] = HOSTILE) -> None:
    """Put each body as a ready, a delayed, a buried job, each with numbers of its own."""
    with Client(str(address)) as client:
        for n, body in enumerate(bodies):
            client.put(body, tube="mail", priority=n, ttr=n + 1)
            client.put(body, tube="later", priority=2**32 - 1 - n, delay=10_000 + n)
            id = client.put(body, tube="failed", priority=9)
            client.reserve_job(id)
            client.bury(id, priority=100 + n)


def facts(session: Session) -> list[Facts]:
    """Return all that is to be kept of each job, by id."""
    with Client(session.address) as client:
        jobs = [job for job in read_jobs(client, range(1, 3000)) if job is not None]
    return [(j.stats.tube, j.stats.state, j.stats.priority, j.stats.ttr, j.body or b"") for j in jobs]


def lines(*changes: dict[str, Any] | bytes) -> bytes:
    """Return a file with a good line, changed for each."""
    good = {"tube": "mail", "state": "ready", "priority": 1, "ttr": 60, "time_left": 0, "body": "x"}
    made = []
    for change in changes:
        if isinstance(change, bytes):
            made.append(change)
        else:
            line = {name: value for name, value in {**good, **change}.items() if value != "missing"}
            made.append(json.dumps(line).encode())
    return b"\n".join(made) + b"\n"


def test_a_round_trip_is_exact(session: Session, other: Session, tmp_path: Path) -> None:
    fill(session.address)
    before = facts(session)
    exported = session.export(tmp_path / "jobs")
    assert (exported.done, exported.complete) == (len(before), True)
    imported = other.import_(tmp_path / "jobs")
    assert (imported.done, imported.complete) == (len(before), True)
    by_tube = itemgetter(0)  # in each tube the order is kept as well
    assert sorted(facts(other), key=by_tube) == sorted(before, key=by_tube)
    with Client(other.address) as client:
        for id in imported.ids:
            stats = client.stats_job(id)
            if stats.state == "delayed":
                assert 9_900 < stats.time_left <= 10_010
        tube = client.stats_tube("failed")
        assert (tube.current_jobs_buried, tube.current_jobs_reserved) == (len(HOSTILE), 0)


def test_a_reserved_job_is_exported_when_named_and_comes_back_ready(
    session: Session, other: Session, tmp_path: Path
) -> None:
    with Client(session.address) as worker:
        worker.put(b"held", tube="mail", ttr=77)
        worker.watch("mail")
        worker.reserve()
        assert session.export(tmp_path / "rest").done == 0
        assert session.export(tmp_path / "held", "mail", state="reserved").done == 1
    other.import_(tmp_path / "held")
    assert facts(other) == [("mail", "ready", 65536, 77, b"held")]


def test_a_file_is_ascii_whatever_the_bodies_are(session: Session) -> None:
    fill(session.address)
    out = io.BytesIO()
    session.export(out)
    text = out.getvalue().decode("ascii")
    assert text.count("\n") == 3 * len(HOSTILE)
    assert text.replace("\n", "").isprintable()
    for line in text.splitlines():
        facts = json.loads(line)
        assert facts["instance"] == session.server().id
        assert facts["server"] == str(session.address)
        assert facts["id"] > 0


def test_an_export_selects(session: Session, tmp_path: Path) -> None:
    fill(session.address, (b'{"user": 1}', b'{"user": 2}'))
    assert session.export(tmp_path / "a", "mail").done == 2
    assert session.export(tmp_path / "b", state="buried").done == 2
    assert session.export(tmp_path / "c", where="data->>'$.user' = '2'").done == 3
    assert session.export(tmp_path / "d", "*", limit=4).done == 4
    assert session.export(tmp_path / "e", [1, 2, 3, 999]).done == 3
    ids = [json.loads(line)["id"] for line in (tmp_path / "d").read_text().splitlines()]
    assert ids == sorted(ids), "the oldest come first, so that an import keeps their order"


def test_a_file_is_not_overwritten_unless_forced(session: Session, tmp_path: Path) -> None:
    fill(session.address, (b"x",))
    (tmp_path / "jobs").write_text("precious")
    with pytest.raises(UsageError, match="exists already, and nothing was exported"):
        session.export(tmp_path / "jobs", "mail", delete=True)
    assert (tmp_path / "jobs").read_text() == "precious"
    assert len(facts(session)) == 3
    assert session.export(tmp_path / "jobs", "mail", force=True).done == 1
    assert len((tmp_path / "jobs").read_text().splitlines()) == 1


def test_delete_takes_away_what_is_on_disk_and_can_be_undone(session: Session, tmp_path: Path) -> None:
    fill(session.address)
    before = facts(session)
    run = session.export(tmp_path / "jobs", "mail", delete=True, reason="INC-42")
    assert run.done == len(HOSTILE)
    assert [fact[0] for fact in facts(session)].count("mail") == 0
    assert set(session.journal.actions(run=run)["action"]) == {"delete"}
    assert set(session.journal.actions(run=run)["reason"]) == {"INC-42"}
    session.undo(run)
    assert sorted(facts(session)) == sorted(before)


def test_what_is_deleted_was_synced_before(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(session.address)
    seen = []
    sync = os.fsync

    def fsync(number: int) -> None:
        seen.append((os.readlink(f"/proc/self/fd/{number}"), len(facts(session))))
        sync(number)

    monkeypatch.setattr(os, "fsync", fsync)
    session.export(tmp_path / "jobs", "mail", delete=True)
    assert seen == [(str(tmp_path), 3 * len(HOSTILE)), (str(tmp_path / "jobs"), 3 * len(HOSTILE))]


def test_a_disk_that_fails_deletes_nothing(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(session.address)
    before = facts(session)

    def fail(number: int) -> None:
        if os.path.isfile(f"/proc/self/fd/{number}"):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileError, match="Input/output error; nothing was exported"):
        session.export(tmp_path / "jobs", "mail", delete=True)
    assert facts(session) == before


def test_a_full_disk_deletes_nothing(session: Session) -> None:
    fill(session.address)
    with pytest.raises(FileError, match="No space left on device"):
        session.export("/dev/full", "mail", delete=True, force=True)
    assert len(facts(session)) == 3 * len(HOSTILE)


def test_what_keeps_nothing_deletes_nothing(session: Session, tmp_path: Path) -> None:
    fill(session.address)
    with pytest.raises(FileError, match="nothing was exported"):
        session.export("/dev/null", "mail", delete=True, force=True)
    with pytest.raises(UsageError, match="safely on disk"):
        session.export(io.BytesIO(), "mail", delete=True)
    assert len(facts(session)) == 3 * len(HOSTILE)


def test_a_disk_that_fills_up_leaves_whole_lines(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(session.address) as client:
        for _ in range(40):
            client.put(b"x" * 1000, tube="mail")
    calls = []
    sync = os.fsync

    def fsync(number: int) -> None:
        calls.append(number)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        sync(number)

    monkeypatch.setattr(os, "fsync", fsync)
    run = session.export(tmp_path / "jobs", "mail", delete=True, rate=4000 / 100)  # batches of 10
    assert run.stopped is not None
    assert "No space left on device; 20 jobs in the file" in run.stopped
    assert run.done == 20
    written = (tmp_path / "jobs").read_bytes().splitlines()
    assert len([read_line(line, 65535) for line in written]) == 20
    assert session.tube("mail").current_jobs_ready == 20


def test_what_a_file_held_before_survives_a_full_disk(session: Session, tmp_path: Path) -> None:
    class Full(io.FileIO):
        """A file on a disk that is full after the first two bytes of an export."""

        def write(self, data: Any) -> int:
            if self.tell() > 6:
                raise OSError(28, "No space left on device")
            return super().write(bytes(data[:2]))

    fill(session.address)
    (tmp_path / "all").write_bytes(b"before")
    with Full(tmp_path / "all", "a") as file, pytest.raises(FileError, match="No space left on device"):
        session.export(file)  # type: ignore[arg-type]
    assert (tmp_path / "all").read_bytes().startswith(b"before")


def test_what_waited_is_looked_at_again_before_it_is_deleted(session: Session, tmp_path: Path) -> None:
    with Client(session.address) as client:
        ids = [client.put(b"x", tube="mail") for _ in range(40)]
        for id in ids:
            client.bury(client.reserve_job(id))

        def kick(run: Run) -> None:
            if run.done == 10:
                client.kick_job(ids[-1])
                client.delete(ids[-2])

        run = session.export(tmp_path / "jobs", "mail", state="buried", delete=True, rate=40, progress=kick)
        assert (run.done, run.skipped, run.stopped) == (38, 2, None)
        assert client.stats_job(ids[-1]).state == "ready"
    written = [json.loads(line)["id"] for line in (tmp_path / "jobs").read_bytes().splitlines()]
    assert written == ids[:-2]


def test_a_dry_run_writes_and_deletes_nothing(session: Session, other: Session, tmp_path: Path) -> None:
    fill(session.address)
    assert session.export(tmp_path / "jobs", delete=True, dry_run=True).done == 3 * len(HOSTILE)
    assert list(tmp_path.iterdir()) == []
    session.export(tmp_path / "jobs")
    assert other.import_(tmp_path / "jobs", dry_run=True).done == 3 * len(HOSTILE)
    assert facts(other) == []
    assert len(facts(session)) == 3 * len(HOSTILE)
    assert other.runs.empty


def test_read_only_exports_and_does_no_more(session: Session, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    fill(session.address)
    with connect(beanstalkd.address, read_only=True) as careful:
        careful.export(tmp_path / "jobs")
        with pytest.raises(Refused):
            careful.export(tmp_path / "more", delete=True)
        with pytest.raises(Refused):
            careful.import_(tmp_path / "jobs")
    assert [path.name for path in tmp_path.iterdir()] == ["jobs"]
    assert len(facts(session)) == 3 * len(HOSTILE)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (b"fnord", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"priority": ' + b"9" * 5000 + b"}", "it is not JSON"),
        (b"[1]", "it is JSON, but not an object"),
        (b"null", "not an object"),
        ({"tube": "missing"}, "it has no tube"),
        ({"state": "missing", "time_left": "missing", "delay": -1}, "delay: -1 given"),
        ({"tube": "no such\r\ntube"}, "tube: 'no such\\r\\ntube' given"),
        ({"tube": 7}, "tube: 7 given"),
        ({"state": "invalid"}, "state: 'invalid' given, allowed is one of"),
        ({"state": ["ready"]}, "state: ['ready'] given"),
        ({"priority": -1}, "priority: -1 given"),
        ({"priority": 1.0}, "priority: 1.0 given"),
        ({"priority": True}, "priority: True given"),
        ({"priority": "1"}, "priority: '1' given"),
        ({"ttr": 2**32}, "ttr: 4294967296 given"),
        ({"time_left": None}, "time_left: None given"),
        ({"body": 7}, "body: 7 given"),
        ({"body": "missing"}, "it needs either body or body_base64"),
        ({"body_base64": "eA=="}, "it needs either body or body_base64"),
        ({"body": "\ud800"}, "half of a surrogate pair"),
        ({"body": "missing", "body_base64": "e"}, "body_base64: "),
        ({"body": "missing", "body_base64": "eA==\n!"}, "body_base64: "),
        ({"body": "missing", "body_base64": "é"}, "body_base64: "),
        ({"body": "x" * 70_000}, "the server's max-job-size"),
        (b'{"x": "' + b"x" * 600_000 + b'"}', "longer than a job of at most 65,535 bytes"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_put(session: Session, change: Any, told: str) -> None:
    with pytest.raises(LineError) as caught:
        session.import_(io.BytesIO(lines({}, {}, change, {})))
    assert str(caught.value).startswith("line 3: ")
    assert told in str(caught.value)
    assert "nothing was imported" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert facts(session) == []
    assert session.runs.empty


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"body": "é"}, ("ready", 65536, 60, 0, "é".encode())),
        ({"body_base64": "/w=="}, ("ready", 65536, 60, 0, b"\xff")),
        ({"body": "", "priority": 7, "ttr": 9, "note": None}, ("ready", 7, 9, 0, b"")),
        ({"body": "x", "delay": 500}, ("delayed", 65536, 60, 500, b"x")),
        ({"body": "x", "delay": 0}, ("ready", 65536, 60, 0, b"x")),
        ({"body": "x", "time_left": 500}, ("delayed", 65536, 60, 500, b"x")),
        ({"body": "x", "state": "delayed", "delay": 500}, ("delayed", 65536, 60, 500, b"x")),
        ({"body": "x", "state": "ready", "delay": 500}, ("ready", 65536, 60, 0, b"x")),
        ({"body": "x", "state": "buried"}, ("buried", 65536, 60, 0, b"x")),
    ],
)
def test_a_line_of_ones_own_needs_a_tube_and_a_body(session: Session, line: Any, expected: tuple[Any, ...]) -> None:
    run = session.import_(io.BytesIO(json.dumps({"tube": "mail", **line}).encode() + b"\n"))
    assert run.done == 1, run.summary
    job = next(iter(session.scan("mail")))[0]
    left = 500 if 490 < job.stats.time_left <= 500 else job.stats.time_left
    assert (job.stats.state, job.stats.priority, job.stats.ttr, left, job.body) == expected


def test_blank_lines_and_other_keys_are_left_aside(session: Session) -> None:
    assert session.import_(io.BytesIO(lines({"note": "mine"}, b"", b"  ", {}))).done == 2


def test_a_line_is_not_imported_twice(session: Session, worker: Client, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_bytes(lines(*({"priority": n} for n in range(5))))
    assert session.import_(tmp_path / "jobs").done == 5
    again = session.import_(tmp_path / "jobs")
    assert (again.done, again.complete) == (0, True)
    assert again.summary == "import: 0 done, 5 imported before"
    copy = session.import_(io.BytesIO((tmp_path / "jobs").read_bytes()))
    assert copy.done == 0, "it is the lines that count, not the file's name"
    assert len(facts(session)) == 5
    worker.watch("mail")
    worker.delete(worker.reserve(0))
    assert session.import_(tmp_path / "jobs").summary == again.summary, "a worker has done one"
    assert session.import_(tmp_path / "jobs", repeat="all").done == 5
    assert len(facts(session)) == 9


def test_the_same_line_twice_in_a_file_is_two_jobs(session: Session) -> None:
    assert session.import_(io.BytesIO(lines({}, {}))).done == 2


def test_another_server_has_imported_nothing_yet(session: Session, other: Session) -> None:
    for at in (session, other):
        assert at.import_(io.BytesIO(lines({}, {}))).done == 2


def test_what_the_server_refused_is_tried_again(session: Session, beanstalkd: Beanstalkd) -> None:
    os.kill(beanstalkd.pid, signal.SIGUSR1)
    until(lambda: bool(session.server().draining))
    run = session.import_(io.BytesIO(lines({}, {})))
    assert (run.done, run.failed) == (0, 2)
    assert "line 1: DRAINING" in run.summary
    assert session.import_(io.BytesIO(lines({}, {}))).failed == 2


def test_an_import_is_undone(session: Session) -> None:
    run = session.import_(io.BytesIO(lines(*({"priority": n, "state": "buried"} for n in range(5)))))
    assert session.tube("mail").current_jobs_buried == 5
    assert session.undo(run).done == 5
    assert facts(session) == []


def test_a_cancelled_import_is_gone_on_with(session: Session, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_bytes(lines(*({"priority": n} for n in range(40))))

    def cancel(run: Run) -> None:
        if run.done:
            run.cancel()

    run = session.import_(tmp_path / "jobs", rate=40.0, progress=cancel)
    assert (run.done, run.stopped) == (10, "cancelled")
    assert session.resume(run, progress=cancel).done == 10, "a batch of this rate"
    assert session.resume(run).summary == "import: 20 done, 20 imported before"
    assert [fact[2] for fact in facts(session)] == [*range(40)]
    (tmp_path / "jobs").write_bytes(lines({}))
    with pytest.raises(UsageError, match="it was changed since"):
        session.resume(run)


def test_what_was_undone_is_not_left_to_resume(session: Session, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_bytes(lines(*({"priority": n} for n in range(20))))
    run = session.import_(tmp_path / "jobs", rate=40.0, progress=lambda run: run.cancel() if run.done else None)
    assert (run.done, session.undo(run).done) == (10, 10)
    resumed = session.resume(run, rate=1000)
    assert resumed.summary == "import: 10 done, 10 imported before"
    assert [fact[2] for fact in facts(session)] == [*range(10, 20)]
    session.undo(resumed)
    for one in (run, resumed):
        assert session.resume(one).summary == "import: 0 done, 20 imported before"
    assert session.import_(tmp_path / "jobs").done == 20, "a new import puts them again"


def test_a_resumed_import_parks_buried_jobs_as_it_began(session: Session, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_bytes(lines(*[{"state": "buried"}] * 20))
    how: dict[str, Any] = {"rate": 40.0, "buried_as": "parked"}
    run = session.import_(tmp_path / "jobs", progress=lambda run: run.done and run.cancel(), **how)
    assert session.resume(run).done == 10
    assert session.tube("mail").current_jobs_delayed == 20


def test_a_lost_connection_leaves_unknown_lines_that_are_not_repeated(beanstalkd: Beanstalkd) -> None:
    file = lines(*({"priority": n, "body": f"body {n}."} for n in range(30)))
    with Proxy(beanstalkd.port, fatal=b"body 14.\r\n") as proxy, connect(proxy.address) as session:
        run = session.import_(io.BytesIO(file), rate=1000 / 25)
        assert run.stopped
        assert (run.done, run.unknown) == (14, 6), "whose answer came is known"
    with connect(beanstalkd.address) as session:
        again = session.import_(io.BytesIO(file))
        assert (again.done, again.unknown) == (10, 6), "it is the same server by another address"
        assert f"6 times, first line 15: run {run.id} was cut off here" in again.summary
        assert session.import_(io.BytesIO(file), repeat="unknown").done == 6
        assert [fact[2] for fact in sorted(facts(session))] == [*range(30)]


def test_each_unknown_line_names_the_run_that_was_cut_off_at_it(session: Session) -> None:
    file = lines(*({"priority": n} for n in range(30)))
    cut = []
    for _ in range(2):
        cut.append(session.import_(io.BytesIO(file), rate=40.0, progress=lambda run: run.done and run.cancel()))
        with session._context.journal()._database.transaction() as connection:
            connection.exec_driver_sql("delete from outcomes")
    reasons = session.import_(io.BytesIO(file), dry_run=True).reasons
    assert {reason.split()[1]: told for reason, told in reasons.items()} == {
        cut[0].id: (10, "line 1"),
        cut[1].id: (10, "line 11"),
    }


@pytest.mark.parametrize("begun", [0, 10])
def test_two_imports_of_the_same_lines_at_once_put_none_twice(begun: int, session: Session) -> None:
    file = lines(*({"priority": n} for n in range(30)))
    other: list[Run] = []

    def meanwhile(run: Run) -> None:
        if run.done >= begun and not other:
            with connect(session.address) as second:
                other.append(second.import_(io.BytesIO(file)))

    run = session.import_(io.BytesIO(file), rate=40.0, progress=meanwhile)
    assert run.done == begun
    assert run.stopped == f"run {other[0].id} is importing the same lines: import again when it has ended"
    assert other[0].done == 30 - begun
    assert [fact[2] for fact in sorted(facts(session))] == [*range(30)]
    assert session.import_(io.BytesIO(file)).summary == "import: 0 done, 30 imported before"


def test_what_was_undone_is_imported_again(session: Session) -> None:
    file = lines(*({"priority": n} for n in range(5)))
    run = session.import_(io.BytesIO(file))
    undoing = session.undo(run, where="priority < 3")
    assert session.import_(io.BytesIO(file)).summary == "import: 3 done, 2 imported before"
    assert session.import_(io.BytesIO(file)).done == 0
    session.undo(undoing)  # now the first run's are there again too
    assert session.import_(io.BytesIO(file)).done == 0


_IMPORT = """
import os, signal, sys
from beanops import connect
from beanops.journal.journal import Journal

server, file, when, call = sys.argv[1:]
write, calls = Journal.write, 0

def kill(*arguments, **named):
    global calls
    calls += 1
    if calls == int(call) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(*arguments, **named)
    if calls == int(call) and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)

Journal.write = kill
with connect(server) as session:
    session.import_(file, rate=2000)
"""


@pytest.mark.parametrize(
    ("when", "call", "put", "unknown"),
    [
        ("before", 1, 0, 0),  # nothing is on record, so nothing was sent
        ("after", 1, 0, 500),  # on record, not sent
        ("before", 2, 500, 500),  # sent, and what came of it is not on record
        ("after", 2, 500, 500),
        ("before", 3, 1000, 500),
    ],
)
def test_a_killed_import_puts_nothing_twice_and_loses_nothing(
    session: Session, tmp_path: Path, when: str, call: int, put: int, unknown: int
) -> None:
    (tmp_path / "jobs").write_bytes(lines(*({"priority": n} for n in range(1200))))
    command = [sys.executable, "-c", _IMPORT, str(session.address), str(tmp_path / "jobs"), when, str(call)]
    assert subprocess.run(command, timeout=PATIENCE).returncode == -signal.SIGKILL
    assert session.server().current_jobs_ready == put
    again = session.import_(tmp_path / "jobs")
    assert again.unknown == unknown
    found = [fact[2] for fact in facts(session)]
    assert len(found) == len(set(found)), "no line is put twice"
    assert len(found) >= 1200 - unknown, "only what is unknown can be missing"
    if len(found) < 1200:
        assert session.import_(tmp_path / "jobs", repeat="unknown").done == unknown
        assert sorted(fact[2] for fact in facts(session)) == [*range(1200)]


def test_an_import_into_a_server_that_lost_its_jobs_says_so(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    server, file = start_beanstalkd(), tmp_path / "jobs.jsonl"
    fill(server.address, (b"1", b"2", b"3", b"4", b"5"))
    session = open_session(server.address)
    session.export(file, "mail")
    assert session.import_(file).done == 5
    session.close()
    server.stop()
    start_beanstalkd(port=server.port)
    session = open_session(server.address)
    again = session.import_(file)
    assert (again.done, again.skipped, again.complete) == (0, 5, False)
    assert "put it into another process of the server, where it is not now" in again.summary
    assert "--repeat all" in again.summary
    assert session.import_(file, repeat="all").done == 5


def test_an_import_into_a_server_that_kept_its_jobs_in_a_log_knows_them(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    log = ("-b", str(tmp_path / "log"), "-f0")
    server, file = start_beanstalkd(*log), tmp_path / "jobs.jsonl"
    fill(server.address, (b"1", b"2", b"3", b"4", b"5"))
    session = open_session(server.address)
    session.export(file, "mail")
    run = session.import_(file)
    session.delete(run.refs[:2])
    session.close()
    server.stop()
    start_beanstalkd(*log, port=server.port)
    again = open_session(server.address).import_(file)
    assert (again.done, again.skipped) == (0, 2)
    assert "3 imported before" in again.summary
