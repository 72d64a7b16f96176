"""Which cause a body says: errors in the envelopes of the usual frameworks, classes, shapes and formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Cause, Causes
from tests.jobs.causes.envelopes import ENVELOPES


def cause(data: Any, *patterns: str) -> Cause:
    return Causes(Reader(patterns)).of(data if isinstance(data, bytes) else json.dumps(data).encode())


@pytest.mark.parametrize(("body", "job", "error", "message"), ENVELOPES.values(), ids=ENVELOPES)
def test_an_error_is_found_in_the_envelopes_of_frameworks(body: Any, job: str, error: str, message: str) -> None:
    assert cause(body) == Cause("error", job, error, message)
