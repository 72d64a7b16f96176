"""Three real servers at once, with names, and a fleet of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Fleet, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol.states import STATES
from tests.session.conftest import fill

NAMES = ("a", "b", "c")


class Servers:
    """Servers by name, in the configuration; some may be frozen, killed and started again."""

    def __init__(self, start: Callable[..., Beanstalkd], names: tuple[str, ...] = NAMES) -> None:
        self._start = start
        self.processes = {name: start() for name in names}
        self._frozen: set[str] = set()
        self.configure()

    def configure(self, *, extra: str = "", **keys: str) -> None:
        """Write the configuration; `keys` adds lines to the table of a server."""
        tables = [
            f'[servers.{name}]\naddress = "{process.address}"\n{keys.get(name, "")}\n'
            for name, process in self.processes.items()
        ]
        Path(os.environ["BEANOPS_CONFIG"]).write_text("".join(tables) + f'[groups]\nall = ["a", "b", "c"]\n{extra}')

    def client(self, name: str) -> Client:
        """Connect somebody else to a server."""
        return Client(self.processes[name].address)

    def fill(self, name: str, tube: str = "mail", state: str = "buried", jobs: int = 3, **settings: Any) -> list[int]:
        """Put jobs into a server."""
        with self.client(name) as client:
            return fill(client, tube, state, jobs, **settings)

    def states(self, name: str, tube: str = "mail") -> dict[str, int]:
        """Return the number of jobs of a tube by state, those that are not 0."""
        with self.client(name) as client:
            if tube not in client.list_tubes():
                return {}
            stats = client.stats_tube(tube)
        counts = {state: getattr(stats, f"current_jobs_{state}") for state in STATES}
        return {state: count for state, count in counts.items() if count}

    def freeze(self, name: str) -> None:
        """Stop a server in the middle of what it does; `thaw` lets it go on."""
        os.kill(self.processes[name].pid, signal.SIGSTOP)
        self._frozen.add(name)

    def thaw(self, name: str) -> None:
        """Let a frozen server go on."""
        os.kill(self.processes[name].pid, signal.SIGCONT)
        self._frozen.discard(name)

    def thaw_all(self) -> None:
        """Let all go on, so that they can end."""
        for name in list(self._frozen):
            self.thaw(name)

    def kill(self, name: str) -> None:
        """Kill a server."""
        self.processes[name].stop(kill=True)

    def restart(self, name: str) -> None:
        """Start a killed server anew on its port: without jobs, and with fresh ids."""
        port = self.processes[name].address.rpartition(":")[2]
        self.processes[name] = self._start(port=int(port))


@pytest.fixture
def servers(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Servers]:
    """Start three servers, a, b and c."""
    started = Servers(start_beanstalkd)
    yield started
    started.thaw_all()


@pytest.fixture
def open_fleet(servers: Servers, journal: str) -> Iterator[Callable[..., Fleet]]:
    """Open fleets on the test's servers and journal; they end with the test."""
    with ExitStack() as opened:
        yield lambda *names, **options: opened.enter_context(
            connect(list(names or NAMES), **({"journal": journal} | options))
        )


@pytest.fixture
def fleet(open_fleet: Callable[..., Fleet]) -> Fleet:
    """Open a fleet of all three servers."""
    return open_fleet()
