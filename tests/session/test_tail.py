"""New jobs as they are put: all that stay are seen, those that are gone are counted, whatever happens to the server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session, commands
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search import new_jobs
from beanops.protocol.errors import ConnectionClosed, UsageError
from beanops.session.investigation.tail import Tail
from tests.session.test_watching import Time


def put(client: Client, tube: str, *bodies: bytes, **settings: Any) -> list[int]:
    client.use(tube)
    ids = [int(id) for id in client.pipeline(commands.put(body, **settings) for body in bodies)]
    client.use("default")
    return ids


def tailed(
    session: Session, meanwhile: Callable[[int], None] = lambda nap: None, tube: str | None = None, **how: Any
) -> tuple[list[int], Tail, list[str]]:
    """Tail until the end; `meanwhile` is called in each pause with its number. Return ids, the tail and its notes."""
    time = Time(meanwhile)
    tail = session._lookups.tail(tube, **{"seconds": 3.0, "clock": time.clock, "sleep": time.sleep} | how)
    batches = list(tail)
    notes = [note for batch in batches for note in batch.notes]
    return [job.id for batch in batches for job in batch.jobs], tail, notes


def test_all_jobs_that_are_put_are_seen_once_and_in_order(session: Session, worker: Client) -> None:
    put(worker, "mail", b"old")
    expected: list[int] = []
    ids, tail, notes = tailed(session, lambda nap: expected.extend(put(worker, f"mail-{nap % 3}", b"a", b"b")))
    assert ids == expected[: len(ids)]
    assert len(expected) - len(ids) <= 2  # those of the last pause
    assert tail.counts.words == f"{len(ids)} jobs"
    assert notes == []
    assert worker.stats().cmd_reserve == 0


def test_tubes_states_and_a_predicate_choose(session: Session, worker: Client) -> None:
    def meanwhile(nap: int) -> None:
        if nap == 1:
            put(worker, "mail", b'{"n": 1}', b'{"n": 2}')
            put(worker, "mail", b'{"n": 2}', delay=100)
            put(worker, "other", b'{"n": 2}')

    ids, tail, _ = tailed(session, meanwhile, "mai*", state="ready", where="data->>'$.n' = '2'")
    assert ids == [2]
    assert tail.counts.words == "1 job of 3 that were read"


def test_a_tube_need_not_exist_and_the_limit_ends_it(session: Session, worker: Client) -> None:
    ids, tail, _ = tailed(session, lambda nap: put(worker, "later", b"a") and None, "later", limit=3, seconds=None)
    assert ids == [1, 2, 3]
    assert tail.full


def test_jobs_that_are_gone_at_once_are_counted(session: Session, worker: Client) -> None:
    worker.use("mail")

    def meanwhile(nap: int) -> None:
        if nap == 2:
            for id in put(worker, "mail", *[b"x"] * 20)[:13]:
                worker.delete(id)

    worker.watch("mail")  # so that the tube stays
    ids, tail, _ = tailed(session, meanwhile, "mail")
    assert len(ids) == 7
    counts = tail.counts
    assert (counts.missed, counts.most_missed, counts.unread) == (13, 13, 0)
    assert counts.words == "7 jobs, and 13 jobs more were put, gone before they could be read"


def test_jobs_of_other_tubes_do_not_count_as_missed(session: Session, worker: Client) -> None:
    def meanwhile(nap: int) -> None:
        put(worker, "mail", b"x")
        for id in put(worker, "busy", *[b"x"] * 5):
            worker.delete(id)

    put(worker, "mail", b"x")
    _, tail, _ = tailed(session, meanwhile, "mail")
    assert tail.counts.missed == tail.counts.most_missed == 0
    _, tail, _ = tailed(session, meanwhile, "mai*")
    assert tail.counts.missed == 0
    assert tail.counts.words.endswith("gone before they could be read")
    assert " 0 to " in tail.counts.words


def test_a_burst_is_caught_up_with_and_what_is_too_much_is_left_out(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_jobs, "BEHIND", 3000)

    def meanwhile(nap: int) -> None:
        if nap == 1:
            for id in put(worker, "mail", *[b"x"] * 10_000)[-2000::2]:
                worker.delete(id)

    ids, tail, _ = tailed(session, meanwhile)
    counts = tail.counts
    assert len(ids) == 2000
    assert (counts.read, counts.missed, counts.unread) == (2000, 8000, 7000)
    assert counts.words == (
        "2,000 jobs, and 8,000 jobs more were put, of which 1,000 were gone before they could be read"
    )


def test_a_server_that_begins_anew_is_followed(
    open_session: Callable[..., Session], start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd()
    session = open_session(server.address)
    with Client(server.address) as client:
        put(client, "mail", *[b"old"] * 10)

    def meanwhile(nap: int) -> None:
        if nap == 3:
            with Client(server.address) as client:
                put(client, "mail", b"before")
        if nap == 6:
            server.stop(kill=True)
        if nap == 30:
            with Client(start_beanstalkd(port=server.port).address) as client:
                put(client, "mail", b"after", b"after")

    ids, tail, notes = tailed(session, meanwhile, "mail", seconds=10.0)
    assert ids == [11, 1, 2]
    assert notes[0].startswith("connection lost, trying again: ")
    assert sorted(notes[1:]) == [
        "connected again",
        "the server was restarted and begins with id 1 again; jobs put shortly before may be missing",
    ]
    assert tail.counts.missed == 0


def test_a_server_with_a_binlog_is_followed_over_a_restart(
    open_session: Callable[..., Session], start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    server = start_beanstalkd("-b", str(tmp_path), "-f0")
    with Client(server.address) as client:
        for id in put(client, "mail", *[b"old"] * 500)[400:]:
            client.delete(id)
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), "-f0", port=server.port)
    session = open_session(server.address)

    def meanwhile(nap: int) -> None:
        with Client(server.address) as client:
            if nap == 3:
                put(client, "mail", b"before")
        if nap == 6:
            server.stop(kill=True)
            again = start_beanstalkd("-b", str(tmp_path), "-f0", port=server.port)
            with Client(again.address) as client:
                put(client, "mail", b"after", b"after")

    bodies = []
    time = Time(meanwhile)
    tail = session._lookups.tail("mail", seconds=2.0, clock=time.clock, sleep=time.sleep)
    notes = []
    for batch in tail:
        bodies += [job.body for job in batch.jobs]
        notes += batch.notes
    assert bodies == [b"before", b"after", b"after"]
    assert any("goes on with its binlog" in note for note in notes)
    assert tail.counts.missed == 0


def test_redacted_values_stay_hidden(open_session: Callable[..., Session], worker: Client) -> None:
    session = open_session(redact=["token"])
    time = Time(lambda nap: put(worker, "mail", b'{"token": "s3cret"}') and None)
    (batch,) = islice(session._lookups.tail("mail", clock=time.clock, sleep=time.sleep), 1)
    assert batch.jobs[0].body is not None
    assert b"s3cret" not in batch.jobs[0].body


def test_python_gets_frames_like_those_of_jobs(session: Session, beanstalkd: Beanstalkd) -> None:
    over = threading.Event()

    def produce() -> None:
        with Client(beanstalkd.address) as client:
            while not over.wait(0.01):
                put(client, "mail", b'{"n": 1}')

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        frame = next(session.tail("mail"))
        assert frame.columns.equals(session.jobs("mail", limit=1).columns)
        assert frame.dtypes.equals(session.jobs("mail", limit=1).dtypes)
        assert frame.attrs == {"missed": 0, "notes": []}
        frames = list(session.tail("mail", limit=5, columns=["id", "data"], decoded=True))
    finally:
        over.set()
        producer.join()
    assert sum(map(len, frames)) == 5
    assert frames[0].data[0] == {"n": 1}
    assert list(session.tail(timeout=0.01)) == []


@pytest.mark.parametrize("wrong", [{"state": "burried"}, {"columns": "nothing"}, {"where": "("}, {"seconds": "soon"}])
def test_wrong_arguments_are_refused_at_once(session: Session, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        session.tail("mail", **wrong)


def test_idle_looks_get_rarer_and_busy_ones_rest_ten_times_as_long(session: Session, worker: Client) -> None:
    time = Time(lambda nap: None)
    before = worker.stats().cmd_stats
    list(session._lookups.tail("mail", seconds=60.0, clock=time.clock, sleep=time.sleep))
    assert worker.stats().cmd_stats - before < 75
    assert worker.stats().cmd_stats_job == 0


def test_a_session_that_is_closed_ends_it(session: Session, worker: Client) -> None:
    time = Time(lambda nap: session.close() if nap == 3 else None)
    with pytest.raises(ConnectionClosed, match="this session was closed"):
        list(session._lookups.tail("mail", clock=time.clock, sleep=time.sleep))
