"""Look at one server again and again, in a thread of its own, so that a server that hangs delays no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from beanops.client.reach import Reach
from beanops.monitor.reconnecting import ReconnectingSurveyor, most_ready
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
    reach : str or Reach
        How it is reached.
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
        reach: str | Reach,
        surveyor: Surveyor,
        *,
        patience: float = 3.0,
        ages: bool = False,
    ) -> None:
        self.name = name
        self._ages = ages
        self._surveyor = ReconnectingSurveyor(reach, surveyor, patience)
        self._wanted: list[str] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> Looked:
        """Look once."""
        try:
            survey = self._surveyor.look(self._wanted)
        except BeanopsError as error:
            return Looked(self.name, None, str(error))
        if self._ages:
            self._wanted = most_ready(survey.tubes, AGES)
        return Looked(self.name, survey)

    def start(self, interval: float, report: Callable[[Looked], None]) -> None:
        """Look at intervals, and report each look in the watcher's thread."""

        def work() -> None:
            while not self._ended.is_set():
                report(self.look())
                self._ended.wait(interval)
            self._surveyor.close()

        self._thread = threading.Thread(target=work, name=f"beanops-watch-{self.name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more; a look under way ends by its time limits."""
        self._ended.set()
        if self._thread is None:
            self._surveyor.close()
