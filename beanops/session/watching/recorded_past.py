"""`OlderPast`: what the default recording knows of a server from before a session looked at it.

A recording that cannot be read is no reason to show nothing, so it then counts as one that knows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from beanops.client.address import Address
from beanops.client.places import places
from beanops.monitor.history import Cell, KnownPast
from beanops.protocol.errors import BeanopsError

if TYPE_CHECKING:
    from beanops.recording.reader import RecordedServer, Recording
    from beanops.recording.replay import RecordedPast


class OlderPast:
    """The past of tubes in the default recording; called by `Past` with a server process and a tube.

    Parameters
    ----------
    address : Address
        The session's server: the recording may have it under the same address, or as the same process.
    clock, wall : callable
        Monotonic seconds, in which the past is told, and seconds since 1970.
    """

    def __init__(
        self,
        address: Address,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._address = address
        self._clock = clock
        self._wall = wall
        self._opened = False
        self._recording: Recording | None = None
        self._servers: dict[str, int | None] = {}

    def __call__(self, instance: str, tube: str | None) -> KnownPast | None:
        """Return the past of a tube, None for the server; None where the recording does not know the server."""
        recording = self._open()
        if recording is None:
            return None
        if instance not in self._servers:
            self._servers[instance] = None
            with suppress(BeanopsError):
                self._servers[instance] = self._find(recording.servers(), instance)
        server = self._servers[instance]
        if server is None:
            return None
        from beanops.recording.replay import RecordedPast

        return _Tolerant(RecordedPast(recording, server, tube, self._clock() - self._wall()))

    def _open(self) -> Recording | None:
        if not self._opened:
            self._opened = True
            from beanops.session.config import default_recording

            with suppress(BeanopsError):
                path = default_recording()
                if path.is_file():
                    from beanops.recording.reader import Recording

                    self._recording = Recording(path)
        return self._recording

    def _find(self, servers: list[RecordedServer], instance: str) -> int | None:
        here = places(self._address)
        for one in servers:
            if (instance and one.instance == instance) or here & places(Address.parse(one.address)):
                return one.id
        return None

    def close(self) -> None:
        """Close the recording."""
        self._opened, recording, self._recording = True, self._recording, None
        if recording is not None:
            recording.close()


class _Tolerant:
    """A past in a recording that may be closed, or break, while somebody looks at it."""

    def __init__(self, past: RecordedPast) -> None:
        self._past = past

    @property
    def begun(self) -> float | None:
        """When it begins."""
        with suppress(BeanopsError):
            return self._past.begun
        return None

    @property
    def ended(self) -> float | None:
        """When the last look was."""
        with suppress(BeanopsError):
            return self._past.ended
        return None

    def cells(self, since: float, until: float, step: float = 0.0) -> list[Cell]:
        """Return what is known of a time."""
        with suppress(BeanopsError):
            return self._past.cells(since, until, step)
        return []
