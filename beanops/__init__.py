"""Operate beanstalkd: see every tube, act on any job, and have every action on the record.

The names below are loaded when they are first used, so that ``import beanops`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as that of typing, which costs more than all of this
if TYPE_CHECKING:
    from typing import Any

    from beanops.accessors import replay
    from beanops.binlog.binlog import Binlog
    from beanops.client.address import Address
    from beanops.client.aio import AsyncClient
    from beanops.client.reach import Reach
    from beanops.client.sync import Client
    from beanops.fleet.connect import connect
    from beanops.fleet.fleet import Fleet
    from beanops.fleet.fleet_run import FleetRun
    from beanops.jobs.bodies import decode, decoder, redact
    from beanops.journal.records import Refused
    from beanops.protocol import commands, errors
    from beanops.protocol.records import Job, JobStats, ServerStats, TubeStats
    from beanops.session.session import Session

__version__ = "0.1.0"

__all__ = [
    "Address",
    "AsyncClient",
    "Binlog",
    "Client",
    "Fleet",
    "FleetRun",
    "Job",
    "JobStats",
    "Reach",
    "Refused",
    "ServerStats",
    "Session",
    "TubeStats",
    "commands",
    "connect",
    "decode",
    "decoder",
    "embedded",
    "errors",
    "redact",
    "replay",
]

_HOMES = {
    "Address": "beanops.client.address",
    "AsyncClient": "beanops.client.aio",
    "Binlog": "beanops.binlog.binlog",
    "Client": "beanops.client.sync",
    "Fleet": "beanops.fleet.fleet",
    "FleetRun": "beanops.fleet.fleet_run",
    "Reach": "beanops.client.reach",
    "Job": "beanops.protocol.records",
    "JobStats": "beanops.protocol.records",
    "ServerStats": "beanops.protocol.records",
    "TubeStats": "beanops.protocol.records",
    "Refused": "beanops.journal.records",
    "Session": "beanops.accessors",
    "commands": "beanops.protocol",
    "connect": "beanops.accessors",
    "decode": "beanops.jobs.bodies",
    "decoder": "beanops.jobs.bodies",
    "load_ipython_extension": "beanops.notebook.magic",
    "redact": "beanops.jobs.bodies",
    "replay": "beanops.accessors",
    "errors": "beanops.protocol",
}


def __getattr__(name: str) -> Any:
    if name == "embedded":
        return import_module("beanops.embedded")
    if name not in _HOMES:
        raise AttributeError(f"module 'beanops' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
