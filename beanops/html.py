"""`card`: facts as a small HTML table. It escapes everything."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from beanops.text import safe_text


def card(title: str, facts: Mapping[str, Any]) -> str:
    """Return a title and facts as HTML, without those that are None; every text in it is escaped."""
    rows = "".join(
        f"<tr><th style='text-align: left'>{escape(name)}</th><td style='text-align: left'>{_value(value)}</td></tr>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<p><b>{escape(safe_text(title))}</b></p><table><tbody>{rows}</tbody></table>"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(f"{value:,}" if isinstance(value, int) else safe_text(str(value), limit=200))
