"""What a test needs from the machine: where it is missing the test says so, and with CI set it fails."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip with a reason that the summary shows; fail where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (CI is set: nothing may be missing)")
    pytest.skip(what)
