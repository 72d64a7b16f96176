"""A PostgreSQL of the tests' own: a private cluster on a unix socket, made by Debian's package and gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import missing


def _program(name: str) -> str:
    found = shutil.which(name) or max(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None)
    return found or missing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a cluster and give the URL of its database."""
    initdb, postgres = _program("initdb"), _program("postgres")
    # The server refuses to run as root; Debian's package brings a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="beanops-"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    try:
        made = [initdb, "-D", str(folder / "data"), "-U", "beanops", "-A", "trust", "-E", "UTF8", "--locale", "C", "-N"]
        subprocess.run(made, check=True, user=user, **quiet)  # type: ignore[call-overload]
        run = [postgres, "-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen(run, user=user, **quiet)  # type: ignore[call-overload]
        try:
            give_up = time.monotonic() + 20
            while not (folder / ".s.PGSQL.5432").exists():
                assert server.poll() is None, "PostgreSQL did not come up"
                assert time.monotonic() < give_up, "PostgreSQL did not come up within 20 seconds"
                time.sleep(0.02)
            yield f"postgresql+psycopg://beanops@/postgres?host={folder}"
        finally:
            server.terminate()
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
