"""The fast path and the usual one come to the same: outcomes, counts and what is on record."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
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
from beanops.session.execution.run import Run
from tests.proxies import Proxy
from tests.rounds import rounds


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
    """Return what the journal has of a run, but for its times, rounding the time of the put."""
    opened = Journal(journal)
    entries = opened.entries(run.id, bodies=True)
    opened.close()
    return [(entry.n, entry.intent._replace(created=None), entry.fate) for entry in entries]


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
