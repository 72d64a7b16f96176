"""Producers and workers on a server, in a thread of their own. What they put and how fast is in `flows`."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from random import Random
from typing import TypeVar

from beanops.cli.demo.bodies import Failure
from beanops.cli.demo.flows import FLOWS, POISON, POISON_TTR, POISON_TUBE, Flow
from beanops.client.aio import AsyncClient
from beanops.protocol import Command, Job, commands
from beanops.protocol.errors import ConnectionLost, DeadlineSoon, Draining, NotFound, ReplyError

T = TypeVar("T")

_SEED = 11300


@contextmanager
def running(address: str) -> Iterator[None]:
    """Fill the server at `address` and keep it busy for the length of the block.

    The jobs that are there at the start, and each producer's sequence of jobs, are the same every time.
    The workload ends without an error if the server ends or drains its producers.
    """
    stop: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def work() -> None:
        try:
            asyncio.run(_work(address, stop))
        except BaseException as error:
            if stop.done():
                raise
            stop.set_exception(error)

    thread = threading.Thread(target=work, name="demo-workload", daemon=True)
    thread.start()
    loop, over = stop.result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _work(address: str, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async with AsyncClient(address) as client:
        for flow in FLOWS:
            await _fill(client, flow)
        # Most urgent of all: it comes back before anything else does.
        await client.put(POISON, priority=0, ttr=POISON_TTR, tube=POISON_TUBE)
    over = asyncio.Event()
    cast = [(flow, number) for flow in FLOWS for number in range(flow.workers + 1)]
    async with AsyncExitStack() as connections:
        clients = [await connections.enter_async_context(AsyncClient(address)) for _ in cast]
        acting = [
            _labour(client, *who) if who[1] else _produce(client, who[0])
            for client, who in zip(clients, cast, strict=True)
        ]
        tasks = [asyncio.create_task(act) for act in acting]
        started.set_result((asyncio.get_running_loop(), over))
        await over.wait()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionLost):
            raise result


async def _fill(client: AsyncClient, flow: Flow) -> None:
    """Put what is there from the start: first the jobs that have failed, then those that wait."""
    failed, waiting = filling(flow)
    await client.use(flow.tube)
    if failed:
        await client.watch(flow.tube)
        await _all(client, failed)
        held = await _all(client, [commands.reserve(0)] * len(failed))
        await _all(client, [commands.bury(job.id, priority=flow.priority) for job in held])
        await client.ignore(flow.tube)
    await _all(client, waiting)
    await client.use("default")


async def _all(client: AsyncClient, todo: list[Command[T]]) -> list[T]:
    results = []
    async for result in client.pipeline(todo):
        if isinstance(result, ReplyError):
            raise result
        results.append(result)
    return results


def filling(flow: Flow) -> tuple[list[Command[int]], list[Command[int]]]:
    """Make what is there from the start: the jobs that were buried, and those that wait."""
    random = Random(f"{_SEED} fill {flow.tube}")
    failed = [_job(flow, random, number, random.choice(flow.failures)) for number in range(flow.buried)]
    return failed, [_job(flow, random, number) for number in range(flow.backlog)]


def producing(flow: Flow) -> Iterator[tuple[float, list[Command[int]]]]:
    """Make what is put while the demo runs: each time a pause in seconds, and the jobs after it."""
    random = Random(f"{_SEED} produce {flow.tube}")
    for first in itertools.count(0, flow.burst):
        pause = flow.every * random.uniform(0.5, 1.5)
        fail = [random.random() < flow.fails and random.choice(flow.failures) for _ in range(flow.burst)]
        yield pause, [_job(flow, random, first + n, failure or None) for n, failure in enumerate(fail)]


def _job(flow: Flow, random: Random, number: int, failure: Failure | None = None) -> Command[int]:
    body = flow.makers[number % len(flow.makers)](random, failure)
    delay = 0 if failure else random.randint(0, flow.delay)
    return commands.put(body, priority=flow.priority, delay=delay, ttr=flow.ttr)


async def _produce(client: AsyncClient, flow: Flow) -> None:
    await client.use(flow.tube)
    for pause, jobs in producing(flow):
        await asyncio.sleep(pause)
        try:
            await _all(client, jobs)
        except Draining:
            return


async def _labour(client: AsyncClient, flow: Flow, number: int) -> None:
    """Reserve jobs and finish, retry or bury them; hang over the poison until its time is up."""
    random = Random(f"{_SEED} work {flow.tube} {number}")
    await client.watch(flow.tube)
    await client.ignore("default")
    while True:
        try:
            job = await client.reserve()
            if job.body == POISON:
                await asyncio.sleep(POISON_TTR + 1)
            else:
                await asyncio.sleep(flow.takes * random.uniform(0.5, 1.5))
                await _finish(client, flow, random, job)
        except (DeadlineSoon, NotFound):
            pass  # somebody else acted on the job, or it timed out


async def _finish(client: AsyncClient, flow: Flow, random: Random, job: Job) -> None:
    luck = random.random()
    if b'"exception"' in job.body and luck < 0.5:
        await client.bury(job)
    elif luck < flow.retries:
        await client.release(job, delay=random.randint(5, 60))
    else:
        await client.delete(job.id)
