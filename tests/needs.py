"""What a test needs from the machine: where it is missing the test says so, and with CI set it fails."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip with a reason that the summary shows; fail where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (CI is set: nothing may be missing)")
    pytest.skip(what)


def chromium() -> str | None:
    """Return where the browser is, under either of its names; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def program(name: str) -> str:
    """Return where a program is."""
    path = shutil.which(name)
    return missing(f"{name} is not on PATH") if path is None else path
