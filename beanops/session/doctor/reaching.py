"""Diagnoses of how a server is reached: its other addresses, its certificate, and its token."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from beanops.client.places import is_near
from beanops.client.reach import Reach, TlsFacts, TokenSource
from beanops.client.sync import Client
from beanops.protocol.errors import BeanopsError, Unauthorized
from beanops.session.doctor.diagnosis import Diagnosis

#: Days of a certificate from which on it should be renewed; many are renewed automatically a month before the end.
_SOON = 14
#: Seconds to wait for another address.
_PATIENCE = 2.0


def reach_of_server(client: Client, area: str) -> Iterator[Diagnosis]:
    """Yield diagnoses of the way that a connection has gone, and of those that it could go."""
    reach = client.reach
    if client.tls is not None:
        yield _certificate(client.tls, area, time.time())
    if reach.token is not None:
        yield from _token(reach, reach.token, area)
    instance = client.stats().id
    for address in reach.addresses:
        if address != client.endpoint:
            yield _other(reach._replace(addresses=(address,)), instance, area)


def advice_for(error: BeanopsError) -> str:
    """Return what to do about a server that cannot be reached."""
    if isinstance(error, Unauthorized):
        return "set token_file, token_command or token_keyring; see beanops manual servers"
    if "TLS" in str(error) or "certificate" in str(error):
        return "see beanops manual servers"
    return "is it running, and is the address right?"


def _certificate(facts: TlsFacts, area: str, now: float) -> Diagnosis:
    until = f"{datetime.fromtimestamp(facts.until, UTC):%Y-%m-%d}"
    days = int((facts.until - now) // 86_400)
    text = f"{facts.version}, certificate valid until {until}, {days:,} days"
    if days < _SOON:
        return Diagnosis(area, "warning", text, "renew the server's certificate")
    return Diagnosis(area, "ok", text)


def _token(reach: Reach, source: TokenSource, area: str) -> Iterator[Diagnosis]:
    yield Diagnosis(area, "ok", f"shows the token of {source}")
    if source.kind == "file":
        with_others = stat.S_IRGRP | stat.S_IROTH
        try:
            mode = os.stat(os.path.expanduser(source.place)).st_mode
        except OSError:  # a pipe of a shell that is gone
            mode = 0
        if mode & with_others:
            text = f"other users can read {source} (mode {stat.S_IMODE(mode):o})"
            yield Diagnosis(area, "warning", text, f"chmod 600 {source.place}")
    open_ways = [address for address in reach.addresses if not (address.tls or address.jump or is_near(address))]
    if open_ways:
        text = f"the token goes to {', '.join(map(str, open_ways))} without TLS"
        yield Diagnosis(area, "warning", text, "use beanstalks:// or ssh://")


def _other(reach: Reach, instance: str, area: str) -> Diagnosis:
    try:
        with Client(reach, connect_timeout=_PATIENCE, read_timeout=_PATIENCE) as client:
            same = client.stats().id == instance
    except BeanopsError as error:
        return Diagnosis(area, "warning", f"no fail-over: {error}", advice_for(error))
    if same:
        return Diagnosis(area, "ok", f"{reach} answers too, as the same server process")
    text = f"{reach} answers too, as another server process with jobs of its own"
    return Diagnosis(area, "warning", text, "after a fail-over, actions on jobs found before are refused")
