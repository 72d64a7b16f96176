"""The type of options that take one of some words. Light, because every call imports it."""

from __future__ import annotations

from typing import Any

import click

from beanops.text import did_you_mean


class OneOf(click.Choice[str]):
    """One of some words; an error names them, and those that are like the one given."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return the message, which is worded as those of Python."""
        allowed = ", ".join(map(str, self.choices))
        return f"{value!r} given, allowed is one of {allowed}{did_you_mean(value, map(str, self.choices))}"
