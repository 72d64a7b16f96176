"""Bodies as the usual frameworks write them: Laravel envelopes, serialized PHP, msgpack, gzip and plain binary."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import msgpack  # type: ignore[import-untyped]

#: Makes one body; the error is that of a job that failed for good, as class and message. ``{number}`` and ``{hex}`` in
#: the message are other ones in each job.
Maker = Callable[[Random, "Failure | None"], bytes]
Failure = tuple[str, str]

_PEOPLE = ("ada", "grace", "edsger", "barbara", "donald", "margaret", "niklaus", "frances")
_CURRENCIES = ("EUR", "USD", "CHF", "JPY")


def mail(random: Random, failure: Failure | None) -> bytes:
    """Return a Laravel envelope in JSON; the job itself is serialized PHP within."""
    recipient = {"user_id": random.randrange(1, 9000), "address": f"{random.choice(_PEOPLE)}@example.org"}
    return _laravel(random, "App\\Mail\\OrderConfirmation", recipient, failure)


def invoice(random: Random, failure: Failure | None) -> bytes:
    """Return a Laravel envelope of a charge, with the exception that ended it."""
    amount = {"customer": random.randrange(40_000, 41_000), "cents": random.randrange(99, 250_000)}
    return _laravel(random, "App\\Jobs\\ChargeCustomer", {**amount, "currency": random.choice(_CURRENCIES)}, failure)


def export(random: Random, failure: Failure | None) -> bytes:
    """Return a bare serialized PHP object."""
    return _php(
        ("App\\Jobs\\ExportLedger", {"month": f"2026-{random.randrange(1, 13):02}", "rows": None, "full": True})
    )


def thumbnail(random: Random, failure: Failure | None) -> bytes:
    """Return msgpack with the beginning of an image in it."""
    size = random.choice((64, 128, 512))
    job = {"task": "thumbnail", "photo": random.randrange(10**6), "size": [size, size], "head": _png(random, size)}
    return bytes(msgpack.packb(job))


def image(random: Random, failure: Failure | None) -> bytes:
    """Return the beginning of an image, nothing else."""
    return _png(random, 1024) + random.randbytes(random.randrange(200, 2000))


def webhook(random: Random, failure: Failure | None) -> bytes:
    """Return JSON, compressed."""
    event = {
        "event": random.choice(("order.paid", "order.shipped", "order.refunded")),
        "url": f"https://shop-{random.randrange(20)}.example.com/hooks",
        "order": {"id": random.randrange(10**6), "lines": [{"sku": f"SKU-{n}", "count": n} for n in range(1, 6)]},
    }
    return gzip.compress(json.dumps(event).encode(), mtime=0)


def report(random: Random, failure: Failure | None) -> bytes:
    """Return JSON as a Celery worker gets it."""
    task = {"id": _uuid(random), "task": "reports.nightly", "args": [random.choice(_PEOPLE)], "retries": 0}
    return json.dumps(task).encode()


def newsletter(random: Random, failure: Failure | None) -> bytes:
    """Return one line of text, not only in ASCII."""
    return f"newsletter #{random.randrange(100, 120)} → {random.choice(_PEOPLE)}@example.org · Grüße".encode()


def _laravel(random: Random, name: str, data: dict[str, Any], failure: Failure | None) -> bytes:
    envelope = {
        "uuid": _uuid(random),
        "displayName": name,
        "job": "Illuminate\\Queue\\CallQueuedHandler@call",
        "maxTries": 3,
        "attempts": 3 if failure else 0,
        "data": {"commandName": name, "command": _php((name, data)).decode()},
    }
    if failure:
        said = failure[1].replace("{number}", f"{random.randrange(10_000, 100_000)}")
        said = said.replace("{hex}", f"{random.getrandbits(64):016x}")
        envelope["exception"] = {"class": failure[0], "message": said}
    return json.dumps(envelope).encode()


def _php(value: Any) -> bytes:
    """Serialize as PHP does; a pair of a name and a dict is an object."""
    match value:
        case None:
            return b"N;"
        case bool():
            return b"b:%d;" % value
        case int():
            return b"i:%d;" % value
        case str():
            data = value.encode()
            return b's:%d:"%b";' % (len(data), data)
        case (str(name), dict(fields)):
            inner = b"".join(_php(key) + _php(field) for key, field in fields.items())
            return b'O:%d:"%b":%d:{%b}' % (len(name), name.encode(), len(fields), inner)
    raise TypeError(f"{value!r} has no place in the demo")


def _png(random: Random, size: int) -> bytes:
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + b"IHDR" + header + random.randbytes(24)


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))
