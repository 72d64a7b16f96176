"""Connections through ssh: the user's own program, with its configuration, keys and agent.

``ssh -W`` carries one connection over its standard input and output. It asks nothing: an unknown host key or a missing
key is an error. The child ends with the connection; also when this process dies, for its input ends then.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from math import ceil
from typing import IO, TYPE_CHECKING

from beanops.client.address import Address
from beanops.protocol.errors import ConnectFailed
from beanops.text import safe_text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: A dead network ends the child after 45 seconds. A child that became the master of other connections would outlive
#: its own, so it may only use one that is there.
_OPTIONS: dict[str, object] = {
    "BatchMode": "yes",
    "ControlMaster": "no",
    "ForwardAgent": "no",
    "PermitLocalCommand": "no",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
}
#: Seconds for a child to end by itself: after it has closed its end of the connection, where it has not, and after a
#: signal.
_ENDED, _CLOSING, _ENDING = 3.0, 0.05, 2.0


class SshChild:
    """A running ssh.

    Parameters
    ----------
    process : Popen
        Leads a group of its own.
    said : file
        What it writes as errors.

    Attributes
    ----------
    over : bool
        Whether it has closed its end of the connection, and ends.
    """

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._complaint: str | None = None
        self._lock = threading.Lock()
        self.over = False

    def end(self) -> None:
        """End the child and what it has started."""
        with self._lock:
            if self._complaint is not None:
                return
            self._complaint = self._read() if self._has_ended(self._within) else ""
            for number in (signal.SIGTERM, signal.SIGKILL):
                if self._process.poll() is None:
                    with suppress(OSError):
                        os.killpg(self._process.pid, number)
                    self._has_ended(_ENDING)
            self._said.close()

    def complaint(self) -> str:
        """Return why it has failed; an empty text if it has not."""
        with self._lock:
            if self._complaint is None and self._has_ended(self._within):
                return self._read()
            return self._complaint or ""

    @property
    def _within(self) -> float:
        return _ENDED if self.over else _CLOSING

    def _has_ended(self, within: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        return self._process.returncode is not None

    def _read(self) -> str:
        """Return the last line that it wrote as an error."""
        if not self._process.returncode:
            return ""
        self._said.seek(0)
        lines = self._said.read()[-4096:].decode("utf-8", "replace").split("\n")
        told = [line.strip() for line in lines if line.strip() and "stdio forwarding failed" not in line]
        return safe_text(told[-1].removeprefix("ssh: "), limit=200) if told else f"exit code {self._process.returncode}"


class EndsChild:
    """A socket whose connection a child process carries; closing it ends the child."""

    child: SshChild | None = None

    def close(self) -> None:
        """Close the connection."""
        super().close()  # type: ignore[misc]
        if self.child is not None:
            self.child.end()


class SshSocket(EndsChild, socket.socket):
    """The end of a connection through ssh."""

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive bytes, and note their end."""
        data = super().recv(bufsize, flags)
        self._note_end(len(data))
        return data

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive bytes into a buffer, and note their end."""
        number = super().recv_into(buffer, nbytes, flags)
        self._note_end(number)
        return number

    def _note_end(self, received: int) -> None:
        if not received and self.child is not None:
            self.child.over = True


def dial_through(address: Address, timeout: float) -> SshSocket:
    """Start ssh; return a non-blocking socket. Only an answer shows that it has reached the server.

    Raises
    ------
    ConnectFailed
        There is no ssh.
    """
    ours, theirs = socket.socketpair()
    said = tempfile.TemporaryFile()  # noqa: SIM115  # the child writes to it as long as it runs
    with theirs:
        try:
            process = subprocess.Popen(
                command_line(address, timeout),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=said,
                start_new_session=True,  # no terminal to ask at, and Ctrl-C is for beanops
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
            )
        except OSError as error:
            ours.close()
            said.close()
            why = "ssh is not on PATH" if isinstance(error, FileNotFoundError) else error.strerror
            raise ConnectFailed(f"cannot connect to beanstalkd at {address}: {why}") from None
    made = SshSocket(fileno=ours.detach())
    made.child = SshChild(process, said)
    made.setblocking(False)
    return made


def command_line(address: Address, timeout: float) -> list[str]:
    """Return the command line.

    Examples
    --------
    >>> " ".join(command_line(Address.parse("ssh://ops@jump:2222/queue"), 5)[-6:])
    '-p 2222 -W queue:11300 -- ops@jump'
    """
    user, at, place = address.jump.rpartition("@")
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, port = place, ""
    options = [f"-o{name}={value}" for name, value in (_OPTIONS | {"ConnectTimeout": ceil(timeout)}).items()]
    target = f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
    where = ["-p", port] if port else []
    # After "--" no destination is an option.
    return ["ssh", *options, *where, "-W", target, "--", f"{user}{at}{host.strip('[]')}"]
