"""Names of causes that were published: a change of the rules that changes one has to raise `VERSION`.

Then the names here change too, all of them. Until the first release with groups they may change without that.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.jobs.causes.cause import VERSION

#: By version: body, name, text.
PINNED: dict[int, list[tuple[Any, str, str]]] = {1: []}


@pytest.mark.parametrize(("body", "name", "text"), PINNED[VERSION], ids=lambda value: value if value is str else None)
def test_the_name_of_a_cause_is_the_published_one(body: Any, name: str, text: str) -> None:
    cause = Causes(Reader()).of(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (cause.name, cause.text) == (name, text)
