"""Where the releases of beanstalkd differ: one row of facts for each release that this server can be."""

from __future__ import annotations

from typing import NamedTuple

from beanops.embedded.dialects import OLD, Dialect


class Release(NamedTuple):
    """What sets one release apart.

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
    """

    version: str
    old: bool
    max_line: int
    quotes: bool
    c_timeout: bool
    pauses_any_name: bool


def release(dialect: Dialect) -> Release:
    """Return what sets a release apart."""
    return Release(
        version=dialect if dialect == "1.10" else f'"{dialect}"',
        old=dialect in OLD,
        max_line=208 if dialect == "1.10" else 224,
        quotes=dialect == "1.13",
        c_timeout=dialect != "1.13",
        pauses_any_name=dialect == "1.10",
    )
