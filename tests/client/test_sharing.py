"""Many at once: threads and tasks on one client, and closing it under somebody's hands."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import pytest

from beanops import AsyncClient, Client, commands, errors
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from tests.waits import PATIENCE, until


def test_threads_share_a_client(client: Any) -> None:
    def work(name: int) -> list[str]:
        tubes = []
        for n in range(60):
            id = client.put(b"%d %d" % (name, n), tube=f"t{n % 3}")
            assert client.peek(id).body == b"%d %d" % (name, n)
            tubes.append(f"{client.stats_job(id).tube}=t{n % 3}")
            tubes.append(f"{client.stats_job(client.put(b'')).tube}=default")
            results = list(client.pipeline(commands.peek(id) for _ in range(10)))
            assert {job.id for job in results} == {id}
        return tubes

    with ThreadPoolExecutor(4) as pool:
        for tubes in pool.map(work, range(4)):
            assert [pair for pair in tubes if len(set(pair.split("="))) > 1] == []


def test_a_blocked_reserve_ends_when_another_thread_closes(client: Any, connect: Any, beanstalkd: Beanstalkd) -> None:
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            client.reserve()
        except errors.BeanopsError as error:
            caught.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    other = connect(beanstalkd.address)
    until(lambda: other.stats().current_waiting == 1)
    client.close()
    waiter.join(PATIENCE)
    assert not waiter.is_alive()
    assert [type(error) for error in caught] == [errors.ConnectionClosed]
    assert "closed by close()" in str(caught[0])
    until(lambda: other.stats().current_waiting == 0)
    client.reconnect()
    assert client.put(b"x") == 1


def test_closing_between_two_commands_is_told_as_that(beanstalkd: Beanstalkd) -> None:
    for before in (0, 1):  # with nothing and with something on its way
        client = Client(beanstalkd.address)

        def closing(before: int = before, client: Client = client) -> Iterator[Command[Any]]:
            yield from [commands.stats()] * before
            client.close()
            yield commands.stats()

        with pytest.raises(errors.ConnectionClosed, match="closed by close"):
            list(client.pipeline(closing()))


def test_closing_within_ones_own_pipeline(client: Any) -> None:
    results = client.pipeline(commands.put(b"x") for _ in range(5000))
    next(results)
    client.close()
    with pytest.raises(errors.ConnectionClosed, match="closed by close"):
        list(results)
    client.reconnect()
    assert client.put(b"x") <= 5001


def test_a_client_in_a_pipeline_is_taken(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        results = client.pipeline(commands.put(b"x") for _ in range(3000))
        next(results)
        for use in (client.stats, lambda: client.put(b"y", tube="t"), lambda: list(client.pipeline([]))):
            with pytest.raises(errors.UsageError, match="a pipeline is open"):
                use()
        assert sum(1 for _ in results) == 2999
        assert client.stats().total_jobs == 3000


def test_a_source_that_uses_its_own_client_is_told(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        id = client.put(b"x")
        with pytest.raises(errors.UsageError, match="a pipeline is open"):
            list(client.pipeline(commands.peek(client.stats_job(id).id) for _ in range(3)))
        assert client.stats().cmd_stats_job == 0


async def test_a_task_in_a_pipeline_is_told_too(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client:
        async with aclosing(client.pipeline(commands.put(b"x") for _ in range(3000))) as results:
            await anext(results)
            with pytest.raises(errors.UsageError, match="a pipeline is open"):
                await client.stats()
        assert (await client.stats()).total_jobs >= 1


async def test_tasks_share_a_client(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client:

        async def work(n: int) -> None:
            id = await client.put(b"%d" % n, tube=f"t{n % 5}")
            assert await client.peek(id) == (id, b"%d" % n)
            assert (await client.stats_job(id)).tube == f"t{n % 5}"
            assert (await client.stats_job(await client.put(b""))).tube == "default"

        await asyncio.gather(*(work(n) for n in range(200)))
        assert (await client.stats()).total_jobs == 400


async def test_a_pipeline_that_a_task_leaves_shifts_nobody(beanstalkd: Beanstalkd) -> None:
    async with AsyncClient(beanstalkd.address) as client:
        big = await client.put(b"x" * 60_000)

        async def leave() -> None:
            async with aclosing(client.pipeline(commands.peek(big) for _ in range(1000))) as results:
                async for job in results:
                    assert job == (big, b"x" * 60_000)
                    break

        async def work(n: int) -> None:
            assert await client.use(f"t{n}") == f"t{n}"

        for _ in range(5):
            await asyncio.gather(leave(), *(work(n) for n in range(20)), leave(), work(99))


def public(kind: type) -> dict[str, inspect.Signature]:
    members = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(member) for name, member in members if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    sync, aio = public(Client), public(AsyncClient)
    del sync["notice_end"]  # the event loop hears of an end by itself
    del sync["send_alike"]  # runs are carried out by the blocking client
    assert set(sync) == set(aio)
    for name, signature in sync.items():
        assert signature.parameters == aio[name].parameters, name
        if name != "pipeline":
            assert signature.return_annotation == aio[name].return_annotation, name
            assert inspect.iscoroutinefunction(getattr(AsyncClient, name)), name
    assert inspect.signature(Client) == inspect.signature(AsyncClient)
    assert isinstance(AsyncClient.closed, property)


def test_clients_have_every_command_with_its_arguments() -> None:
    made = {
        name: inspect.signature(make)
        for name, make in inspect.getmembers(commands, inspect.isfunction)
        if str(inspect.signature(make).return_annotation).startswith("Command[")
    }
    del made["quit"], made["auth"]  # a client says goodbye by close(), and shows its token when it connects
    methods = public(Client)
    assert set(made) == set(methods) - {"close", "execute", "notice_end", "pipeline", "reconnect", "send_alike"}
    for name, signature in made.items():
        wanted = [parameter if parameter != "id" else ("id", "job") for parameter in signature.parameters]
        given = list(methods[name].parameters)[1:]
        for parameter, spelled in zip(wanted, given, strict=False):
            assert spelled == parameter or spelled in parameter, name


def test_two_that_reconnect_at_once_leave_one_connection(connect: Any, beanstalkd: Beanstalkd) -> None:
    client, other = connect(beanstalkd.address), connect(beanstalkd.address)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(client.reconnect) for _ in range(8)]:
            done.result()
    assert client.list_tube_used() == "default"
    until(lambda: other.stats().current_connections == 2)
    client.close()
    until(lambda: other.stats().current_connections == 1)
