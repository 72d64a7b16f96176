"""`FoundOnServers`: what searches found on several servers, and whether that is everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar


class FoundOnServer(Protocol):
    """What a search found on one server."""

    @property
    def complete(self) -> bool:
        """Whether these are all jobs that match."""

    @property
    def verdict(self) -> str:
        """The same in words."""


F = TypeVar("F", bound=FoundOnServer)


class FoundOnServers(Generic[F]):
    """What searches found on several servers.

    Attributes
    ----------
    by_server : dict
        What was found on each server, by its name.
    unanswered : dict of str to str
        The servers that are missing, with the reasons.
    """

    def __init__(self, by_server: Mapping[str, F], unanswered: Mapping[str, str]) -> None:
        self.by_server = {**by_server}
        self.unanswered = {**unanswered}

    @property
    def complete(self) -> bool:
        """Whether these are all jobs of all servers that match."""
        return not self.unanswered and all(one.complete for one in self.by_server.values())

    @property
    def verdict(self) -> str:
        """The same in words, with what was not read or decoded."""
        from beanops.fleet.merging import verdicts

        return verdicts({name: one.verdict for name, one in self.by_server.items()})
