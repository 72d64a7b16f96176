"""What looking at many servers at once costs: beside the slowest one alone, and a socket that only counts replies."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from beanops import Client, commands, connect
from beanops.embedded.process import Beanstalkd
from tests.bench import raw
from tests.bench.bench_monitor import fill
from tests.bench.figures import Figure, in_turn, show

SERVERS, TUBES = 50, 100
ROUNDS = 5


def main() -> None:
    """Print the figures."""
    with ExitStack() as opened, tempfile.TemporaryDirectory() as folder:
        addresses = [opened.enter_context(Beanstalkd()).address for _ in range(SERVERS)]
        for address in addresses:
            fill(address, TUBES)
        journal = str(Path(folder, "journal.sqlite"))
        fleet = opened.enter_context(connect(addresses, journal=journal))
        sessions = [fleet[address] for address in addresses]

        def whole() -> float:
            start = time.perf_counter()
            found = fleet.tubes()
            assert len(found) == SERVERS * TUBES
            return time.perf_counter() - start

        def slowest() -> float:
            taken = []
            for session in sessions:
                start = time.perf_counter()
                session.tubes()
                taken.append(time.perf_counter() - start)
            return max(taken)

        def bare() -> float:
            return sum(_raw_sweep(address) for address in addresses)

        whole()
        taken, single, cost = in_turn(ROUNDS, whole, slowest, bare)
    title = f"{SERVERS} servers with {TUBES} tubes each: one alone {single * 1000:.0f} ms, raw {cost * 1000:.0f} ms"
    limit = 2 * single + cost
    show(title, [Figure("fleet.tubes() / 2 x slowest and raw", taken * 1000, limit * 1000, 1.0, False, " ms")])


def _raw_sweep(address: str) -> float:
    """Return the seconds that a socket takes which asks for all tubes and only counts CRs."""
    with Client(address) as client:
        asked = [commands.stats_tube(name) for name in client.list_tubes()]
    with raw.connected(address) as peer:
        return raw.seconds(peer, asked, 2 * len(asked))
