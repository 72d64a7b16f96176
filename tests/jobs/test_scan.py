"""The scan finds exactly the jobs that are there, and says what it knows."""

from __future__ import annotations

import os
import signal
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops.client.reading import ReadingClient
from beanops.client.sync import Client
from beanops.embedded import serve
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search import completeness
from beanops.jobs.search.fresh_stats import FreshStats
from beanops.jobs.search.id_map import IdMaps
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import select
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError, ConnectionLost
from tests.waits import until


def scan_of(client: Client, tube: str | None = None, idmap: IdMaps | None = None, **options: Any) -> Scan:
    names = ("bodies", "probe", "rate", "polite", "progress", "clock", "sleep")
    how = {name: options.pop(name) for name in names if name in options}
    return Scan(lambda: client, select(tube, **options), IdMaps() if idmap is None else idmap, **how)


class Time:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class After:
    """A client that waits for each answer; once, after those to some commands, something happens."""

    def __init__(self, client: Client, asked: str, happens: Callable[[], object]) -> None:
        self._client = client
        self._asked = asked
        self._happens: Callable[[], object] | None = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def pipeline(self, asked: Iterable[Any]) -> Iterator[Any]:
        """Answer the commands."""
        met = False
        try:
            for command in asked:
                if met and not command.line.startswith(self._asked):
                    self._happen()
                (answer,) = self._client.pipeline([command])
                met = command.line.startswith(self._asked)
                yield answer
        finally:
            if met:
                self._happen()

    def _happen(self) -> None:
        if self._happens is not None:
            happens, self._happens = self._happens, None
            happens()


def put_and_delete(client: Client) -> int:
    id = client.put(b"probe", delay=1000, tube="probe")
    client.delete(id)
    return id


def ids(scan: Scan) -> list[int]:
    return [job.id for batch in scan for job in batch]


def put(client: Client, tube: str, count: int, **settings: int) -> list[int]:
    client.use(tube)
    made = [id for id in client.pipeline(commands.put(b"job", **settings) for _ in range(count)) if isinstance(id, int)]
    client.use("default")
    return made


def bury(client: Client, ids: list[int]) -> None:
    pairs = [step for id in ids for step in (commands.reserve_job(id), commands.bury(id, priority=1))]
    assert all(not isinstance(result, Exception) for result in client.pipeline(pairs))


def test_every_state_is_found_and_nothing_else(client: Client, beanstalkd: Beanstalkd) -> None:
    ready = put(client, "mail", 5)
    delayed = put(client, "mail", 3, delay=1000)
    buried = put(client, "mail", 4)
    bury(client, buried)
    put(client, "other", 5)
    gone = put(client, "mail", 5)
    for id in gone:
        client.delete(id)
    with Client(beanstalkd.address) as worker:
        reserved = worker.reserve_job(ready.pop()).id
        states = {state: ids(scan_of(client, "mail", state=state)) for state in ("ready", "delayed", "buried")}
        assert states == {"ready": ready[::-1], "delayed": delayed[::-1], "buried": buried[::-1]}
        assert ids(scan_of(client, "mail", state="reserved")) == [reserved]
        everything = scan_of(client, "mail")
        assert sorted(ids(everything)) == sorted([*ready, *delayed, *buried, reserved])
        assert everything.verdict == "complete: 12 found"


def test_bodies_come_as_they_were_put(client: Client) -> None:
    bodies = [b"", b"x" * 65535, b"line\r\ndelete 1\r\n", bytes(range(256))]
    for body in bodies:
        client.put(body, tube="bodies")
    found = [job.body for batch in scan_of(client, "bodies", order="oldest") for job in batch]
    assert found == bodies
    assert [job.body for batch in scan_of(client, "bodies", bodies=False) for job in batch] == [None] * 4


def test_a_job_that_is_still_being_put_is_found_as_invalid(client: Client, beanstalkd: Beanstalkd) -> None:
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as slow:
        slow.sendall(b"put 0 0 60 100\r\nonly the beginning")
        until(lambda: client.stats().cmd_put == 1)
        assert ids(scan_of(client, state="invalid", bodies=False)) == [1]
        assert ids(scan_of(client)) == []


