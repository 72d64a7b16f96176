"""Texts of alerts with fields of the row in braces, such as ``"{tube}: {ready} jobs on {server}"``.

A field is a plain name: no attributes, no formats, nothing is evaluated. `{{` is a brace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

from beanops.jobs.sql.row_predicates import PredicateTable
from beanops.text import did_you_mean, safe_text, span

#: Fields beside the columns of the row.
EXTRA = ("rule", "severity", "values", "count", "names")


def complaint(template: str, fields: Iterable[str]) -> str | None:
    """Return what is wrong with a template, None where nothing is.

    Examples
    --------
    >>> complaint("{tub}", ["tube", "ready"])
    "unknown field {tub}; fields are tube, ready; did you mean 'tube'?"
    """
    known = list(fields)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return f"{error}; write {{{{ for a brace"
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion:
            return f"a field is a name alone, without a format: {{{name}}}"
        if name not in known:
            return f"unknown field {{{name}}}; fields are {', '.join(known)}{did_you_mean(name, known)}"
    return None


def filled(template: str, facts: Mapping[str, str]) -> str:
    """Return a template with its fields replaced."""
    parts = Formatter().parse(template)
    return "".join(text + ("" if name is None else facts.get(name, "")) for text, name, _, _ in parts)


def shown(value: Any, kind: str) -> str:
    """Return a value of a row for people.

    Examples
    --------
    >>> shown(12345, "count"), shown(0.25, "number"), shown(200, "span"), shown(None, "span")
    ('12,345', '0.25', '3m20s', 'unknown')
    """
    if value is None:
        return "unknown"
    if kind == "span":
        return span(value)
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "text":
        return safe_text(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def facts_of(row: Mapping[str, Any], table: PredicateTable) -> dict[str, str]:
    """Return the columns of a row for people; a text that is missing is empty."""
    return {
        name: "" if kind == "text" and row[name] is None else shown(row[name], kind)
        for name, kind in table.columns.items()
    }
