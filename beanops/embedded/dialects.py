"""The releases of beanstalkd that this server can be; how they differ is in `releases`."""

from __future__ import annotations

TYPE_CHECKING = False  # as that of typing, which takes longer to load than all that a server needs to listen
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Dialect: TypeAlias = Literal["1.10", "1.11", "1.12", "1.13"]
else:
    Dialect = str

DIALECTS: tuple[Dialect, ...] = ("1.10", "1.11", "1.12", "1.13")
#: The release that a server is where nobody chooses.
NEWEST: Dialect = "1.13"
#: Those without ``reserve-job`` and unix sockets, among other things.
OLD: tuple[Dialect, ...] = ("1.10", "1.11")
