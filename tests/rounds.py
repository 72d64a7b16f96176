"""How many rounds a property is tried for: few in each run of the tests, many with ``pytest -m full``."""

from __future__ import annotations

import pytest


def rounds(few: int, many: int) -> pytest.MarkDecorator:
    """Give a test the argument ``rounds``; what it asserts of many rounds only goes by ``rounds == many``."""
    full = pytest.param(many, id="full", marks=pytest.mark.full)
    return pytest.mark.parametrize("rounds", [pytest.param(few, id="few"), full])
