"""The fast path and the usual one come to the same: outcomes, counts and what is on record."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.protocol import commands
from beanops.protocol.errors import ReplyError
from beanops.session.connect import connect
from beanops.session.execution import alike, executor, targets
from beanops.session.execution.alike_edits import AlikeEdits
from beanops.session.execution.run import Run
from tests.proxies import Proxy
from tests.rounds import rounds
from tests.session.conftest import fill
from tests.session.truth import check, jobs_by_id
from tests.waits import until


def stock(client: Client, dice: random.Random) -> list[int]:
    """Put jobs in all states."""
    ids = []
    for number in range(dice.choice([1, 30, 60])):
        client.use(dice.choice(["mail", "sms"]))
        delay = dice.choice([0, 0, 600])
        ids.append(client.put(b"%d\r\n" % number * dice.choice([1, 50]), priority=dice.randrange(9), delay=delay))
        if dice.random() < 0.4:
            client.reserve_job(ids[-1])
            client.bury(ids[-1], priority=3)
    return ids


def likes(client: Client, dice: random.Random) -> list[int]:
    """Put jobs of one tube that are ready once they are kicked."""
    client.use("mail")
    jobs, delays = range(dice.choice([1, 30, 60])), dice.choice([[0], [0, 0, 600]])
    ids = [client.put(b"%d\r\n" % number * dice.choice([1, 50]), delay=dice.choice(delays)) for number in jobs]
    for id in ids:
        if dice.random() < 0.4:
            client.reserve_job(id)
            client.bury(id, priority=3)
    return ids


def disturb(client: Client, ids: list[int], dice: random.Random) -> None:
    """Do what workers and operators may do between the lookup of a job and the action."""
    some = dice.sample(ids, int(len(ids) * dice.choice([0.0, 0.05, 0.5])))
    for id in some:
        what = dice.choice([commands.delete, commands.kick_job, commands.reserve_job])
        for answer in client.pipeline([what(id)]):
            assert answer is None or isinstance(answer, ReplyError) or answer.id == id


def act(address: str, journal: str, verb: str, ids: Any, options: dict[str, Any], keep_bodies: bool) -> Run:
    with connect(address, journal=journal, keep_bodies=keep_bodies) as session:
        return getattr(session, verb)(ids, **options)  # type: ignore[no-any-return]


def record(journal: str, run: Run) -> list[tuple[Any, ...]]:
    """Return what the journal has of a run, but for its times; of the time left of a delay it has the hundreds."""
    opened = Journal(journal)
    entries = opened.entries(run.id, bodies=True)
    opened.close()
    left = [entry.intent.time_left and round(entry.intent.time_left, -2) for entry in entries]
    return [
        (entry.n, entry.intent._replace(created=None, time_left=time), entry.fate)
        for entry, time in zip(entries, left, strict=True)
    ]


@rounds(12, 200)
def test_both_paths_have_the_same_outcomes(
    rounds: int, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [start_beanstalkd(), start_beanstalkd()]
    clients = [Client(server.address) for server in servers]
    monkeypatch.setattr(targets, "BATCH", 20)
    # The next batch is looked up when this one is done, so that both see the same.
    monkeypatch.setattr(executor, "ahead", lambda run, batches: nullcontext(batches))
    fast, intend = 0, executor.Ledger.intend

    def counted(*arguments: Any) -> None:
        nonlocal fast
        fast += 1
        carry_out(*arguments)

    carry_out = executor.carry_out
    monkeypatch.setattr(executor, "carry_out", counted)
    for round in range(rounds):
        runs, verbs = [], alike.ALIKE
        for usual, client, server in zip((False, True), clients, servers, strict=True):
            dice = random.Random(round)
            ids = stock(client, dice)
            verb, keep_bodies = dice.choice(["delete", "kick", "bury"]), dice.random() < 0.7
            options: dict[str, Any] = {"priority": 7} if verb == "bury" and dice.random() < 0.5 else {}
            options |= dice.choice([{}, {}, {"state": "buried"}, {"limit": 25}])
            asked: Any = dice.choice([ids, [*ids, 10**9], "*"])
            if asked == "*":
                options |= {"state": dice.choice(["buried", "delayed"])}

            def disturbed(
                self: Any, *arguments: Any, client: Client = client, dice: Any = dice, ids: Any = ids
            ) -> None:
                intend(self, *arguments)
                disturb(client, ids, dice)

            monkeypatch.setattr(executor.Ledger, "intend", disturbed)
            for module in (alike, targets):
                monkeypatch.setattr(module, "ALIKE", () if usual else verbs)
            journal = str(tmp_path / f"{usual}.sqlite")
            runs.append((act(server.address, journal, verb, asked, options, keep_bodies), journal))
            for module in (alike, targets):
                monkeypatch.setattr(module, "ALIKE", verbs)
            client.close()
            client.reconnect()
            for _ in client.pipeline(map(commands.delete, ids)):
                pass
        (made, one), (expected, other) = runs
        assert record(one, made) == record(other, expected), round
        assert made.summary.split(":", 1)[1] == expected.summary.split(":", 1)[1]
        assert made.reasons == expected.reasons
    assert fast >= rounds // 3
    for client in clients:
        client.close()


@pytest.mark.parametrize("fatal", [b"delete 57\r\n", b"bury 57 0\r\n", b"kick-job 57\r\n"])
def test_what_was_answered_before_the_connection_broke_is_done(
    fatal: bytes, beanstalkd: Beanstalkd, journal: str
) -> None:
    verb = fatal.split(b" ")[0].split(b"-")[0].decode()
    with Client(beanstalkd.address) as client, Proxy(beanstalkd.port, fatal=fatal) as proxy:
        ids = [client.put(b"x", priority=0) for _ in range(100)]
        if verb == "kick":
            for id in ids:
                client.reserve_job(id)
                client.bury(id, priority=0)
        run = act(proxy.address, journal, verb, ids, {}, True)
        assert (run.done, run.unknown) == (56, 44)
        assert run.stopped is not None
        gone, left = {"delete": ("", "ready"), "bury": ("buried", "ready"), "kick": ("ready", "buried")}[verb]
        stats = list(client.pipeline(map(commands.stats_job, ids)))
        states = ["" if isinstance(one, ReplyError) else one.state for one in stats]
        assert states == [gone] * 56 + [left] * 44
    fates = [fate.outcome for _, _, fate in record(journal, run)]
    assert fates == ["done"] * 56 + ["unknown"] * 44


@rounds(12, 200)
def test_both_paths_of_edits_have_the_same_outcomes(
    rounds: int, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [start_beanstalkd(), start_beanstalkd()]
    clients = [Client(server.address) for server in servers]
    monkeypatch.setattr(targets, "BATCH", 20)
    monkeypatch.setattr(executor, "ahead", lambda run, batches: nullcontext(batches))
    batches, steps, edits_of = 0, executor.edits_of, AlikeEdits.carry_out
    intend, recorded = executor.Ledger.intend, 0

    def counted(self: Any, *arguments: Any) -> None:
        nonlocal batches, recorded
        batches += 1
        edits_of(self, *arguments)
        recorded += self.done

    monkeypatch.setattr(AlikeEdits, "carry_out", counted)
    for round in range(rounds):
        runs = []
        for usual, client, server in zip((False, True), clients, servers, strict=True):
            dice = random.Random(round)
            if dice.random() < 0.2:
                ids, options = stock(client, dice), {"to": "mail"}
            else:
                ids, options = likes(client, dice), dice.choice([{"kick": True}, {"kick": True, "delay": 90}])

            def disturbed(
                self: Any, *arguments: Any, client: Client = client, dice: Any = dice, ids: Any = ids
            ) -> None:
                intend(self, *arguments)
                disturb(client, ids, dice)

            monkeypatch.setattr(executor.Ledger, "intend", disturbed)
            monkeypatch.setattr(executor, "edits_of", (lambda *_: None) if usual else steps)
            journal = str(tmp_path / f"{usual}.sqlite")
            with connect(server.address, journal=journal) as session:
                run = session.edit(ids, lambda text: f"new {text}".encode(), **options)
                assert session._context.held == frozenset()
            # The fast path puts all in their order, the usual one ready jobs last.
            entries = [
                (n, intent, fate._replace(new_id=None), bool(fate.new_id)) for n, intent, fate in record(journal, run)
            ]
            left = sorted(
                (job.stats.tube, job.stats.state, job.body) for batch in connect(server.address).scan() for job in batch
            )
            runs.append((entries, run.summary.split(":", 1)[1], run.reasons, left))
            client.close()
            client.reconnect()
            for _ in client.pipeline(map(commands.delete, range(1, client.stats().cmd_put + 1))):
                pass
        assert runs[0] == runs[1], round
    assert 0 < recorded < batches
    for client in clients:
        client.close()


@pytest.mark.parametrize("fatal", [b"reserve-job 57\r\n", b"\r\nnew 56\r\n", b"delete 57\r\n"])
def test_an_edit_whose_connection_breaks_knows_what_was_put_and_what_is_gone(
    fatal: bytes, beanstalkd: Beanstalkd, journal: str
) -> None:
    with Client(beanstalkd.address) as client, Proxy(beanstalkd.port, fatal=fatal) as proxy:
        ids = [client.put(b"%d" % number) for number in range(100)]
        with connect(proxy.address, journal=journal) as session:
            run = session.edit(ids, lambda text: f"new {text}".encode())
            assert run.stopped is not None
        deleted, was_put = (56 if b"delete" in fatal else 0), {b"r": 0, b"\r": 56, b"d": 100}[fatal[:1]]
        assert (run.done, run.unknown) == (deleted, 100 - deleted)
        until(lambda: client.stats().current_connections == 1)
        states = client.stats()
        assert (states.current_jobs_ready, states.current_jobs_reserved) == (100 + was_put - deleted, 0)
        entries = record(journal, run)
        assert [fate.new_id for _, _, fate in entries] == [*range(101, 101 + was_put), *[None] * (100 - was_put)]
        bodies = {client.peek(id).body for id in range(deleted + 1, 101 + was_put)}
        assert {body.removeprefix(b"new ") for body in bodies} == {b"%d" % number for number in range(100)}


@rounds(5, 30)
def test_killed_in_a_large_batch_nothing_is_gone_without_an_intent(
    rounds: int, beanstalkd: Beanstalkd, worker: Client, journal: str
) -> None:
    """Large batches are under way for long, so that a kill meets them while replies arrive."""
    dice, opened, torn = random.Random(1), Journal(journal), 0
    command = [sys.executable, "-m", "tests.session.victim", beanstalkd.address, journal, "200"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as victims:
        assert victims.stdin is not None
        assert victims.stdout is not None
        for _ in range(rounds):
            for _ in worker.pipeline(map(commands.delete, jobs_by_id(worker))):
                pass
            verb = dice.choice(["delete", "kick", "bury"])
            fill(worker, "mail", "buried" if verb == "kick" else "ready", 600)
            before, wanted = jobs_by_id(worker), dice.randrange(600)
            victims.stdin.write(f"{verb} {' '.join(map(str, before))}\n")
            pid = int(victims.stdout.readline())
            changed = partial(_changed, worker, verb, 600)
            until(lambda: changed() >= wanted)  # noqa: B023
            with suppress(ProcessLookupError):  # it was faster
                os.kill(pid, signal.SIGKILL)
            assert int(victims.stdout.readline()) in (0, signal.SIGKILL)
            until(lambda: worker.stats().current_connections == 1)
            entries = check(opened, opened.runs()[0], before, worker)
            torn += sum(entry.fate.outcome == "unknown" for entry in entries) > 0
        victims.stdin.close()
    opened.close()
    if rounds == 30:
        assert torn > rounds / 10


def _changed(client: Client, verb: str, jobs: int) -> int:
    """Return how many jobs a verb has changed so far."""
    stats = client.stats()
    counts = {"kick": stats.current_jobs_ready, "bury": stats.current_jobs_buried}
    return counts.get(verb, jobs - stats.current_jobs_ready)