def test_tube_names_that_look_like_numbers_and_globs_are_names(client: Client) -> None:
    made = {tube: put(client, tube, 2) for tube in ("123", "true", "mail-eu", "mail-us")}
    assert ids(scan_of(client, "123")) == made["123"][::-1]
    assert ids(scan_of(client, "true")) == made["true"][::-1]
    assert sorted(ids(scan_of(client, "mail-*"))) == sorted(made["mail-eu"] + made["mail-us"])
    assert ids(scan_of(client, "no-such-*")) == []


def test_the_newest_page_looks_at_few_ids(client: Client) -> None:
    made = put(client, "mail", 20_000)
    scan = scan_of(client, "mail", limit=50)
    assert ids(scan) == made[:-51:-1]
    assert scan.progress.looked < 500
    assert scan.verdict == "the newest 50; no more were looked for"


def test_the_oldest_page_comes_oldest_first(client: Client) -> None:
    made = put(client, "mail", 1000)
    assert ids(scan_of(client, "mail", limit=20, order="oldest")) == made[:20]


def test_a_scan_ends_when_all_are_accounted_for(client: Client) -> None:
    put(client, "noise", 20_000)
    wanted = put(client, "mail", 10)
    scan = scan_of(client, "mail")
    assert ids(scan) == wanted[::-1]
    assert scan.complete
    assert scan.progress.looked < 2000


def test_the_second_scan_looks_only_at_what_can_have_changed(client: Client) -> None:
    put(client, "noise", 3000)
    put(client, "mail", 10)
    gone = put(client, "mail", 3000)
    for _ in client.pipeline(map(commands.delete, gone)):
        pass
    last = put(client, "mail", 1)
    idmap = IdMaps()
    first = ids(scan_of(client, idmap=idmap))
    asked = client.stats().cmd_stats_job
    again = put(client, "mail", 1)
    assert ids(scan_of(client, "mail", idmap=idmap)) == [*again, *[id for id in first if id > 3000]]
    assert client.stats().cmd_stats_job - asked < 50
    assert last[0] in first


def test_given_ids_are_looked_at_and_no_others(client: Client) -> None:
    made = put(client, "mail", 10)
    scan = scan_of(client, ids=[made[3], made[5], 10**12])
    assert ids(scan) == [made[5], made[3]]
    assert scan.complete
    assert ids(scan_of(client, ids=f"{made[0]}-{made[2]}")) == made[2::-1]


def test_a_predicate_narrows_the_scan_and_its_limit(client: Client) -> None:
    client.use("mail")
    made = [client.put(b'{"user": %d}' % (number % 3)) for number in range(30)]
    assert ids(scan_of(client, where="data->>'$.user' = '1'")) == made[28::-3]
    assert ids(scan_of(client, where="data->>'$.user' = '1'", limit=2)) == [made[28], made[25]]
    few = scan_of(client, where=f"id <= {made[4]}")
    assert ids(few) == made[4::-1]
    peeks = client.stats().cmd_peek
    assert ids(scan_of(client, where=f"id <= {made[4]}")) == made[4::-1]
    assert client.stats().cmd_peek - peeks == 5


def test_jobs_that_come_and_go_meanwhile_are_no_error(client: Client, beanstalkd: Beanstalkd) -> None:
    stay = put(client, "mail", 3000)
    leave = put(client, "mail", 3000)
    found: list[int] = []
    with Client(beanstalkd.address) as other:
        for batch in scan_of(client, "mail", bodies=False):
            found += [job.id for job in batch]
            for id in leave[:500]:
                other.delete(id)
            leave = leave[500:]
            other.put(b"new", tube="mail")
    assert set(stay) <= set(found)
    assert len(found) == len(set(found))


def test_equal_counts_do_not_end_a_scan_while_jobs_move(client: Client, beanstalkd: Beanstalkd) -> None:
    """One buried job leaves after it was found, another is buried above: the third must still be found."""
    old = put(client, "mail", 1)
    bury(client, old)
    put(client, "mail", 6000)
    young = put(client, "mail", 1)
    bury(client, young)
    middle = put(client, "mail", 1000)
    found: list[int] = []
    scan = scan_of(client, "mail", state="buried", bodies=False)
    blocks = iter(scan)
    with Client(beanstalkd.address) as other:
        found += [job.id for job in next(blocks)]
        assert found == young
        other.kick_job(young[0])
        bury(other, [middle[0] - 2000])
        found += [job.id for batch in blocks for job in batch]
    assert set(old) <= set(found)


