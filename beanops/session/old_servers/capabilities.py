"""`Capabilities`: what a server supports, asked once per server process."""

from __future__ import annotations

from typing import NamedTuple

from beanops.client.sync import Client
from beanops.protocol import ServerStats, commands
from beanops.protocol.errors import SINCE, NotFound, ReplyError, Unsupported
from beanops.protocol.payloads import release_of

_SINCE = SINCE["reserve-job"]


class Capabilities(NamedTuple):
    """What a server supports.

    Attributes
    ----------
    version : str
        The version that the server reports.
    reserve_job : bool
        Whether it can reserve a job by its id, as beanstalkd can since 1.12.
    """

    version: str
    reserve_job: bool

    @property
    def lacks(self) -> str:
        """What it does not support, in words; empty if it supports everything."""
        if self.reserve_job:
            return ""
        return f"reserve-job: it buries a chosen job only in a tube that no worker watches ({self.needs})"

    @property
    def in_short(self) -> str:
        """The same for a header."""
        return "" if self.reserve_job else f"no reserve-job (since {_SINCE})"

    @property
    def needs(self) -> str:
        """The version that is needed, in words."""
        return f"needs beanstalkd {_SINCE} or newer, this is {self.version}"


def probe(client: Client, server: ServerStats) -> Capabilities:
    """Ask a server what it supports, with a reserve of job 0, which never exists.

    Forks have versions of their own, so the answer decides; if it is not clear, the version does.
    """
    (answer,) = client.pipeline([commands.reserve_job(0)])
    if isinstance(answer, ReplyError) and not isinstance(answer, NotFound | Unsupported):
        release = release_of(server.version)
        return Capabilities(server.version, release is None or release >= (release_of(_SINCE) or ()))
    return Capabilities(server.version, not isinstance(answer, Unsupported))
