"""What figures are held against: a socket that sends bytes made beforehand and only counts what comes back."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from beanops.protocol import Command


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    """Give a socket that is as quick as a client's."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setblocking(False)
        yield raw


def seconds(raw: socket.socket, asked: Iterable[Command[Any]], crs: int) -> float:
    """Send commands and count that many CRs of their replies; return how long that took."""
    unsent = memoryview(b"".join(command.data for command in asked))
    buffer = bytearray(1 << 20)
    start = time.perf_counter()
    while crs:
        readable, writable, _ = select.select([raw], [raw] if unsent else [], [])
        if writable:
            unsent = unsent[raw.send(unsent) :]
        if readable:
            crs -= buffer.count(b"\r", 0, raw.recv_into(buffer))
    return time.perf_counter() - start
