"""The protocol, without sockets: bytes in, bytes out."""
