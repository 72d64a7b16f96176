"""Where the dialects differ: one row of facts for each server that this one can be."""

from __future__ import annotations

from typing import NamedTuple

from beanops.embedded.dialects import FORKS, OLD, Dialect


class Release(NamedTuple):
    """What sets one dialect apart.

    Attributes
    ----------
    version : str
        The version as ``stats`` writes it.
    old : bool
        Up to 1.11: no ``reserve-job``, no unix sockets, 48 server statistics, numbers read as C reads them, and a
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


def release(dialect: Dialect) -> Release:
    """Return what sets a dialect apart; the forks are 1.13 but for what is theirs."""
    base = "1.13" if dialect in FORKS else dialect
    return Release(
        version=base if base == "1.10" else f'"{base}"',
        old=base in OLD,
        max_line=208 if base == "1.10" else 224,
        quotes=base == "1.13",
        c_timeout=base != "1.13",
        pauses_any_name=base == "1.10",
        truncates=dialect == "truncate",
        stats_kept=0.5 if dialect == "truncate" else 0,
        clamps=dialect == "cluster",
        binlog=dialect != "cluster",
    )
