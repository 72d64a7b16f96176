"""beanstalkd's protocol as values: bytes in, bytes out.

What lives here: every command with its replies (`commands`), what replies become (`records`), the
limits that arguments keep to (`limits`), the errors (`errors`) and the framing (`connection`).
No sockets, clocks, threads or pandas; this room imports no other room of beanops.
"""

from beanops.protocol import commands, errors
from beanops.protocol.commands import Command
from beanops.protocol.connection import Connection
from beanops.protocol.records import Job, JobStats, ServerStats, TubeStats

__all__ = ["Command", "Connection", "Job", "JobStats", "ServerStats", "TubeStats", "commands", "errors"]
