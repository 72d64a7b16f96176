"""What one look costs: `session.tubes()` against a raw sweep of a thousand tubes, and the start of the command line."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from beanops import Client, commands, connect
from beanops.embedded.process import Beanstalkd
from tests.bench import raw
from tests.bench.figures import Figure, in_turn, show

TUBES = 1000
BEANOPS = str(Path(sys.executable).with_name("beanops"))


def sweep(rounds: int = 21) -> None:
    """Print how long the frame of all tubes takes, beside sending the commands raw and counting replies."""
    names = [f"tube-{number:04}" for number in range(TUBES)]
    with Beanstalkd() as server, Client(server.address) as keeper, connect(server.address) as session:
        for name in names:
            keeper.watch(name)  # a tube that nobody refers to would vanish
        list(keeper.pipeline(command for name in names for command in (commands.use(name), commands.put(b"x"))))
        with raw.connected(server.address) as peer:
            asking = [commands.stats_tube(name) for name in ["default", *names]]

            def ours() -> float:
                start = time.perf_counter()
                assert len(session.tubes()) == TUBES + 1
                return (time.perf_counter() - start) * 1000

            def theirs() -> float:
                first = raw.seconds(peer, [commands.list_tubes()], 2)
                return (first + raw.seconds(peer, asking, 2 * (TUBES + 1))) * 1000

            ours()  # the first call imports pandas
            figure, limit = in_turn(rounds, ours, theirs)
    title = f"session.tubes() against a raw sweep, {TUBES:,} tubes, median of {rounds}"
    show(title, [Figure("frame of all tubes", figure, limit, 1.5, at_least=False, unit="ms")])


def start(rounds: int = 21) -> None:
    """Print how long commands take to start, beside a Python that imports click."""

    def taking(*arguments: str) -> float:
        begin = time.perf_counter()
        subprocess.run(arguments, stdout=subprocess.DEVNULL, check=True)
        return (time.perf_counter() - begin) * 1000

    with Beanstalkd() as server:
        helping, checking, looking, click = in_turn(
            rounds,
            lambda: taking(BEANOPS, "--help"),
            lambda: taking(BEANOPS, "check", "-s", server.address, "--buried", "0"),
            lambda: taking(BEANOPS, "-s", server.address, "tubes"),
            lambda: taking(sys.executable, "-c", "import click"),
        )
    figures = [
        Figure("beanops --help", helping, click, 2, at_least=False, unit="ms"),
        Figure("beanops check, whole process", checking, click, 3, at_least=False, unit="ms"),
        Figure("beanops tubes", looking, click, 4, at_least=False, unit="ms"),
    ]
    show(f"Start of the command line against 'import click', median of {rounds}", figures)


def main() -> None:
    """Print all figures of the command line."""
    start()
    sweep()


if __name__ == "__main__":
    main()
