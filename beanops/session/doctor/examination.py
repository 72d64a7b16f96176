"""`Examination`: all diagnoses, in order, and what the support bundle needs of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from beanops.monitor.survey import Survey
from beanops.session.config import ConfigError, Profile, profiles
from beanops.session.doctor import machine, own_files
from beanops.session.doctor.diagnosis import Diagnosis
from beanops.session.doctor.server import examine_server, known_profile, reachable


class Examination:
    """Examines beanops, its files and some servers. Iterate it for the diagnoses, as they are made.

    Parameters
    ----------
    targets : sequence of str
        Servers, by name or address.
    journal : str or None
        Path or URL of the journal; None is that of the configuration.
    sleep : callable
        Waits between two looks at a server.

    Attributes
    ----------
    found : list of Diagnosis
        Those made so far.
    surveys : dict of str to Survey
        The last look at each server, by name.
    journal : str
        Path or URL of the journal; empty where it is not known.

    Examples
    --------
    >>> [one.text for one in Examination(["127.0.0.1:11300"]) if one.state == "problem"]
    """

    def __init__(
        self, targets: Sequence[str], journal: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.found: list[Diagnosis] = []
        self.surveys: dict[str, Survey] = {}
        self.journal = own_files.journal_url() if journal is None else journal
        self._targets = targets
        self._sleep = sleep

    @property
    def fine(self) -> bool:
        """Whether nothing needs attention."""
        return all(one.state == "ok" for one in self.found)

    def __iter__(self) -> Iterator[Diagnosis]:
        for one in self._all():
            self.found.append(one)
            yield one

    def _all(self) -> Iterator[Diagnosis]:
        clock = machine.LocalClock()
        yield from machine.versions()
        yield from machine.limits()
        yield from machine.terminal()
        yield from own_files.configuration()
        known = _profiles()
        targets = [known_profile(target) for target in self._targets]
        examined = {one.name for one in targets if isinstance(one, Profile)}
        yield from reachable({name: one for name, one in known.items() if name not in examined})
        yield from own_files.journal(self.journal, datetime.now(UTC))
        yield from own_files.recording()
        for target in targets:
            if isinstance(target, Diagnosis):
                yield target
            else:
                yield from examine_server(target, known, partial(self._keep, target.name), self._sleep)
        yield clock.diagnosis()

    def _keep(self, name: str, survey: Survey) -> None:
        self.surveys[name] = survey


def _profiles() -> dict[str, Profile]:
    try:
        return profiles()
    except ConfigError:
        return {}
