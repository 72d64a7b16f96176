"""Commands that are all alike end as the same commands do one by one, whatever the server answers."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from beanops import Client, errors
from beanops.client import opening, sync, wire
from beanops.client.alike import Alike, Buries, Changes, Looks
from beanops.client.alike_puts import Puts, Reserves, ToPut
from beanops.client.reading import ReadingClient
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Job, JobStats
from tests.rounds import rounds

#: How results begin that are errors.
ERROR_NAMES = ("NotFound", "OutOfMemory", "InternalError", "Draining", "BadFormat", "UnknownCommand")
ERRORS = [
    b"NOT_FOUND\r\n",
    b"OUT_OF_MEMORY\r\n",
    b"INTERNAL_ERROR\r\n",
    b"DRAINING\r\n",
    b"NOT_FOUN",
    b"D\r\n",
    b"\r\n",
    b"x" * 300,
]


REST = """\
delay: 0
ttr: 60
time-left: 0
file: 0
reserves: 0
timeouts: 0
releases: 0
buries: 1
kicks: 0
"""
#: How an answer to ``stats-job`` may be unusual.
UNUSUAL = [
    ("pri: 5", "pri: -5"),
    ("pri: 5", "prio: 5"),
    ("kicks", "news: 1\nkicks"),
    ("---\n", ""),
    ("ttr: 60\n", ""),
    ("state: ", "state:"),
    ("file: 0", "file: 999999999999999999999"),
    ("---", "---\n---"),
    ("kicks: 0\n", "kicks: 0"),
    ("age", "\0age"),
    ("delay: 0\nttr: 60", "ttr: 60\ndelay: 0"),
    ("id: ", "id: 1"),
]


BODIES = [b"", b"\r\n", b"INSERTED 5\r\n", b"x" * 100, b"\0\xff"]
#: How an answer to ``put`` may be unusual.
UNUSUAL_PUTS = [
    b"BURIED 7\r\n",
    b"JOB_TOO_BIG\r\n",
    b"EXPECTED_CRLF\r\n",
    b"INSERTED\r\n",
    b"INSERTED \r\n",
    b"INSERTED -1\r\n",
    b"INSERTED 1_0\r\n",
    b"INSERTED 5 \r\n",
    b"INSERTED 5\n",
    b"INSERTED 99999999999999999999999\r\n",
    b"INSERTED 18446744073709551616\r\n",
    b"INSERTED 007\r\n",
]


class CutSocket:
    """A socket that answers once it was sent everything, in pieces, and then ends, breaks or stays silent."""

    def __init__(self, size: int, pieces: list[bytes], end: str) -> None:
        self._left = size
        self._pieces = pieces
        self._end = end
        self._waits = 0

    def send(self, data: Any) -> int:
        self._left -= len(data)
        return len(data)

    def recv(self, _: int) -> bytes:
        self._waits += 1
        if self._left > 0 or (self._waits % 3 == 0 and self._pieces):
            raise BlockingIOError
        if self._pieces:
            return self._pieces.pop(0)
        if self._end == "breaks":
            raise ConnectionResetError(104, "Connection reset by peer")
        if self._end == "is silent":
            raise BlockingIOError
        return b""

    def is_silent(self) -> bool:
        return not self._pieces and self._left <= 0 and self._end == "is silent"

    def shutdown(self, _: int) -> None:
        pass

    def close(self) -> None:
        pass


def cut(dice: random.Random, data: bytes) -> list[bytes]:
    """Cut bytes at random places."""
    places = sorted(dice.randrange(1, max(2, len(data))) for _ in range(dice.choice([0, 1, 3, 40])))
    return [
        piece for start, stop in zip([0, *places], [*places, len(data)], strict=True) if (piece := data[start:stop])
    ]


def stats_of(dice: random.Random, id: int) -> bytes:
    """Answer ``stats-job``, mostly as a server does."""
    tube = dice.choice(["default", '"default"', "mail", "gr\xf6\xdfer"])
    state = dice.choice(["ready", "ready", "buried"])
    text = f"---\nid: {id}\ntube: {tube}\nstate: {state}\npri: 5\nage: {dice.randrange(3)}\n" + REST
    if dice.random() < 0.02:
        old, new = dice.choice(UNUSUAL)
        text = text.replace(old, new)
    payload = text.encode("latin-1")
    size = len(payload) + dice.choice([0] * 200 + [1, -1, 2, -2, 10**9])
    return b"OK %d\r\n%s\r\n" % (size, payload)


def body_of(dice: random.Random, word: bytes, id: int) -> bytes:
    """Answer a peek or a reserve, mostly as a server does."""
    body = dice.choice([b"", b"\r\n", b"BURIED\r\n", b"x" * 100, b"FOUND 1 2\r\nab\r\n"])
    size = len(body) + dice.choice([0] * 200 + [1, -1])
    return b"%s %d %d\r\n%s\r\n" % (word, id + dice.choice([0] * 200 + [1]), size, body)


def inserted(dice: random.Random, id: int) -> bytes:
    """Answer a put, mostly as a server does."""
    if dice.random() < 0.02:
        return dice.choice(UNUSUAL_PUTS)
    return b"INSERTED %d\r\n" % id


def asked(dice: random.Random, server: bytes) -> tuple[Callable[[], Alike], bytes]:
    """Choose commands that are all alike, and what a server answers."""
    ids = [dice.randrange(1, 2**64) for _ in range(dice.choice([1, 2, 5, 60]))]
    sure = dice.choice([0.0, 0.02, 0.5])

    def other(reply: bytes) -> bytes:
        return dice.choice(ERRORS) if dice.random() < sure else reply

    kind = dice.choice(["delete", "kick", "bury", "look", "peek", "put", "reserve"])
    if kind == "bury":
        priorities = [dice.randrange(2**32) for _ in ids]
        replies = [other(reply) for id in ids for reply in (body_of(dice, b"RESERVED", id), b"BURIED\r\n")]
        return lambda: Buries(ids, priorities), b"".join(replies)
    if kind == "put":
        jobs = [ToPut(dice.choice(BODIES), *(dice.randrange(2**32) for _ in range(3))) for _ in ids]
        return lambda: Puts(jobs), b"".join(other(inserted(dice, id)) for id in ids)
    if kind == "reserve":
        whole = [dice.choice(BODIES) for _ in ids]
        replies = [
            other(b"RESERVED %d %d\r\n%s\r\n" % (id, len(body), body)) for id, body in zip(ids, whole, strict=True)
        ]
        return lambda: Reserves(
            ids, [dice.choice(BODIES) if dice.random() < 0.01 else body for body in whole]
        ), b"".join(replies)
    if kind in ("delete", "kick"):
        reply = b"DELETED\r\n" if kind == "delete" else b"KICKED\r\n"
        return lambda: Changes(kind, ids), b"".join(other(reply) for _ in ids)
    bodies = ids if kind == "peek" else ids[: len(ids) // 3]
    stats = ids[len(bodies) :]
    replies = [
        server,
        *(other(body_of(dice, b"FOUND", id)) for id in bodies),
        *(other(stats_of(dice, id)) for id in stats),
    ]
    return lambda: Looks(bodies, stats), b"".join(replies)


def ending(client: Client, results: Iterator[Any]) -> tuple[list[str], str, str]:
    """Return the results, what was raised, and why the connection ended."""
    found, raised = [], ""
    try:
        found += map(repr, results)
    except errors.BeanopsError as error:
        raised = repr(error)
    return found, raised, repr(client._connection.error)


@rounds(400, 20_000)
def test_alike_or_one_by_one_they_end_the_same(
    rounds: int, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as peer:
        peer.sendall(b"stats\r\n")
        server = b""
        while not server.endswith(b"\n\r\n"):
            server += peer.recv(4096)
    monkeypatch.setattr(wire, "is_ready", lambda peer, writing, patience: not peer.is_silent())
    monkeypatch.setattr(sync, "hang_up", lambda peer: None)
    answered = 0
    for round in range(rounds):
        dice = random.Random(round)
        make, replies = asked(dice, server)
        if dice.random() < 0.3:
            replies = replies[: dice.randrange(len(replies) + 1)]
        if dice.random() < 0.1:
            replies += dice.choice([b"D", b"DELETED\r\n", b"FOUND 1 0\r\n\r\n"])
        end, pieces = dice.choice(["ends", "breaks", "is silent"]), cut(dice, replies)
        one_by_one, alike = make(), make()
        ends = []
        for commands in (one_by_one, alike):
            peer = CutSocket(len(commands.data), list(pieces), end)
            monkeypatch.setattr(opening, "dial", lambda address, timeout, peer=peer: peer)
            client = Client("unix:/none")
            sent = client.pipeline(commands.rest()) if commands is one_by_one else client.send_alike(commands)
            ends.append(ending(client, sent))
        expected, made = ends
        answered += alike.answered == alike.total
        taken = as_expected(alike)
        known = [result or wanted for result, wanted in zip(taken, expected[0], strict=False)]
        assert [*known, *made[0]] == expected[0], round
        assert made[1:] == expected[1:], round
        assert not any(result.startswith(ERROR_NAMES) for result in expected[0][: len(taken)])
    assert rounds // 9 < answered < rounds


def as_expected(alike: Alike) -> list[str]:
    """Return the results that were as expected; an empty text for one that is not kept."""
    if isinstance(alike, Puts):
        return list(map(repr, alike.ids))
    if not isinstance(alike, Looks):
        return [""] * (alike.answered * (2 if isinstance(alike, Buries) else 1))
    if not alike.answered:
        return []
    jobs = [Job(id, body) for id, body in zip(alike.asked[0], alike.bodies, strict=True)]
    stats = [JobStats(*row) for row in zip(*alike.columns, strict=True)]
    return [repr(one) for one in (alike.server, *jobs, *stats)]


def test_jobs_that_are_gone_are_told_from_those_that_are_changed(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client, ReadingClient(beanstalkd.address) as looking:
        ids = [client.put(b"%d" % number) for number in range(5)]
        client.delete(ids[2])
        buries = Buries(ids, [5] * 5)
        results = list(client.send_alike(buries))
        assert buries.answered == 2
        assert [type(result) for result in results[:2]] == [errors.NotFound] * 2
        assert results[2:] == [Job(ids[3], b"3"), None, Job(ids[4], b"4"), None]
        assert [client.stats_job(id).state for id in (ids[0], ids[3])] == ["buried"] * 2
        looks = Looks(ids[:2], ids[3:])
        assert not list(looking.send_alike(looks))
        assert (looks.bodies, looks.columns[3]) == ([b"0", b"1"], [5, 5])
        looking._wire.socket.shutdown(socket.SHUT_RDWR)
        again = Looks(ids[:1], ids)
        assert [type(result) for result in looking.send_alike(again)][-3:] == [errors.NotFound, JobStats, JobStats]
        deletes = Changes("delete", ids)
        assert [type(result) for result in client.send_alike(deletes)] == [errors.NotFound, type(None), type(None)]
        assert client.stats().current_jobs_buried == 0
