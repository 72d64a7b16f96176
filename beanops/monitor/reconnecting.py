"""`ReconnectingSurveyor`: survey a server by its address, over lost connections. When to look is up to the caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from heapq import nlargest

from beanops.client.reach import Reach
from beanops.client.sync import Client
from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.protocol.errors import BeanopsError


class ReconnectingSurveyor:
    """Surveys a server; connects with the first look, and again after a connection was lost.

    Parameters
    ----------
    reach : str or Reach
        How it is reached.
    surveyor : Surveyor
        Surveys it.
    patience : float
        Seconds to wait for a connection and for the server's next bytes.
    """

    def __init__(self, reach: str | Reach, surveyor: Surveyor, patience: float) -> None:
        self._reach = reach
        self._surveyor = surveyor
        self._patience = patience
        self._client: Client | None = None

    def look(self, wanted: Collection[str] = ()) -> Survey:
        """Return a new survey; `wanted` is as in `Surveyor.look`.

        Raises
        ------
        BeanopsError
            The server cannot be reached or does not answer.
        """
        try:
            if self._client is None or self._client.notice_end():
                self._client = Client(self._reach, connect_timeout=self._patience, read_timeout=self._patience)
            return self._surveyor.look(self._client, wanted)
        except BeanopsError:
            self._surveyor.past.lose()
            raise

    def close(self) -> None:
        """Close the connection; a look that waits in another thread ends."""
        if self._client is not None:
            self._client.close()


def most_ready(tubes: Mapping[str, Seen], most: int) -> list[str]:
    """Return the names of tubes with ready jobs, those with the most first; at most `most`."""
    ready = {name: number for name, seen in tubes.items() if (number := seen.stats.current_jobs_ready)}
    return nlargest(most, ready, key=ready.__getitem__)
