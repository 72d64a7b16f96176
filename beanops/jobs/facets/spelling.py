"""Paths and values in SQL: what a predicate on ``data`` has to say to find them again. Its text is printable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.sql.literals import literal

#: A key, or None for any item of a list.
Step = str | None

#: Characters up to which a text is kept whole.
LONGEST = 100


class LongText(NamedTuple):
    """A text that is not kept whole."""

    head: str
    digest: str


def kept_text(text: str) -> str | LongText:
    """Return what is kept of a text to count it."""
    if len(text) <= LONGEST:
        return text
    return LongText(text[:LONGEST], hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def float_text(number: float) -> str:
    """Return a float as DuckDB writes it in JSON.

    Examples
    --------
    >>> float_text(0.5), float_text(1e20), float_text(1e21), float_text(2.5e-7)
    ('0.5', '100000000000000000000.0', '1e21', '2.5e-7')
    """
    text = repr(number)
    if "e" not in text:
        return text
    digits, _, power = text.partition("e")
    exponent = int(power)
    if exponent >= 21 or exponent < -6:
        return f"{digits}e{exponent}"
    plain = format(Decimal(text), "f")
    return plain if "." in plain else f"{plain}.0"


def extraction(steps: Sequence[Step]) -> str | None:
    """Return the SQL for the text at a path, or for the texts at a path through lists; None where SQL has none."""
    if any(step in ("", "*") for step in steps):
        if None in steps:  # only a JSON pointer names such keys, and it has no wildcard
            return None
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
        return f"data->>{literal(pointer)}"
    return f"data->>{literal(spell_path(steps))}"


def predicate(steps: Sequence[Step], value: str | LongText) -> str | None:
    """Return the predicate that selects the jobs with a value at a path; None where SQL cannot name the path.

    Examples
    --------
    >>> predicate(["customer"], "42")
    "data->>'$.customer' = '42'"
    >>> predicate(["tags", None], "new")
    "list_contains(data->>'$.tags[*]', 'new')"
    """
    found = extraction(steps)
    if found is None:
        return None
    if isinstance(value, LongText):
        if None in steps:
            return f"list_contains(list_transform({found}, lambda one: md5(one)), '{value.digest}')"
        return f"md5({found}) = '{value.digest}'"
    return f"list_contains({found}, {literal(value)})" if None in steps else f"{found} = {literal(value)}"
