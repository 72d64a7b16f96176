"""Serving the dashboard to browsers in tests: by the command in a process of its own, or within the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.web import AppRunner, SockSite

from beanops.embedded.process import Beanstalkd
from beanops.session.web_access import ROLES, TrustedProxy, WebAccess, WebUser
from beanops.tui.web.passwords import hash_password
from beanops.tui.web.server import DashboardServer
from tests.waits import PATIENCE

#: A user of each role, whose password is the name and 1.
PEOPLE = {name: WebUser(ROLES[role], hash_password(f"{name}1")) for name, role in
          (("ann", "admin"), ("bob", "operate"), ("eve", "view"))}  # fmt: skip
KNOWN = WebAccess(users=PEOPLE)


def configure(access: WebAccess = KNOWN) -> None:
    """Write the users and the proxy of an access into the configuration."""
    lines = [f"[web]\nmemory = {access.memory}\nidle = {access.idle or 'never'!r}\n".replace("'", '"')]
    for name, user in access.users.items():
        password = f'password = "{user.password}"\n' if user.password else ""
        lines.append(f'[web.users.{name}]\nrole = "{user.role.name}"\n{password}')
    if access.proxy.networks:
        header = f'header = "{access.proxy.header}"\n' if access.proxy.header else ""
        lines.append(f"[web.proxy]\nfrom = {[str(one) for one in access.proxy.networks]}\n{header}")
    Path(os.environ["BEANOPS_CONFIG"]).write_text("".join(lines))


@contextmanager
def web(address: str, state: Path, *arguments: str) -> Iterator[tuple[str, list[str], int]]:
    """Serve a server's page; give where it is, the lines that it said when it has ended, and its process."""
    code = "import sys; from beanops.cli.app import run; sys.exit(run(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "-s", address, "web", "--port", "0", *arguments],
        env={**os.environ, "BEANOPS_STATE": str(state)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    try:
        match = re.search(r"http://127.0.0.1:\d+", lines[0])
        assert match is not None, lines[0] + process.stderr.read()
        yield match[0], lines, process.pid
    finally:
        process.terminate()
        try:
            # A visitor's dashboard that only starts is ended when it has started.
            _, told = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        lines += told.splitlines()


@asynccontextmanager
async def served(beanstalkd: Beanstalkd, **how: Any) -> AsyncIterator[tuple[str, ClientSession]]:
    """Serve a page within the test."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        known: dict[str, Any] = {"host": "127.0.0.1", "port": port, "read_only": True, "interval": 1.0, **how}
        runner = AppRunner(DashboardServer(beanstalkd.address, **known).make_app())
        await runner.setup()
        await SockSite(runner, taken).start()
        async with ClientSession() as browser:
            try:
                yield f"http://127.0.0.1:{port}", browser
            finally:
                await runner.cleanup()


def behind(*networks: str, header: str = "X-Forwarded-User", role: str | None = None) -> TrustedProxy:
    """Return a proxy that may name visitors."""
    from ipaddress import ip_network

    return TrustedProxy(tuple(map(ip_network, networks)), header, None if role is None else ROLES[role])
