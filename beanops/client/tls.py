"""TLS: contexts, sockets that block as plain ones do, and what its errors mean. Imported only where TLS is used."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from typing import Any

from beanops.client.address import Address
from beanops.client.reach import VERSIONS, TlsFacts, TlsOptions
from beanops.client.ssh import EndsChild

_VERSIONS = dict(zip(VERSIONS, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), strict=True))
#: Contexts that are kept: reading the certificates of a system takes longer than a handshake.
_KEPT = 8

_lock = threading.Lock()
_contexts: dict[Any, ssl.SSLContext] = {}


class TlsSocket(EndsChild, ssl.SSLSocket):
    """A socket with TLS that raises `BlockingIOError` where a plain one does."""

    def send(self, data: Any, flags: int = 0) -> int:
        """Send as much as possible."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive what is there, 16 KiB at most."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def shutdown(self, how: int) -> None:
        """End the connection below TLS, so that a thread that waits for it reads no ciphertext as replies."""
        socket.socket.shutdown(self, how)


def secure(made: socket.socket, options: TlsOptions, address: Address, timeout: float) -> TlsSocket:
    """Return a non-blocking socket with TLS over a connected one, which it replaces.

    Raises
    ------
    OSError
        The handshake failed; `made` is closed.
    """
    try:
        made.settimeout(max(0.001, timeout))
        wrapped = context_of(options).wrap_socket(
            made, server_hostname=server_name(options, address), do_handshake_on_connect=False
        )
    except BaseException:
        made.close()
        raise
    assert isinstance(wrapped, TlsSocket)
    wrapped.child = getattr(made, "child", None)
    try:
        wrapped.do_handshake()
        wrapped.setblocking(False)
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def facts_of(peer: socket.socket) -> TlsFacts | None:
    """Return what was agreed on for a connection; None without TLS."""
    if not isinstance(peer, ssl.SSLSocket):
        return None
    certificate, cipher = peer.getpeercert() or {}, peer.cipher()
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"])) if "notAfter" in certificate else 0.0
    return TlsFacts(peer.version() or "", cipher[0] if cipher is not None else "", until)


def server_name(options: TlsOptions, address: Address) -> str:
    """Return the name that the server's certificate must have."""
    return options.server_name or address.host.partition("%")[0]


def context_of(options: TlsOptions) -> ssl.SSLContext:
    """Return the context of TLS options; files that have changed are read again.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    changed = (_changed(name, getattr(options, name)) for name in ("ca", "cert", "key"))
    key = options, os.environ.get("SSL_CERT_FILE"), *changed
    with _lock:
        known = _contexts.get(key)
        if known is None:
            while len(_contexts) >= _KEPT:
                del _contexts[next(iter(_contexts))]
            known = _contexts[key] = _context(options)
        return known


def _changed(name: str, path: str) -> int:
    """Return when a file was changed; the error of one that cannot be read names it."""
    if not path:
        return 0
    try:
        if not os.path.isdir(path):
            os.close(os.open(path, os.O_RDONLY))  # the errors of ssl name no file
        return os.stat(path).st_mtime_ns
    except OSError as error:
        raise OSError(f"{path} (tls_{name}): {error.strerror or error}") from None


def _context(options: TlsOptions) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    context.minimum_version = _VERSIONS[options.min_version or VERSIONS[0]]
    if not options.ca:
        context.load_default_certs()
    else:
        folder = os.path.isdir(options.ca)
        try:
            context.load_verify_locations(None if folder else options.ca, options.ca if folder else None)
        except ssl.SSLError:
            raise OSError(f"no certificate in {options.ca} (tls_ca)") from None
    if options.cert:
        try:
            # An encrypted key would ask for its password at the terminal.
            context.load_cert_chain(options.cert, options.key or None, password=lambda: "")
        except ssl.SSLError as error:
            other = "the key does not belong to the certificate" if error.reason == "KEY_VALUES_MISMATCH" else ""
            files = " and ".join(filter(None, (options.cert, options.key)))
            raise OSError(f"{other or 'no certificate and unencrypted key'} in {files} (tls_cert, tls_key)") from None
    return context


def reason_of(error: ssl.SSLError) -> str:
    """Return in words why a connection with TLS failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrusted(error)
    reason = error.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
        return "the server answered without TLS; is it beanstalkd://host:port?"
    if "CERTIFICATE_REQUIRED" in reason:
        return "the server requires a client certificate; set tls_cert and tls_key"
    if "PROTOCOL_VERSION" in reason or reason in ("UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"):
        return "the server and beanops have no TLS version in common; see tls_min_version"
    if "ALERT" in reason:
        alert = reason.partition("ALERT_")[2].replace("_", " ").lower() or reason.lower()
        hint = "; it may require a client certificate" if "HANDSHAKE" in reason else ""
        refused = "CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "BAD_CERT" in reason
        return f"the server refused {'the client certificate' if refused else 'the TLS handshake'}: {alert}{hint}"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the server closed the connection in the TLS handshake"
    return f"TLS failed: {reason.replace('_', ' ').lower() or error}"


def _distrusted(error: ssl.SSLCertVerificationError) -> str:
    message = str(error.verify_message).rstrip(".")
    if error.verify_code in (62, 63, 64):
        begins = message[:1] if message[1:2].isupper() else message[:1].lower()  # "IP address mismatch" stays
        return f"{begins}{message[1:]}; set tls_server_name if that is right"
    if error.verify_code in (2, 18, 19, 20, 21):
        return f"the server's certificate is not trusted: {message}; set tls_ca"
    return f"the server's certificate was refused: {message}"
