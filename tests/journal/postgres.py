"""A PostgreSQL of the tests' own: a private cluster on a unix socket, made by Debian's package and gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.needs import missing
from tests.waits import PATIENCE


def _program(name: str) -> str:
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)
    return found or missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


class Postgres:
    """A cluster in a folder of its own, which can be killed and started again.

    Attributes
    ----------
    url : str
        Of its database.
    """

    def __init__(self, folder: Path) -> None:
        self.url = f"postgresql+psycopg://beanops@/postgres?host={folder}"
        self._folder = folder
        # The server refuses to run as root; Debian's package brings a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        made = [
            _program("initdb"),
            "-D",
            self._data,
            "-U",
            "beanops",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale",
            "C",
            "-N",
        ]
        subprocess.run(made, check=True, **self._quiet)
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    @property
    def _quiet(self) -> dict[str, Any]:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        return {"cwd": self._folder, "user": self._user, **streams}

    def start(self) -> None:
        """Start the server and wait until it listens."""
        socket = ["-k", str(self._folder), "-c", "listen_addresses="]
        run = [_program("postgres"), "-D", self._data, *socket, "-c", "fsync=off"]
        self._server = subprocess.Popen(run, **self._quiet)
        give_up = time.monotonic() + PATIENCE
        while subprocess.run([_program("pg_isready"), "-q", "-h", str(self._folder)], check=False).returncode:
            assert self._server.poll() is None, "PostgreSQL did not come up"
            assert time.monotonic() < give_up, f"PostgreSQL did not come up within {PATIENCE:.0f} seconds"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server in the middle of whatever it does."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End the server."""
        if self._server.poll() is None:
            self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> None:
        self._server.send_signal(with_signal)
        self._server.wait(PATIENCE)


@contextmanager
def postgresql() -> Iterator[Postgres]:
    """Start a cluster, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="beanops-"))
    try:
        server = Postgres(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