def test_a_look_in_vain_does_not_hide_that_jobs_moved(
    client: Client, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One buried job leaves after it was found and another comes; then nothing moves any more."""
    monkeypatch.setattr(completeness, "_PATIENCE", 1)
    made = put(client, "mail", 10_000)
    old, come, young = made[9], made[7000], made[-10]
    bury(client, [old, young])
    found: list[int] = []
    scan = scan_of(client, "mail", state="buried", bodies=False)
    blocks = iter(scan)
    with Client(beanstalkd.address) as other:
        found += [job.id for job in next(blocks)]
        other.kick_job(young)
        bury(other, [come])
        found += [job.id for batch in blocks for job in batch]
    assert found == [young, come, old]
    assert scan.complete


def test_a_job_that_leaves_after_it_was_looked_at_again_stands_for_no_other(client: Client) -> None:
    missing, found = put(client, "mail", 2)
    bury(client, [missing, found])
    asked: Any = After(client, "stats-job", lambda: client.kick_job(found))
    kept = completeness.Account(asked, select(state="buried"))
    kept.found.append(found)
    put(client, "mail", 1)
    assert not kept.holds(asked)
    assert client.stats().current_jobs_buried == 1


def test_jobs_that_stay_are_all_whatever_other_tubes_do(client: Client) -> None:
    made = put(client, "mail", 2)
    bury(client, made)
    asked: Any = After(client, "stats-job", lambda: put(client, "other", 1))
    kept = completeness.Account(asked, select("mail", state="buried"))
    kept.found.extend(made)
    put(client, "other", 1)
    assert kept.holds(asked)


def test_jobs_that_were_found_outlive_an_error_after_them(client: Client) -> None:
    for _ in client.pipeline(map(commands.delete, put(client, "mail", 3000))):
        pass
    made = put(client, "mail", 5)

    def fail() -> None:
        raise ConnectionLost("it broke")

    asked: Any = After(client, "stats-job", lambda: setattr(asked, "stats", fail))
    scan = Scan(lambda: asked, select(), IdMaps(), bodies=False)
    batches = iter(scan)
    found = [job.id for job in next(batches)]
    with pytest.raises(ConnectionLost):
        next(batches)
    del asked.stats
    assert [*found, *ids(scan)] == made[::-1]
    assert scan.verdict == "complete: 5 found"


def test_a_scan_is_complete_when_the_bodies_are_read(client: Client) -> None:
    put(client, "noise", 1000)
    put(client, "mail", 5)
    scan: Scan = scan_of(client, "mail", progress=lambda progress: scan.cancel())
    assert ids(scan) == []
    assert not scan.complete
    assert scan.verdict == "incomplete: 5 of 5 found, 5 of them not read; not looked at: nothing"
    assert len(ids(scan)) == 5
    assert scan.verdict == "complete: 5 found"


def test_reading_the_bodies_asks_for_no_job_again(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> None:
    """With a binlog nothing tells that the ids end; but all jobs were found before others came."""
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        client.use("mail")
        for _ in client.pipeline(commands.put(b"x" * 10_000) for _ in range(3840)):
            pass
        scan = scan_of(client, "mail")
        found: list[Any] = []
        known = 0
        for batch in scan:
            found += batch
            if known == 3840:
                client.put(b"new", tube="mail")
            known = scan.progress.found
        assert len(found) == 3840
        assert scan.verdict == "complete: 3,840 found"
        assert scan.progress.looked == 3840


def test_a_page_of_a_restarted_server_needs_no_full_scan(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    """The only hint is then the oldest job."""
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        made = put(client, "mail", 50_000)
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), port=server.port)
    with Client(server.address) as client:
        scan = scan_of(client, "mail", limit=50)
        assert ids(scan) == made[:-51:-1]
        assert scan.verdict == f"the newest 50 of the ids up to {made[-1]}; no more were looked for"
        assert client.stats().cmd_stats_job < 10_000


def test_the_search_for_the_highest_id_is_polite_and_can_be_cancelled(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    with Client(start_beanstalkd("-b", str(tmp_path)).address) as client:
        made = put(client, "mail", 10)
        moment = Time()
        scan: Scan = scan_of(
            client, rate=100, clock=moment, sleep=moment.sleep, progress=lambda progress: scan.cancel()
        )
        assert ids(scan) == []
        assert scan.verdict == "incomplete: nothing was looked at"
        assert moment.now == pytest.approx(2.56)
        reports: list[Any] = []
        scan = scan_of(client, progress=reports.append)
        assert ids(scan) == made[::-1]
        assert len(reports) > 2


def test_a_cancel_before_the_first_step_is_heard_and_in_the_middle_of_a_pause(client: Client) -> None:
    made = put(client, "mail", 10)
    scan = scan_of(client, "mail")
    scan.cancel()
    assert ids(scan) == []
    assert ids(scan) == made[::-1]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        slow.cancel()

    slow = scan_of(client, rate=0.01, bodies=False, sleep=sleep)
    assert len(ids(slow)) == 1
    assert sum(slept) < 1


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_an_id_that_is_given_out_while_it_is_asked_for_is_found_by_the_next_scan(client: Client, order: str) -> None:
    """The first of them had no job yet when it was asked for, the second had."""
    asked: Any = After(client, "stats-job 1" if order == "oldest" else "stats-job 2", lambda: put(client, "mail", 2))
    known = IdMaps()
    first = Scan(lambda: asked, select(ids=range(1, 3), order=order), known)
    assert ids(first) == ([2] if order == "oldest" else [1])
    assert ids(scan_of(client, idmap=known, order="oldest")) == [1, 2]


def test_threads_may_share_what_is_known() -> None:
    """A tube is learned of while another scan goes through those that are known."""
    known = IdMaps()["server"]
    known.learn(1, "mail")

    def matches(tube: str) -> bool:
        known.learn(2, "other")
        return tube == "mail"

    assert known.candidates(range(1, 3), matches) == [1]


def test_knowing_that_jobs_are_gone_takes_little_memory() -> None:
    known = IdMaps()["server"]
    tracemalloc.start()
    known.forget(range(1, 100_000), 200_000)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 100_000
    known.learn(50_000, "mail")
    assert known.candidates(range(1, 100_001), lambda tube: True) == [50_000, 100_000]


def test_a_cancelled_scan_goes_on_where_it_stopped(client: Client) -> None:
    made = put(client, "mail", 5000)
    scan = scan_of(client, "mail")
    found: list[int] = []
    for batch in scan:
        found += [job.id for job in batch]
        scan.cancel()
    assert 0 < len(found) < 5000
    assert scan.verdict.startswith("incomplete: ")
    assert "not looked at: ids 1 to " in scan.verdict
    assert not scan.sure
    found += ids(scan)
    assert found == made[::-1]
    assert scan.complete


def test_a_scan_survives_the_loss_of_its_server(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> None:
    server = start_beanstalkd("-b", str(tmp_path))
    client = Client(server.address)
    made = put(client, "mail", 5000)

    def connected() -> Client:
        if client.closed:
            client.reconnect()
        return client

    scan = Scan(connected, select("mail"), IdMaps(), probe=lambda: put_and_delete(client))
    found: list[int] = []
    batches = iter(scan)
    found += [job.id for job in next(batches)]
    server.stop(kill=True)
    with pytest.raises(ConnectionLost):
        next(batches)
    start_beanstalkd("-b", str(tmp_path), port=server.port)
    found += ids(scan)
    assert found == made[::-1]
    client.close()


@pytest.mark.parametrize("probe", [False, True])
def test_ids_far_from_the_counters_after_a_restart_from_the_binlog(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, probe: bool
) -> None:
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        for _ in client.pipeline(map(commands.delete, put(client, "mail", 30_000))):
            pass
        kept = put(client, "mail", 40)
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), port=server.port)
    with Client(server.address) as client:
        assert client.stats().total_jobs < 100
        scan = scan_of(client, "mail", probe=(lambda: put_and_delete(client)) if probe else None)
        assert ids(scan) == kept[::-1]
        assert scan.complete
        assert scan.bound is not None
        assert scan.bound.exact is probe
        assert client.list_tubes() == ["default", "mail"]


def test_a_draining_server_is_scanned_all_the_same(client: Client, beanstalkd: Beanstalkd) -> None:
    made = put(client, "mail", 3)
    os.kill(beanstalkd.pid, signal.SIGUSR1)
    assert ids(scan_of(client, "mail")) == made[::-1]


def test_a_rate_is_kept_by_pausing(client: Client) -> None:
    put(client, "mail", 3000)
    moment = Time()
    list(scan_of(client, "mail", bodies=False, rate=1000, clock=moment, sleep=moment.sleep))
    assert moment.now == pytest.approx(3.0, abs=0.25)  # nobody waits after the last block


def test_waiting_workers_get_their_time(client: Client, beanstalkd: Beanstalkd) -> None:
    put(client, "mail", 3000)
    pauses: list[float] = []
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as worker:
        worker.sendall(b"watch idle\r\nignore default\r\nreserve\r\n")
        until(lambda: client.stats().current_waiting == 1)
        list(scan_of(client, "mail", sleep=pauses.append))
        assert pauses
        pauses.clear()
        list(scan_of(client, "mail", sleep=pauses.append, polite=False))
        assert not pauses


def test_looking_leaves_no_trace(client: Client) -> None:
    put(client, "mail", 100)
    before = client.stats()
    list(scan_of(client, "mail"))
    after = client.stats()
    assert after.current_workers == 0
    assert after.cmd_put == before.cmd_put
    assert client.list_tube_used() == "default"
    assert [job.reserves for job in (client.stats_job(1), client.stats_job(100))] == [0, 0]


FATES = ["ready", "delayed", "buried", "reserved", "gone"]
JOB = st.tuples(st.sampled_from(["a-1", "a-2", "b"]), st.sampled_from(FATES))
#: Predicates, and what they mean of an id, a tube and a body, which is the tube's name.
WHERE: dict[str | None, Callable[[int, str], bool]] = {
    None: lambda number, tube: True,
    "id % 2 = 0": lambda number, tube: number % 2 == 0,
    "body like '%1'": lambda number, tube: tube == "a-1",
    "tube <> 'b' and size = 3": lambda number, tube: tube != "b",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Client, Client, IdMaps]]:
    """Give clients of one server, and what all scans of it learn."""
    with Beanstalkd() as server, Client(server.address) as client, Client(server.address) as worker:
        yield client, worker, IdMaps()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(JOB, max_size=60),
    tube=st.sampled_from([None, "a-*", "b", "a-1"]),
    state=st.sampled_from([None, "ready", "buried", "reserved", "delayed,buried"]),
    where=st.sampled_from(list(WHERE)),
    order=st.sampled_from(["newest", "oldest"]),
    limit=st.one_of(st.none(), st.integers(0, 20)),
    bodies=st.booleans(),
)
def test_the_answer_is_the_truth(
    shared: tuple[Client, Client, IdMaps],
    jobs: list[tuple[str, str]],
    tube: str | None,
    state: str | None,
    where: str | None,
    order: str,
    limit: int | None,
    bodies: bool,
) -> None:
    client, worker, known = shared
    alive: dict[int, tuple[str, str]] = {}
    for name, fate in jobs:
        id = client.put(name.encode(), tube=name, delay=1000 if fate == "delayed" else 0)
        alive[id] = (name, fate)
        if fate == "buried":
            bury(client, [id])
        elif fate == "reserved":
            worker.reserve_job(id)
        elif fate == "gone":
            client.delete(id)
            del alive[id]
    selection = select(tube, state=state)
    truth = [
        id
        for id, (name, fate) in alive.items()
        if selection.in_tube(name) and (state is None or fate in state.split(",")) and WHERE[where](id, name)
    ]
    truth = sorted(truth, reverse=order == "newest")[:limit]
    how: dict[str, Any] = {"state": state, "where": where, "order": order, "limit": limit, "bodies": bodies}
    try:
        assert ids(scan_of(client, tube, idmap=known, **how)) == truth
    finally:
        for _ in worker.pipeline(map(commands.delete, alive)):
            pass


def test_a_job_that_is_still_being_put_counts_for_no_other(client: Client, beanstalkd: Beanstalkd) -> None:
    old = put(client, "mail", 1)
    put(client, "noise", 5000)
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as slow:
        slow.sendall(b"use mail\r\nput 0 0 60 100\r\nonly the beginning")
        until(lambda: client.stats().cmd_put == 5002)
        assert ids(scan_of(client, "mail")) == old
        ((unfinished,),) = list(scan_of(client, state="invalid"))
        assert (unfinished.stats.state, unfinished.body) == ("invalid", None)


def test_what_was_drained_is_not_asked_for_again(client: Client) -> None:
    """Ids above the highest job may still be given out, unless as many jobs were put."""
    kept = put(client, "mail", 1)
    for _ in client.pipeline(map(commands.delete, put(client, "mail", 5000))):
        pass
    idmap = IdMaps()
    assert ids(scan_of(client, idmap=idmap)) == kept
    asked = client.stats().cmd_stats_job
    assert ids(scan_of(client, idmap=idmap)) == kept
    assert client.stats().cmd_stats_job - asked < 10


def test_a_range_of_ids_is_never_spelt_out(client: Client) -> None:
    made = put(client, "mail", 10)
    scan = scan_of(client, ids="1-18446744073709551615", limit=3, order="oldest")
    assert ids(scan) == made[:3]
    assert scan.progress.remaining > 2**63
    assert scan.verdict == "the oldest 3; no more were looked for"


def test_progress_is_reported_also_where_nothing_is_found(client: Client) -> None:
    wanted = put(client, "mail", 1)
    put(client, "noise", 3000)
    reports: list[Any] = []
    scan = Scan(lambda: client, select("mail"), IdMaps(), progress=reports.append)
    assert ids(scan) == wanted
    assert len(reports) >= 3
    assert [report.looked for report in reports] == sorted(report.looked for report in reports)
    assert (reports[0].found, reports[0].expected) == (0, 1)
    assert reports[0].remaining + reports[0].looked == 3001
    assert reports[0].seconds_left > 0


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_is_above_zero(client: Client, rate: float) -> None:
    with pytest.raises(ArgumentError, match="rate"):
        scan_of(client, rate=rate)


# The newest of a server that went on from an unknown id.


Restarted = Callable[[list[range]], Client]


@pytest.fixture
def restarted(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> Iterator[Restarted]:
    """Give a client of a server that has been started again, with jobs in a tube at some ids only."""
    clients: list[Client] = []

    def start(kept: list[range]) -> Client:
        server = start_beanstalkd("-b", str(tmp_path))
        with Client(server.address) as client:
            made = put(client, "mail", kept[-1][-1])
            wanted = {id for part in kept for id in part}
            for _ in client.pipeline(commands.delete(id) for id in made if id not in wanted):
                pass
        server.stop()
        server = start_beanstalkd("-b", str(tmp_path), port=server.port)
        clients.append(Client(server.address))
        return clients[0]

    yield start
    for client in clients:
        client.close()


CLUSTERS = [
    [range(1, 101), range(2901, 3001)],
    [range(1, 2), range(3000, 3001)],
    [range(5, 10), range(900, 901), range(2500, 2502), range(7990, 7991)],
    [range(1, 50), range(25_000, 25_040), range(40_000, 40_100)],
]


@pytest.mark.parametrize("kept", CLUSTERS)
def test_the_newest_is_the_newest_after_a_restart(restarted: Restarted, kept: list[range]) -> None:
    client = restarted(kept)
    alive = [id for part in kept for id in part]
    scan = scan_of(client, "mail", limit=3)
    assert ids(scan) == alive[:-4:-1]
    assert scan.sure
    everything = scan_of(client, "mail")
    assert ids(everything) == alive[::-1]
    assert everything.sure
    assert everything.verdict == f"complete: {len(alive)} found"
    some = scan_of(client, "mail", state="ready", where="id % 2 = 1", limit=2)
    assert ids(some) == [id for id in alive[::-1] if id % 2][:2]
    oldest = scan_of(client, "mail", limit=3, order="oldest")
    assert ids(oldest) == alive[:3]
    assert oldest.sure


def test_a_lone_job_far_above_is_never_quietly_missing(restarted: Restarted) -> None:
    """Nothing leads to it, and more jobs are below than are looked at for a page."""
    client = restarted([range(1, 10_001), range(61_001, 61_002)])
    page = scan_of(client, "mail", limit=2)
    assert ids(page) == [61_001, 10_000] or page.doubt == "newer jobs may have ids above 10000"
    assert page.sure is (page.doubt == "")
    everything = scan_of(client, "mail")
    found = ids(everything)
    assert sorted(found) == [*range(1, 10_001), 61_001]
    assert everything.complete
    assert everything.sure is (found[0] == 61_001)
    assert everything.sure or everything.conclusion == "complete: 10,001 found; jobs with higher ids came last"


def test_ids_that_go_on_after_several_restarts(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> None:
    server, made = start_beanstalkd("-b", str(tmp_path)), []
    for _ in range(3):
        with Client(server.address) as client:
            made += put(client, "mail", 5)
            gone = put(client, "mail", 1500)
            for _ in client.pipeline(map(commands.delete, gone[:-1])):
                pass
            made.append(gone[-1])
            scan = scan_of(client, "mail", limit=3)
            assert ids(scan) == made[:-4:-1]
            assert scan.sure
        server.stop()
        server = start_beanstalkd("-b", str(tmp_path), port=server.port)


# Counts are of what is meant.


@pytest.mark.parametrize("where", ["id > 31", "data->>'$.user' = '1' and id > 13"])
def test_a_verdict_counts_what_the_predicate_leaves(client: Client, where: str) -> None:
    client.use("mail")
    made = [client.put(b'{"user": %d}' % (number % 3)) for number in range(40)]
    reports: list[Any] = []
    scan = Scan(lambda: client, select("mail", where=where), IdMaps(), progress=reports.append)
    assert len(ids(scan)) == 9
    assert len(made) == 40
    assert scan.verdict == "complete: 9 found"
    assert (reports[-1].found, reports[-1].expected) == (9, None)
    oldest = scan_of(client, "mail", where=where, order="-age", limit=4)
    assert len(ids(oldest)) == 4
    assert oldest.verdict == "complete: 9 found, the first 4 by -age"


# Servers that keep their statistics for a while.


def test_what_was_put_a_moment_ago_is_found_where_statistics_are_kept() -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    with serve(stats_kept=0.3) as address, Client(address) as client:
        client.stats()
        made = put(client, "mail", 20)
        for selection in ({}, {"tube": "mail"}, {"tube": "mail", "state": "ready", "limit": 3}):
            scan = scan_of(client, **selection, sleep=sleep)
            assert ids(scan) == made[::-1][: selection.get("limit")]
            assert scan.sure
            made += put(client, "mail", 1)
        assert slept


def test_the_youngest_are_waited_for_and_only_where_that_is_needed(client: Client) -> None:
    """The clock of the server is the one that moves while the scan sleeps."""
    moment = Time()
    asks = FreshStats(moment, moment.sleep)
    answers = [client.stats() for _ in range(6)]
    frozen, renewed = answers[0], answers[5]

    class Kept:
        """Answers from a cache until half a second has gone by."""

        def stats(self) -> Any:
            return frozen if moment.now < 0.5 else renewed

        def pipeline(self, asked: Iterable[Any]) -> Iterator[Any]:
            return (self.stats() for _ in asked)

    assert asks(Kept()) is renewed  # type: ignore[arg-type]
    assert moment.now == pytest.approx(0.5, abs=0.1)
    honest = Time()
    FreshStats(honest, honest.sleep)(client)
    assert honest.now == 0


def test_no_job_gets_the_body_of_another_one_after_a_restart(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()

    def fill(tube: str) -> None:
        with Client(server.address) as client:
            client.use(tube)
            list(client.pipeline([commands.put(b"of %s" % tube.encode()) for _ in range(600)]))

    fill("before")
    with ReadingClient(server.address) as client:
        scan = scan_of(client, polite=False)
        batches = iter(scan)
        found = next(batches)
        server.stop()
        server = start_beanstalkd(port=server.port)
        fill("since")
        found += [job for batch in batches for job in batch]
    assert len(found) == 600
    assert {job.stats.tube for job in found} == {"before", "since"}
    assert all(job.body == b"of %s" % job.stats.tube.encode() for job in found)
    assert len({job.id for job in found}) == 600
