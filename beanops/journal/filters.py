"""Which runs and actions of the journal are wanted, as a value; `queries` makes conditions of it for the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple


class Filter(NamedTuple):
    """Which runs and actions: all parts that are given must match; None matches everything.

    Attributes
    ----------
    server : str, sequence of str, or None
        Address of the server, or those of several. Pruning the journal belongs to every server.
    since, until : datetime or None
        The first moment, and the first moment after the last.
    actions : sequence of str or None
        Names of actions, such as ``"delete"``; of runs, the verb.
    runs : sequence of str or None
        Ids of runs.
    jobs : mapping or None
        Ids of jobs that were acted on or put, by the server process (``instance``) that they were on, or None.
    tubes, actors : sequence of str or None
        Exact names.
    fleets : sequence of str or None
        Ids of calls on several servers; the runs that are part of them.
    """

    server: str | Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    actions: Sequence[str] | None = None
    runs: Sequence[str] | None = None
    jobs: Mapping[str | None, Sequence[int]] | None = None
    tubes: Sequence[str] | None = None
    actors: Sequence[str] | None = None
    fleets: Sequence[str] | None = None


EVERYTHING = Filter()
