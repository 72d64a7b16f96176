"""`TubePuts`: how many jobs were put into some tubes, by the counters of the tubes."""

from __future__ import annotations

from collections.abc import Callable

from beanops.client.sync import Client
from beanops.monitor.sweep import tube_stats
from beanops.protocol.limits import is_glob

#: Tubes that are counted at most, and looks after which their names are listed again although their number is the same.
MOST_TUBES, RELIST = 200, 10


class TubePuts:
    """Counts the jobs that are put into tubes from the first look on.

    Parameters
    ----------
    pattern : str
        The name of a tube or a glob.
    in_tube : callable
        Whether a tube matches.

    Attributes
    ----------
    put : int
        Jobs put into the tubes, at least.
    whole : bool
        Whether these are all: a tube that ceases to exist takes its counter with it, and one that comes and goes
        between two looks is never seen.
    """

    def __init__(self, pattern: str, in_tube: Callable[[str], bool]) -> None:
        self.put = 0
        self.whole = not is_glob(pattern)
        self._in_tube = in_tube
        self._names: list[str] = [] if is_glob(pattern) else [pattern]
        self._listed: int | None = None
        self._looks = 0
        self._totals: dict[str, int] | None = None

    def restart(self) -> None:
        """Count from zero on another server process, whose counters began with it."""
        self._totals = {}

    def look(self, client: Client, tubes: int) -> None:
        """Ask the server for the tubes; `tubes` is the number of all that it has, as far as it is known."""
        if not self.whole:
            self._list(client, tubes)
        first, before = self._totals is None, self._totals or {}
        self._totals = {}
        for tube in tube_stats(client, self._names[:MOST_TUBES]):
            total = tube.total_jobs
            known = before.get(tube.name, total if first else 0)
            self.put += total - known if total >= known else total
            self._totals[tube.name] = total
        if len(self._totals) < len(self._names):
            self.whole = False

    def _list(self, client: Client, tubes: int) -> None:
        if self._listed != tubes or self._looks % RELIST == 0:
            self._listed = tubes
            known = set(self._names)
            self._names += [name for name in client.list_tubes() if name not in known and self._in_tube(name)]
        self._looks += 1
