"""`AsyncClient` with the face of `Client`, so that each test of the clients is written once."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from beanops import AsyncClient, Client
from beanops.client.address import Address

#: More than any test takes: a client that hangs fails its test.
PATIENCE = 30


class LoopThread:
    """An event loop that runs in a thread until it is stopped."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        """Run to the end in the loop, wait for the result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def stop(self) -> None:
        self.run(self.loop.shutdown_asyncgens())
        self.run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Blocking:
    """An `AsyncClient` whose methods block."""

    def __init__(self, client: AsyncClient, thread: LoopThread) -> None:
        self.inner = client
        self._thread = thread

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *arguments, **options: self._thread.run(value(*arguments, **options))

    def pipeline(self, commands: Iterable[Any]) -> Iterator[Any]:
        results = self.inner.pipeline(commands)
        try:
            while True:
                try:
                    yield self._thread.run(anext(results))
                except StopAsyncIteration:
                    return
        finally:
            self._thread.run(results.aclose())

    def __repr__(self) -> str:
        return repr(self.inner)

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connector:
    """Makes connected clients of one kind; they close with the test."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.thread = LoopThread() if kind == "AsyncClient" else None
        self._made: list[Any] = []

    def __call__(self, address: str | Address, **options: Any) -> Any:
        client: Any
        if self.thread is None:
            client = Client(address, **options)
        else:
            client = Blocking(self.thread.run(_make(address, options)), self.thread)
            client.reconnect()
        self._made.append(client)
        return client

    def stop(self) -> None:
        for client in self._made:
            client.close()
        if self.thread is not None:
            self.thread.stop()


async def _make(address: str | Address, options: dict[str, Any]) -> AsyncClient:
    return AsyncClient(address, **options)
