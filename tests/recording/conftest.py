"""A server that is made up, looked at by an injected clock, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from beanops.monitor.problems.problem import Problem
from beanops.monitor.survey import Seen, Survey
from beanops.protocol import ServerStats, TubeStats
from beanops.recording.reader import Recording
from beanops.recording.writer import KEEP, RecordingWriter

#: When the tests begin, in seconds since 1970, and by the monotonic clock.
NOON, STARTED = 1_767_268_800.0, 5_000.0

#: Numbers of a server or a tube by their name; others are 0.
Numbers = dict[str, int]


def server_stats(instance: str = "one", **numbers: int) -> ServerStats:
    """Return the statistics of a server."""
    texts = {"id": instance, "hostname": "host", "version": "1.13", "os": "linux", "platform": "x86"}
    whole = {name: 0 for name in ServerStats._fields if name not in (*texts, "extra", "draining")}
    return ServerStats(**{**whole, **texts, "draining": False, **numbers})  # type: ignore[arg-type]


def tube_stats(name: str, **numbers: int) -> TubeStats:
    """Return the statistics of a tube."""
    whole = {field: 0 for field in TubeStats._fields if field not in ("name", "extra")}
    return TubeStats(name=name, **{**whole, **numbers})  # type: ignore[arg-type]


class Stage:
    """Looks at a made-up server, and records what they see."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mono = STARTED
        self.wall = NOON
        self.since = STARTED
        self.instance = "one"
        self.writer = self.open()

    def open(self, keep: tuple[float, ...] = KEEP) -> RecordingWriter:
        """Open the recording to write, as a new recorder does."""
        self.since = self.mono
        self.writer = RecordingWriter(self.path, keep=keep, clock=lambda: self.mono, wall=lambda: self.wall)
        return self.writer

    def kill(self) -> None:
        """Let the recorder vanish: what it has not written is gone."""
        self.writer._database.close()
        self.writer._alone.__exit__(None, None, None)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.mono += seconds
        self.wall += seconds

    def look(self, tubes: dict[str, Numbers], problems: tuple[Problem, ...] = (), **server: int) -> None:
        """Look now, and record it."""
        seen = {
            name: Seen(tube_stats(name, **numbers), self.mono, problems=tuple(p for p in problems if p.tube == name))
            for name, numbers in tubes.items()
        }
        survey = Survey(self.mono, server_stats(self.instance, **server), tubes=MappingProxyType(seen))
        survey = survey._replace(problems=problems)
        self.writer.add("prod", "queue:11300", survey, self.since)

    def restart_server(self) -> None:
        """Begin a new process of the server."""
        self.instance += "'"
        self.since = self.mono

    def read(self) -> Recording:
        """Open the recording to read."""
        return Recording(self.path)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return a recording that is being written."""
    return Stage(tmp_path / "recording.sqlite")


Started = Callable[..., object]
