"""Look at one server again and again, in a thread of its own, so that a server that hangs delays no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from heapq import nlargest
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol.errors import BeanopsError

#: Tubes with ready jobs of which the age is asked for, those with most jobs first.
AGES = 1000


class Looked(NamedTuple):
    """One look at a server.

    Attributes
    ----------
    server : str
        Its name.
    survey : Survey or None
        What was seen; None where it did not answer.
    error : str
        Why it did not.
    """

    server: str
    survey: Survey | None
    error: str = ""


class ServerWatcher:
    """Watches one server.

    Parameters
    ----------
    name : str
        What rules call it.
    address : str
        Where it listens.
    surveyor : Surveyor
        Surveys it.
    patience : float
        Seconds to wait for each answer.
    ages : bool
        Whether a rule reads the age of the next ready job, which costs commands more.
    """

    def __init__(
        self,
        name: str,
        address: str,
        surveyor: Surveyor,
        *,
        patience: float = 3.0,
        ages: bool = False,
    ) -> None:
        self.name = name
        self.ages = ages
        self._address = address
        self._patience = patience
        self._surveyor = surveyor
        self._client: Client | None = None
        self._wanted: list[str] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> Looked:
        """Look once; connect first where there is no connection."""
        try:
            if self._client is None or self._client.notice_end():
                self._disconnect()
                self._client = Client(self._address, connect_timeout=self._patience, read_timeout=self._patience)
            survey = self._surveyor.look(self._client, self._wanted if self.ages else ())
        except (BeanopsError, OSError) as error:
            self._disconnect()
            self._surveyor.past.lose()
            return Looked(self.name, None, str(error))
        waiting = {name: seen.stats.current_jobs_ready for name, seen in survey.tubes.items()}
        self._wanted = nlargest(AGES, (name for name, ready in waiting.items() if ready), key=waiting.__getitem__)
        return Looked(self.name, survey)

    def _disconnect(self) -> None:
        if self._client is not None:
            with suppress(BeanopsError, OSError):
                self._client.close()
            self._client = None

    def start(self, interval: float, report: Callable[[Looked], None]) -> None:
        """Look at intervals, and report each look in the watcher's thread."""

        def work() -> None:
            while not self._ended.is_set():
                report(self.look())
                self._ended.wait(interval)
            self._disconnect()

        self._thread = threading.Thread(target=work, name=f"beanops-watch-{self.name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more; a look under way ends by its time limits."""
        self._ended.set()
        if self._thread is None:
            self._disconnect()
