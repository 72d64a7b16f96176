"""Where the releases of beanstalkd differ: one row of facts for each release that this server can be."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

#: Which release to be.
Dialect = Literal["1.10", "1.11", "1.12", "1.13"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
#: The release that a server is where nobody chooses.
NEWEST: Dialect = "1.13"


class Release(NamedTuple):
    """What sets one release apart.

    Attributes
    ----------
    version : str
        The version as ``stats`` writes it.
    max_line : int
        Bytes of a command line with its CR LF: beanstalkd reads lines through a buffer of this size.
    old : bool
        Up to 1.11: no ``reserve-job``, no unix sockets, 48 server statistics, numbers read as C reads them, and a
        line that is too long is answered before it ends.
    quotes : bool
        Names and other text in statistics are quoted.
    c_timeout : bool
        The seconds of ``reserve-with-timeout`` are a C number, so that they may be negative.
    pauses_any_name : bool
        ``pause-tube`` looks for a tube of any name, also one that no tube can have.
    """

    version: str
    max_line: int = 224
    old: bool = False
    quotes: bool = False
    c_timeout: bool = True
    pauses_any_name: bool = False


RELEASES: dict[Dialect, Release] = {
    "1.10": Release("1.10", 208, old=True, pauses_any_name=True),
    "1.11": Release('"1.11"', old=True),
    "1.12": Release('"1.12"'),
    "1.13": Release('"1.13"', quotes=True, c_timeout=False),
}
