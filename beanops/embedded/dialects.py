"""The dialects that this server can speak, releases of beanstalkd and its forks; how they differ is in `releases`."""

from __future__ import annotations

TYPE_CHECKING = False  # as that of typing, which takes longer to load than all that a server needs to listen
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Dialect: TypeAlias = Literal["1.4", "1.5", "1.8", "1.9", "1.10", "1.11", "1.12", "1.13", "truncate", "cluster"]
else:
    Dialect = str

#: The releases of beanstalkd itself; 1.4 is 1.4.6.
RELEASES: tuple[Dialect, ...] = ("1.4", "1.5", "1.8", "1.9", "1.10", "1.11", "1.12", "1.13")
#: Servers of others: one with ``truncate``, whose statistics are cached, and one that is a node of a cluster.
FORKS: tuple[Dialect, ...] = ("truncate", "cluster")
DIALECTS: tuple[Dialect, ...] = (*RELEASES, *FORKS)
#: The release that a server is where nobody chooses.
NEWEST: Dialect = "1.13"
#: Those without ``reserve-job`` and unix sockets, among other things.
OLD: tuple[Dialect, ...] = RELEASES[: RELEASES.index("1.12")]
