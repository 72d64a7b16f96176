"""The scan finds exactly the jobs that are there, and says what it knows."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.idmap import IdMaps
from beanops.jobs.scan import Scan
from beanops.jobs.select import select
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError, ConnectionLost
from tests.waits import until


def scan_of(client: Client, tube: str | None = None, idmap: IdMaps | None = None, **options: Any) -> Scan:
    how = {name: options.pop(name) for name in ("bodies", "probe", "max_rate", "polite", "sleep") if name in options}
    return Scan(lambda: client, select(tube, **options), IdMaps() if idmap is None else idmap, **how)


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
        deadline = time.monotonic() + 5
        while client.stats().cmd_put == 0 and time.monotonic() < deadline:
            pass
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

    scan = Scan(connected, select("mail"), IdMaps(), probe=True)
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
        scan = scan_of(client, "mail", probe=probe)
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
    pauses: list[float] = []
    list(scan_of(client, "mail", bodies=False, max_rate=1000, sleep=pauses.append))
    assert sum(pauses) == pytest.approx(3.0, rel=0.35)


def test_waiting_workers_get_their_time(client: Client, beanstalkd: Beanstalkd) -> None:
    put(client, "mail", 3000)
    pauses: list[float] = []
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as worker:
        worker.sendall(b"watch idle\r\nignore default\r\nreserve\r\n")
        deadline = time.monotonic() + 5
        while client.stats().current_waiting == 0 and time.monotonic() < deadline:
            pass
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


job = st.tuples(st.sampled_from(["a-1", "a-2", "b"]), st.sampled_from(["ready", "delayed", "buried", "gone"]))


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    with Beanstalkd() as server, Client(server.address) as client:
        yield client


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    jobs=st.lists(job, max_size=60),
    tube=st.sampled_from([None, "a-*", "b", "a-1"]),
    state=st.sampled_from([None, "ready", "buried", "delayed,buried"]),
    order=st.sampled_from(["newest", "oldest"]),
    limit=st.one_of(st.none(), st.integers(0, 20)),
)
def test_the_answer_is_the_truth(
    shared: Client, jobs: list[tuple[str, str]], tube: str | None, state: str | None, order: str, limit: int | None
) -> None:
    alive: dict[int, tuple[str, str]] = {}
    for name, fate in jobs:
        id = shared.put(name.encode(), tube=name, delay=1000 if fate == "delayed" else 0)
        alive[id] = (name, fate)
        if fate == "buried":
            bury(shared, [id])
        elif fate == "gone":
            shared.delete(id)
            del alive[id]
    selection = select(tube, state=state)
    truth = [
        id
        for id, (name, fate) in alive.items()
        if selection.in_tube(name) and (state is None or fate in state.split(","))
    ]
    truth = sorted(truth, reverse=order == "newest")[:limit]
    try:
        assert ids(scan_of(shared, tube, state=state, order=order, limit=limit)) == truth
    finally:
        for _ in shared.pipeline(map(commands.delete, alive)):
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
    assert scan.unlooked


def test_progress_is_reported_also_where_nothing_is_found(client: Client) -> None:
    wanted = put(client, "mail", 1)
    put(client, "noise", 3000)
    reports: list[Any] = []
    scan = Scan(lambda: client, select("mail"), IdMaps(), report=reports.append)
    assert ids(scan) == wanted
    assert len(reports) >= 3
    assert [report.looked for report in reports] == sorted(report.looked for report in reports)
    assert (reports[0].found, reports[0].expected) == (0, 1)
    assert reports[0].remaining + reports[0].looked == 3001
    assert reports[0].seconds_left > 0


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(client: Client, rate: float) -> None:
    with pytest.raises(ArgumentError, match="max_rate"):
        scan_of(client, max_rate=rate)
