"""A name service of the tests' own: no test asks that of the machine, which may be slow, or answer for any name."""

from __future__ import annotations

import socket
from typing import Any

import pytest


def resolve(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Have every name resolve to these addresses; without any, to none."""

    def lookup(host: str, *more: Any, **options: Any) -> Any:
        if host == "127.0.0.1":
            return real(host, *more, **options)
        if not places:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
