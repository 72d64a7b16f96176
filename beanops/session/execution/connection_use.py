"""How a run uses connections: pipelines for many jobs at once, tubes used or watched for them, and lookups ahead.

Also when an idle connection can still be used. `verbs` has the commands, `executor` records them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain

from beanops.client.address import Address
from beanops.client.instances import is_same
from beanops.client.reading import ANSWER, IDLE, is_alive
from beanops.client.sync import Client
from beanops.jobs.read import present
from beanops.journal.records import Fate, Refused
from beanops.protocol import TubeStats, commands
from beanops.session.execution.conversation import PAUSE, Ask, Steps
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import Order
from beanops.session.old_servers.bury import Alone


def is_awake(client: Client, patience: float = ANSWER) -> bool:
    """Whether a connection can be used; one that has idled must answer within `patience` seconds."""
    if client.notice_end():
        return False
    return client.idle < IDLE or is_alive(client, patience)


def revived(client: Client) -> Client:
    """Return a client that can be used, reconnected if it was lost while it was idle.

    Raises
    ------
    Refused
        The server was restarted, so its ids name other jobs.
    """
    if client.idle >= IDLE and not is_awake(client):
        before = client.last_instance
        client.reconnect()
        if not is_same(client.instance, before):
            client.close()
            raise Refused(restarted(client.address))
    return client


def restarted(address: Address) -> str:
    """Return the message for a server that was restarted."""
    return f"refused: {address} was restarted, so ids may name other jobs; look again before you act"


@contextmanager
def ahead(run: Run, batches: Iterable[Sequence[Order]]) -> Iterator[Iterator[Sequence[Order]]]:
    """Look up the next batch of a run in a thread while the current one is executed."""
    source = iter(batches)
    thread = ThreadPoolExecutor(1, "beanops-lookup")

    def looked_up() -> Iterator[Sequence[Order]]:
        coming = thread.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield batch

    at_once = False
    try:
        yield looked_up()
    except BaseException as error:
        run.stop_looking()
        at_once = isinstance(error, KeyboardInterrupt)  # also when the server does not answer
        raise
    finally:
        thread.shutdown(wait=not at_once)


def stage(
    asks: dict[int, Ask],
    talks: dict[int, Steps],
    fates: list[Fate | None],
    clients: Mapping[bool, Client],
    alone: Alone,
) -> None:
    """Send what all talks ask in this round, and pass each its answers.

    After each answer `asks` has what that talk asks next, or `fates` how it ended: if the connection breaks, they have
    all that is known.

    Parameters
    ----------
    asks : dict of int to Ask
        What each talk asks, by its number.
    talks : dict of int to generator
        The talks.
    fates : list of Fate or None
        By the same numbers.
    clients : mapping of bool to Client
        The connection for the jobs, and under True the one to the server that they are copied to.
    alone : Alone
        Makes connections that watch one tube.
    """
    groups: dict[tuple[bool, str | None, str | None, str | None], list[int]] = {}
    for n, ask in asks.items():
        groups.setdefault((ask.there, ask.tube, ask.calm, ask.alone), []).append(n)
    for (there, tube, calm, own), members in groups.items():
        client = clients[there] if own is None else alone.watching(there, own)
        if own is not None:
            members = members[:1]  # one talk at a time
        with using(client, tube), calming(client, calm):
            wanted = chain.from_iterable(asks[n].commands for n in members)
            with closing(client.pipeline(wanted)) as results:
                for n in members:
                    answers = [next(results) for _ in asks[n].commands]
                    try:
                        asks[n] = talks[n].send(answers)
                    except StopIteration as stop:
                        fates[n] = stop.value
                        del asks[n]


@contextmanager
def using(client: Client, tube: str | None) -> Iterator[None]:
    """Use a tube within a ``with`` block. It waits for the answer: a refused `use` must not put jobs elsewhere."""
    if tube is not None:
        client.use(tube)
    yield
    if tube is not None:
        client.use("default")


@contextmanager
def calming(client: Client, tube: str | None) -> Iterator[None]:
    """Keep a tube paused within a ``with`` block, and restore its own pause at the end.

    A pause that is long enough stays. After a fault the tube stays paused.
    """
    (found,) = client.pipeline([commands.stats_tube(tube)]) if tube is not None else (None,)
    stats: TubeStats | None = present(found)
    if stats is None or stats.pause_time_left >= PAUSE / 2:
        yield
        return
    client.pause_tube(stats.name, PAUSE)
    yield
    client.pause_tube(stats.name, stats.pause_time_left)


@contextmanager
def watching(client: Client, tube: str | None) -> Iterator[None]:
    """Watch only one tube within a ``with`` block, whatever an interrupted action left watched."""
    if tube is None:
        yield
        return
    client.watch(tube)
    for other in client.list_tubes_watched():
        if other != tube:
            client.ignore(other)
    yield
    if tube != "default":
        client.watch("default")
        client.ignore(tube)
