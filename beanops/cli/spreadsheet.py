"""``--spreadsheet-safe``: CSV that a spreadsheet opens without running formulas in it."""

from __future__ import annotations

from typing import Any

import click

#: What a spreadsheet takes for a formula, or skips before one; the wide forms are what some of them make of it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_KEY = "beanops.spreadsheet-safe"
#: Help of ``--output``, where it has csv.
OUTPUT = "Output format; csv is exact (see --spreadsheet-safe)"


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_KEY] = True  # which the contexts of subcommands share


option = click.option(
    "--spreadsheet-safe",
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Prefix cells that start a formula with ' in CSV",
)


def defused(value: Any, text: str) -> str:
    """Return the text of a cell, with a formula defused if --spreadsheet-safe is given; numbers stay numbers."""
    context = click.get_current_context(silent=True)
    if context is None or not context.meta.get(_KEY) or isinstance(value, int | float):
        return text
    raw = value if isinstance(value, str) else text
    return f"'{text}" if raw.startswith(_FORMULA) or text.startswith(_FORMULA) else text
