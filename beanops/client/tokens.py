"""Tokens: read from a file, from a command's output or from the keyring, whenever a connection is made.

A token is never in an error, in a log or in the representation of an object.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from beanops.client.reach import TokenSource
from beanops.protocol.errors import ArgumentError, ConnectFailed
from beanops.protocol.limits import MAX_TOKEN, check_token

#: Seconds that a command may take, and for which its token is used again: a dashboard connects often.
_PATIENCE, _KEPT = 30.0, 300.0

_lock = threading.Lock()
_known: dict[TokenSource, tuple[str, float]] = {}


def read_token(source: TokenSource) -> str:
    """Return the token of a source.

    Raises
    ------
    ConnectFailed
        There is none.
    """
    if source.kind == "file" and Path(source.place).expanduser().is_file():
        return _checked(source, _from_file(source))
    # Several connections at once ask a command, or the user of a keyring, once. A pipe can be read only once.
    with _lock:
        token, since = _known.get(source, ("", 0.0))
        if not token or time.monotonic() > since + _KEPT:
            token = _checked(source, _SOURCES[source.kind](source))
            _known[source] = token, time.monotonic()
        return token


def forget_token(source: TokenSource) -> None:
    """Ask for a token again when the next connection is made, for the server refused this one."""
    with _lock:
        _known.pop(source, None)


def _checked(source: TokenSource, text: str) -> str:
    token = text.strip()
    try:
        return check_token(token)
    except ArgumentError as error:
        raise ConnectFailed(f"{source}: {f'allowed is {error.allowed}' if token else 'the token is empty'}") from None


def _from_file(source: TokenSource) -> str:
    try:
        with Path(source.place).expanduser().open("rb") as file:
            return file.read(2 * MAX_TOKEN).decode("ascii", "replace")
    except OSError as error:
        raise ConnectFailed(f"{source}: {error.strerror or error}") from None


def _from_command(source: TokenSource) -> str:
    import shlex
    import subprocess

    # What it writes as errors may have a secret too, so neither output is shown.
    try:
        ended = subprocess.run(
            shlex.split(source.place), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise ConnectFailed(f"{source}: no answer within {_PATIENCE:g} s") from None
    except (OSError, ValueError, IndexError) as error:
        raise ConnectFailed(f"{source}: {getattr(error, 'strerror', None) or 'not a command'}") from None
    if ended.returncode:
        raise ConnectFailed(f"{source}: exit code {ended.returncode}; run the command to see why")
    return ended.stdout.decode("ascii", "replace")


def _from_keyring(source: TokenSource) -> str:
    try:
        import keyring
    except ImportError:
        raise ConnectFailed(f"{source} needs keyring: pip install 'beanops[keyring]'") from None
    service, _, user = source.place.rpartition("/")
    try:
        token = keyring.get_password(service, user)
    except Exception as error:  # backends raise what they like
        raise ConnectFailed(f"{source}: the keyring cannot be read ({type(error).__name__})") from None
    if token is None:
        raise ConnectFailed(f"{source}: no such entry; make it with 'keyring set {service} {user}'")
    return str(token)


_SOURCES = {"file": _from_file, "command": _from_command, "keyring": _from_keyring}
