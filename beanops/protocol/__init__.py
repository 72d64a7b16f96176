"""beanstalkd's protocol as values: bytes in, bytes out.

What lives here: every command with its replies (`commands`), what replies become (`records`), the
limits that arguments keep to (`limits`), the errors (`errors`) and the framing (`connection`).
No sockets, clocks, threads or pandas; this room imports no other room of beanops.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as that of typing, which costs more than all of this
if TYPE_CHECKING:
    from typing import Any

    from beanops.protocol import commands, errors
    from beanops.protocol.commands import Command
    from beanops.protocol.connection import Connection
    from beanops.protocol.records import Job, JobStats, ServerStats, TubeStats

__all__ = ["Command", "Connection", "Job", "JobStats", "ServerStats", "TubeStats", "commands", "errors"]

_HOMES = {"Command": "commands", "Connection": "connection"}


def __getattr__(name: str) -> Any:
    """Load what is named when it is first used: importing the limits alone does not load all commands."""
    if name not in __all__:
        raise AttributeError(f"module 'beanops.protocol' has no attribute {name!r}")
    module = import_module(f"beanops.protocol.{name if name.islower() else _HOMES.get(name, 'records')}")
    return module if name.islower() else getattr(module, name)
