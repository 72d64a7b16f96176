"""Where the dialects differ: one row of facts for each server that this one can be."""

from __future__ import annotations

from typing import NamedTuple

from beanops.embedded.dialects import FORKS, OLD, RELEASES, Dialect


class Release(NamedTuple):
    """What sets one dialect apart.

    Attributes
    ----------
    version : str
        The version as ``stats`` writes it.
    old : bool
        Up to 1.11: no ``reserve-job``, no unix sockets, numbers read as C reads them, and a
        line that is too long is answered before it ends.
    max_line : int
        Bytes of a command line with its CR LF: beanstalkd reads lines through a buffer of this size.
    quotes : bool
        Names and other text in statistics are quoted.
    c_timeout : bool
        The seconds of ``reserve-with-timeout`` are a C number, so that they may be negative.
    pauses_any_name : bool
        ``pause-tube`` looks for a tube of any name, also one that no tube can have.
    truncates : bool
        There is ``truncate``, and a command without arguments that is followed by something is unknown.
    stats_kept : float
        Seconds for which ``stats`` is answered from a cache, where nobody chooses.
    clamps : bool
        Time left is never negative.
    binlog : bool
        Statistics name the size of binlog files.
    kicks_one : bool
        There is ``kick-job``.
    deletes_delayed : bool
        A delayed job can be deleted; before, it had to be kicked first.
    counts_stored : bool
        ``cmd-put`` counts the jobs that were stored, not the commands.
    lacks : frozenset of str
        Statistics that came later, each behind the command that shows it, such as ``"stats-job file"``.
    """

    version: str
    old: bool
    max_line: int
    quotes: bool
    c_timeout: bool
    pauses_any_name: bool
    truncates: bool
    stats_kept: float
    clamps: bool
    binlog: bool
    kicks_one: bool
    deletes_delayed: bool
    counts_stored: bool
    lacks: frozenset[str]


#: Statistics by the release that they came with.
_SINCE = {
    "1.5": (
        "stats binlog-records-migrated",
        "stats binlog-records-written",
        "stats-tube cmd-delete",
        "stats-job file",
    ),
    "1.9": ("stats id", "stats hostname"),
    "1.12": ("stats draining", "stats os", "stats platform"),
}


def release(dialect: Dialect) -> Release:
    """Return what sets a dialect apart; the forks are 1.13 but for what is theirs."""
    base = "1.13" if dialect in FORKS else dialect
    before_1_11, before_1_8 = (base in RELEASES[: RELEASES.index(each)] for each in ("1.11", "1.8"))
    version = "1.4.6" if base == "1.4" else base
    return Release(
        version=version if before_1_11 else f'"{version}"',
        old=base in OLD,
        max_line=208 if before_1_11 else 224,
        quotes=base == "1.13",
        c_timeout=base != "1.13",
        pauses_any_name=before_1_11,
        truncates=dialect == "truncate",
        stats_kept=0.5 if dialect == "truncate" else 0,
        clamps=dialect == "cluster",
        binlog=dialect != "cluster",
        kicks_one=not before_1_8,
        deletes_delayed=base != "1.4",
        counts_stored=before_1_8,
        lacks=frozenset(
            field for since, fields in _SINCE.items() if base in RELEASES[: RELEASES.index(since)] for field in fields
        ),
    )
