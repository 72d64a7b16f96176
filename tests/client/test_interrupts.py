"""Ctrl-C and cancellation: in the middle of a reply they leave a closed connection, never a shifted one."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from beanops import AsyncClient, Client, commands, errors
from beanops.client.transport import dial
from beanops.embedded.process import Beanstalkd
from tests.scripted import Scripted
from tests.waits import PATIENCE, until

_ASKS = """
import sys
from beanops import Client, errors
client = Client(sys.argv[1])
try:
    print("ready", flush=True)
    client.peek(5)
except KeyboardInterrupt:
    print("interrupted", client.closed, flush=True)
try:
    client.peek(6)
except errors.ConnectionClosed as error:
    print(error, flush=True)
"""

_LEAVES = """
import sys
from beanops import Client, commands, errors
client = Client(sys.argv[1])
results = client.pipeline([commands.put(b"x"), commands.reserve(1), commands.reserve(100), commands.stats()])
next(results)
try:
    print("ready", flush=True)
    results.close()
except KeyboardInterrupt:
    print("interrupted", client.closed, flush=True)
try:
    client.delete(1)
except errors.ConnectionClosed as error:
    print(error, flush=True)
"""

_LOOPS = """
import itertools, sys
from beanops import Client, commands, errors
client = Client(sys.argv[1])
id = client.put(b"x")
try:
    print("ready", flush=True)
    for n in itertools.count():
        for job in client.pipeline(commands.peek(id) for _ in range(100)):
            assert job.id == id
        assert client.use(f"t{n}") == f"t{n}"
except KeyboardInterrupt:
    pass
try:
    tube = client.use("after")
    assert tube == "after", tube
    assert client.peek(id) == (id, b"x")
except errors.ConnectionClosed:
    assert client.closed
    client.reconnect()
    assert client.peek(id) == (id, b"x")
print("in step", flush=True)
"""


def run(script: str, address: str, wait: Callable[[], object]) -> list[str]:
    """Run a script, send it a SIGINT when it is ready and `wait` has returned; return what it printed."""
    with subprocess.Popen(
        [sys.executable, "-c", script, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            wait()
            process.send_signal(signal.SIGINT)
            try:
                out, err = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                # Python does not see a signal that comes just before it waits for the network, until the next one.
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert err == ""
    return out.splitlines()


def test_ctrl_c_in_the_middle_of_a_reply_closes() -> None:
    with Scripted(b"FOUND 5 100\r\nthe first half", hold=True) as server:
        interrupted, after = run(_ASKS, server.address, lambda: until(lambda: bool(server.received)))
        assert interrupted == "interrupted True"
        assert "not connected, it was interrupted in the middle of a command" in after
        assert bytes(server.received) == b"peek 5\r\n"


def test_ctrl_c_while_a_pipeline_is_left_closes(beanstalkd: Beanstalkd) -> None:
    # There is no clock to inject into another process, and nothing tells from outside that it drains.
    interrupted, after = run(_LEAVES, beanstalkd.address, lambda: time.sleep(1))
    assert interrupted == "interrupted True"
    assert "it was interrupted in the middle of a command" in after


@pytest.mark.parametrize("delay", [0.011, 0.023, 0.041, 0.067, 0.083])
def test_ctrl_c_at_any_moment_leaves_nothing_shifted(beanstalkd: Beanstalkd, delay: float) -> None:
    assert run(_LOOPS, beanstalkd.address, lambda: time.sleep(delay)) == ["in step"]


async def test_cancelling_in_the_middle_of_a_reply_closes() -> None:
    with Scripted(b"FOUND 5 100\r\nthe first half", hold=True) as server:
        async with AsyncClient(server.address) as client:
            asking = asyncio.create_task(client.peek(5))
            await asyncio.to_thread(until, lambda: bool(server.received))
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert client.closed
            with pytest.raises(errors.ConnectionClosed, match="interrupted in the middle of a command"):
                await client.peek(6)
        assert bytes(server.received) == b"peek 5\r\n"


async def test_a_timeout_around_a_reserve_closes_and_hands_nothing_over(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client, AsyncClient(beanstalkd.address) as other:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.reserve()
        assert client.closed
        await client.reconnect()
        id = await other.put(b"x")
        assert (await client.reserve(timeout=30)).id == id


async def test_cancelling_who_waits_for_the_turn_disturbs_nobody(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client:
        before = (await client.stats()).cmd_stats
        reserving = asyncio.create_task(client.reserve(timeout=1))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(client.stats())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(errors.TimedOut):
            await reserving
        assert not client.closed
        assert (await client.stats()).cmd_stats == before + 1


async def test_cancelling_a_reconnect_leaves_a_closed_client_and_no_connection(
    beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_dial = threading.Event()
    dialed: list[socket.socket] = []

    def slow_dial(*where: Any) -> socket.socket:
        may_dial.wait(PATIENCE)
        dialed.append(dial(*where))
        return dialed[0]

    monkeypatch.setattr("beanops.client.opening.dial", slow_dial)
    client = AsyncClient(beanstalkd.address)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.reconnect()
    may_dial.set()
    await asyncio.to_thread(until, lambda: bool(dialed) and dialed[0].fileno() == -1)
    assert client.closed
    with pytest.raises(errors.ConnectionClosed, match="reconnect"):
        await client.stats()


async def test_cancelling_a_reconnect_whose_socket_is_there(
    beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    reached = asyncio.Event()

    async def never(*_: Any, sock: socket.socket) -> None:
        reached.set()
        try:
            await asyncio.sleep(60)
        finally:
            sock.close()

    client = AsyncClient(beanstalkd.address)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "create_connection", never)
        reconnecting = asyncio.create_task(client.reconnect())
        await reached.wait()
        reconnecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reconnecting
    assert client.closed
    with pytest.raises(errors.ConnectionClosed, match="reconnect"):
        await client.stats()
    await client.reconnect()
    assert await client.put(b"x") == 1
    await client.close()


async def test_a_consumer_that_waits_between_results_loses_none(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client:
        ids = []
        async for id in client.pipeline(commands.put(b"x") for _ in range(300)):
            await asyncio.sleep(0)
            ids.append(id)
        assert ids == list(range(1, 301))
        assert await client.use("next") == "next"


def test_a_killed_client_hands_its_jobs_back(beanstalkd: Beanstalkd) -> None:
    script = "import sys; from beanops import Client; c = Client(sys.argv[1]); c.reserve(); print('ready', flush=True)"
    with Client(beanstalkd.address) as client:
        id = client.put(b"x")
        process = subprocess.Popen(
            [sys.executable, "-c", script + "; c.reserve()", beanstalkd.address], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert client.stats_job(id).state == "reserved"
        process.kill()
        process.communicate()
        until(lambda: client.stats_job(id).state == "ready")
