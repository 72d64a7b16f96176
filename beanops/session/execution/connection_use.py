"""How the acting connection is used: which tube, which commands side by side, and what is looked up meanwhile.

Also what ends a run between two batches, and when a connection that idled may still be used. What the commands are is
in `verbs`; what is written down before and after is in `act`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from itertools import chain

from beanops.client.address import Address
from beanops.client.reading import ANSWER, IDLE, is_alive
from beanops.client.sync import Client
from beanops.jobs.read import present
from beanops.journal.records import Fate, Refused
from beanops.protocol import TubeStats, commands
from beanops.session.execution.conversation import PAUSE, Ask, Steps
from beanops.session.execution.run import Run
from beanops.session.execution.signals import exit_code, handling
from beanops.session.execution.verbs import Order
from beanops.session.old_servers.bury import Alone


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run after the batch under way, and all that was done is on record.

    Its text says how to go on with it, where that is possible.

    Attributes
    ----------
    run : Run
        What was done until then.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(_told(run))
        self.run = run


class Terminated(SystemExit):
    """SIGTERM or SIGHUP ended a run after the batch under way, and all that was done is on record.

    Unless it is caught the process ends, with exit code 143 or 129; what came of the run was told on stderr.

    Attributes
    ----------
    run : Run
        What was done until then.
    """

    def __init__(self, run: Run, number: int) -> None:
        super().__init__(exit_code(number))
        self.run = run


@contextmanager
def ending_gently(run: Run) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a run between two batches; a Ctrl-C after that ends it at once.

    SIGTERM and SIGHUP are often sent twice, by `timeout` or when a terminal is closed: the second changes nothing.

    Raises
    ------
    Interrupted
        Ctrl-C ended it.
    Terminated
        SIGTERM or SIGHUP did.
    """
    came: list[int] = []

    def end(number: int) -> None:
        if came and number == signal.SIGINT:
            raise KeyboardInterrupt
        came.append(number)
        run.cancel()

    with handling(end):
        yield
    if came and came[0] == signal.SIGINT:
        raise Interrupted(run)
    if came:
        with suppress(OSError, AttributeError):  # its terminal may be gone, or there is none
            sys.stderr.write(f"beanops: {_told(run)}\n")
            sys.stderr.flush()
        raise Terminated(run, came[0])


def _told(run: Run) -> str:
    """Return what was done, and how to go on with it where that is possible."""
    return run.summary + (f"; session.resume({run.id!r}) goes on with it" if run.resumable else "")


def is_awake(client: Client, patience: float = ANSWER) -> bool:
    """Whether a connection can be used; one that has idled must answer within `patience` seconds."""
    if client.notice_end():
        return False
    return client.idle < IDLE or is_alive(client, patience)


def revived(client: Client) -> Client:
    """Return a client that can be used, connected anew if it was lost while it idled.

    Raises
    ------
    Refused
        Another process answers there by now, whose ids mean other jobs.
    """
    if client.idle >= IDLE and not is_awake(client):
        before = client.last_instance
        client.reconnect()
        if client.instance != before:
            client.close()
            raise Refused(restarted(client.address))
    return client


def restarted(address: Address) -> str:
    """Return why nothing more is done on a server of which another process answers."""
    return f"refused: {address} was restarted meanwhile, so ids may mean other jobs; look again before you act"


@contextmanager
def ahead(run: Run, batches: Iterable[Sequence[Order]]) -> Iterator[Iterator[Sequence[Order]]]:
    """Look up the next batch of a run in a thread while this one is acted on: the server need not wait for either."""
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
    """Send what all talks ask now, and give them the answers.

    With each answer `asks` holds what that talk asks next, or `fates` how it ended: when the connection breaks in
    between, they say all that is known.

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
            members = members[:1]  # the first one to its end, then the next
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
    """Use a tube meanwhile. The answer is awaited: were it refused, what follows would meet another tube."""
    if tube is not None:
        client.use(tube)
    yield
    if tube is not None:
        client.use("default")


@contextmanager
def calming(client: Client, tube: str | None) -> Iterator[None]:
    """Let no worker get a job of a tube meanwhile: pause it, if nobody did for long enough, and restore its pause.

    After a fault it stays paused.
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
    """Watch one tube and no other meanwhile, whatever an interrupted action left watched."""
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
