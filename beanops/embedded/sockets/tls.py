"""TLS: a connection's bytes through it, and the certificate of a server.

It runs in memory, between the socket and two buffers. So all that was received is decrypted at once and nothing of it
is left where the loop cannot see it, writing never has to wait for reading, and the only bytes that wait are sealed.
"""

from __future__ import annotations

import contextlib
import socket
import ssl

from beanops.embedded.sockets.streams import CHUNK

#: Bytes that are sealed before they are sent, so that not all of a large body is in memory twice.
_SLICE = 65536
#: Bytes that one call may seal: others have their turn then.
_MOST = 1 << 20
#: Sealed bytes that may wait: more than `send` leaves there are answers of TLS itself that the peer never reads.
_MAX_SEALED = 4 * _SLICE
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsStream:
    """Bytes through TLS.

    Parameters
    ----------
    peer : socket.socket
        The socket, which does not block.
    context : ssl.SSLContext
        The certificate, and what is asked of the peer's.
    """

    def __init__(self, peer: socket.socket, context: ssl.SSLContext) -> None:
        self.peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._sealed = memoryview(b"")
        self._ready = False
        self._ended = False

    @property
    def unsent(self) -> bool:
        """Say whether sealed bytes wait for room."""
        return bool(self._sealed)

    def handshake(self) -> None:
        """Go on with the handshake; it is over when this returns."""
        while not self._ready:
            try:
                self._tls.do_handshake()
                self._ready = True
            except ssl.SSLWantReadError:
                self.flush()
                self._incoming.write(self._receive_sealed())
        self.flush()

    def receive(self) -> bytes:
        """Return what has come, ``b""`` at the end."""
        while not self._ended:
            data = self._open()
            if self._outgoing.pending:
                with contextlib.suppress(BlockingIOError, InterruptedError):
                    self.flush()
                if len(self._sealed) > _MAX_SEALED:
                    raise ConnectionResetError("too many questions of TLS itself")
            if data:
                return data
            if not self._ended:
                self._incoming.write(self._receive_sealed())
        return b""

    def send(self, data: memoryview) -> int:
        """Seal and send bytes; return how many were sealed."""
        self.flush()
        taken = 0
        while taken < len(data) and taken < _MOST and not self._sealed:
            taken += self._tls.write(data[taken : taken + _SLICE])
            if self._outgoing.pending >= _SLICE or taken == len(data):
                with contextlib.suppress(BlockingIOError, InterruptedError):
                    self.flush()
        return taken

    def flush(self) -> None:
        """Send what waits."""
        if self._outgoing.pending:
            new = self._outgoing.read()
            self._sealed = memoryview(bytes(self._sealed) + new if self._sealed else new)
        while self._sealed:
            self._sealed = self._sealed[self.peer.send(self._sealed) :]

    def finish(self) -> None:
        """Tell the peer that nothing more follows, or why the handshake failed."""
        with contextlib.suppress(OSError, ValueError):
            if self._ready:
                self._tls.unwrap()
        with contextlib.suppress(OSError):
            self.flush()

    def _receive_sealed(self) -> bytes:
        sealed = self.peer.recv(CHUNK)
        if not sealed:
            self._ended = True
            if not self._ready:
                raise ConnectionResetError("closed during the handshake")
        return sealed

    def _open(self) -> bytes:
        """Decrypt all that has come."""
        chunks = []
        try:
            while chunk := self._tls.read(CHUNK):
                chunks.append(chunk)
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def server_context(cert: str, key: str | None, client_ca: str | None, min_version: str) -> ssl.SSLContext:
    """Load what a listener shows, and what it asks of its peers.

    Parameters
    ----------
    cert : str
        File with the certificate and those that lead to its CA.
    key : str or None
        File with the private key; None when `cert` has it too.
    client_ca : str or None
        File with the CAs of clients, which then must show a certificate of one of them.
    min_version : {"1.2", "1.3"}
        The oldest version of TLS to be spoken.

    Raises
    ------
    OSError
        A file cannot be used; the message names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[min_version]
    context.options |= ssl.OP_NO_RENEGOTIATION

    def no_password() -> str:
        raise OSError(f"the key in {key or cert} is encrypted; beanops serve takes one that is not")

    for path in filter(None, (cert, key, client_ca)):
        with open(path, "rb"):
            pass  # the error of ssl does not name the file
    try:
        context.load_cert_chain(cert, key, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise OSError(f"the key in {key or cert} is not that of the certificate in {cert}") from None
        if key is None:
            raise OSError(f"{cert} has no certificate with its key in PEM; name the file of the key too") from None
        raise OSError(f"{cert} and {key} are no certificate and key in PEM") from None
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError:
            raise OSError(f"{client_ca} has no certificate in PEM") from None
    return context
