"""The statistics of several servers, read at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.protocol import ServerStats
from beanops.protocol.errors import BeanopsError

#: Seconds to wait for a server's answer.
PATIENCE = 3.0


class Glance(NamedTuple):
    """The statistics of one server, or the error where it did not answer."""

    stats: ServerStats | None = None
    error: str = ""


class Fleet:
    """Keeps a connection to each of several servers, which never reserves.

    Parameters
    ----------
    addresses : mapping of str to str
        Addresses by name.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._clients: dict[str, Client] = {}
        self._closed = False

    def look(self) -> dict[str, Glance]:
        """Ask all servers, each for at most `PATIENCE` seconds."""
        if not self._addresses:
            return {}
        with ThreadPoolExecutor(max_workers=min(16, len(self._addresses))) as pool:
            glances = dict(zip(self._addresses, pool.map(self._glance, self._addresses), strict=True))
        if self._closed:  # while the servers were asked
            self.close()
        return glances

    def _glance(self, name: str) -> Glance:
        try:
            client = self._clients.get(name)
            if client is None or client.notice_end():
                client = Client(self._addresses[name], connect_timeout=PATIENCE, read_timeout=PATIENCE)
                self._clients[name] = client
            return Glance(client.stats())
        except BeanopsError as error:
            return Glance(error=str(error))

    def close(self) -> None:
        """Close the connections; those of a look under way close when it ends."""
        self._closed = True
        for client in list(self._clients.values()):  # a copy: a look under way may add clients
            client.close()
