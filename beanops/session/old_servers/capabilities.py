"""`Capabilities`: what a server can do, found out once and asked by every face. How it is lived with: `old_servers`."""

from __future__ import annotations

from typing import NamedTuple

from beanops.client.sync import Client
from beanops.protocol import ServerStats, commands
from beanops.protocol.errors import SINCE, NotFound, ReplyError, Unsupported
from beanops.protocol.payloads import release_of

_SINCE = SINCE["reserve-job"]


class Capabilities(NamedTuple):
    """What a server can do.

    Attributes
    ----------
    version : str
        What the server calls itself.
    reserve_job : bool
        Whether it can reserve a job by its id, which beanstalkd does since 1.12.
    """

    version: str
    reserve_job: bool

    @property
    def lacks(self) -> str:
        """What it cannot do, in words; empty where it can do everything."""
        if self.reserve_job:
            return ""
        return f"reserve-job: it buries a chosen job only in a tube that no worker watches ({self.needs})"

    @property
    def in_short(self) -> str:
        """The same for a header."""
        return "" if self.reserve_job else f"no reserve-job (since {_SINCE})"

    @property
    def needs(self) -> str:
        """Which server could, in words."""
        return f"needs beanstalkd {_SINCE} or newer, this is {self.version}"


def probe(client: Client, server: ServerStats) -> Capabilities:
    """Ask a server what it can do, which changes nothing: there is no job 0.

    A version may be a fork's own, so the server is asked; its version decides where it gives no clear answer.
    """
    (answer,) = client.pipeline([commands.reserve_job(0)])
    if isinstance(answer, ReplyError) and not isinstance(answer, NotFound | Unsupported):
        release = release_of(server.version)
        return Capabilities(server.version, release is None or release >= (release_of(_SINCE) or ()))
    return Capabilities(server.version, not isinstance(answer, Unsupported))
