"""Texts in SQL."""

from __future__ import annotations

from beanops.text import safe_text


def literal(text: str) -> str:
    """Return a text as SQL that a terminal shows as it is: characters that are not printable stand by their numbers.

    Examples
    --------
    >>> literal("it's"), literal("two\\nlines")
    ("'it''s'", "('two' || chr(10) || 'lines')")
    """
    quoted = text.replace("'", "''")
    if safe_text(quoted) == quoted and quoted.isprintable():
        return f"'{quoted}'"
    parts, plain = [], ""
    for character in text:
        if character.isprintable() and safe_text(character) == character:
            plain += character
            continue
        parts += [literal(plain)] if plain else []
        parts.append(f"chr({ord(character)})")
        plain = ""
    parts += [literal(plain)] if plain else []
    return f"({' || '.join(parts)})"
