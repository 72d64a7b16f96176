"""One connection of the asyncio client: what the event loop receives, until the client takes it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from beanops.client.transport import reason
from beanops.protocol import Connection

#: Bytes read ahead of a slow consumer before reading stops.
_MAX_UNREAD = 256 * 1024
#: Bytes for a transport with TLS at a time: it cannot tell how much of what it has encrypted is unsent.
_PIECE = 64 * 1024


class Stream(asyncio.Protocol):
    """Collects the results of the replies that the event loop receives."""

    transport: asyncio.Transport

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.results: list[Any] = []
        self._unread = 0
        self._wake: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def write(self, data: bytes) -> None:
        """Send data, or keep it until it can be sent."""
        for start in range(0, len(data), _PIECE):
            self.transport.write(memoryview(data)[start : start + _PIECE])

    def data_received(self, data: bytes) -> None:
        """Collect results; stop reading while the client is slow to take them."""
        unsent = self.transport.get_write_buffer_size() > 0
        self.results += self._connection.receive_data(data, unsent=unsent)
        self._unread += len(data)
        if self._unread > _MAX_UNREAD and self.results:
            self.transport.pause_reading()
        self._awake()

    def connection_lost(self, error: Exception | None) -> None:
        """Note why the connection ended."""
        if error is not None:
            self._connection.break_off(reason(error))
        self.results += self._connection.receive_data(b"")
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def take(self) -> list[Any]:
        """Return the results so far."""
        results, self.results, self._unread = self.results, [], 0
        if not self.transport.is_reading() and not self.transport.is_closing():
            self.transport.resume_reading()
        return results

    async def more(self, patience: float) -> None:
        """Wait for data or the end of the connection, for at most `patience` seconds."""
        if self.results or self._connection.error is not None:
            return
        self._wake = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(None if math.isinf(patience) else patience):
            await self._wake
