"""`Body`: a job's body in a form in which it is shown: decoded, as it came, in hexadecimal, by one decoder."""

from __future__ import annotations

import json
from difflib import unified_diff
from typing import Any, NamedTuple

from beanops.jobs.bodies import Limits, decode
from beanops.jobs.bodies.budget import Budget
from beanops.jobs.bodies.decoded import TEXT_LIMIT, Decoded
from beanops.jobs.bodies.registry import Decoder, registry
from beanops.session.session import Session
from beanops.text import safe_text

#: Bytes that the hexadecimal form shows.
HEX_LIMIT = 16_384
#: Lines of each side that are compared.
DIFF_LINES = 1000


class Body(NamedTuple):
    """A body as it is shown.

    Attributes
    ----------
    raw : bytes
        What may be shown of it, as bytes.
    kind : str
        What decoded it, such as ``"gzip, json"``, with notes.
    text : str
        Safe to show, in lines.
    form : str
        How it is coloured: ``"json"``, ``"diff"`` or ``"plain"``.
    data : Any
        The decoded data.
    size : int or None
        Its bytes on the server, where `raw` is not as it came.
    """

    raw: bytes
    kind: str
    text: str
    form: str = "plain"
    data: Any = None
    size: int | None = None


def decoded(session: Session, raw: bytes) -> Body:
    """Decode a body by whatever decoders read it."""
    return _shown(raw, session.decode(raw))


def _shown(raw: bytes, found: Decoded) -> Body:
    kind = "; ".join([", ".join(found.chain) or "not decoded", *found.notes])
    structured = not isinstance(found.data, str) and found.chain[-1:] != ("hex",)
    return Body(raw, kind, found.text, "json" if structured else "plain", found.data)


def as_it_came(session: Session, raw: bytes) -> Body:
    """Return a body as text, what is no text made visible."""
    text = raw[: TEXT_LIMIT + 4].decode("utf-8", "backslashreplace")
    return Body(raw, "as it came", safe_text(text, multiline=True, limit=TEXT_LIMIT))


def hexadecimal(session: Session, raw: bytes) -> Body:
    """Return a body as offsets, bytes and letters."""
    lines = []
    for start in range(0, min(len(raw), HEX_LIMIT), 16):
        row = raw[start : start + 16]
        letters = "".join(chr(code) if 32 <= code < 127 else "." for code in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  {letters}")
    if len(raw) > HEX_LIMIT:
        lines.append(f"…[{len(raw):,} bytes]")
    return Body(raw, "hexadecimal", "\n".join(lines))


def by_each_decoder(session: Session, raw: bytes) -> list[Body]:
    """Return what each decoder that can read a body makes of it."""
    bodies = []
    for decoder in registry.ordered():
        found = _by(raw, decoder)
        if found is not None:
            bodies.append(_shown(raw, found.redacted(session.redact)))
    return bodies


def _by(raw: bytes, decoder: Decoder) -> Decoded | None:
    try:
        value = decoder.read(raw, Budget(Limits()))
    except Exception:  # a user's decoder may raise whatever it likes; it cannot read this
        return None
    if value is None:
        return None
    data = getattr(value, "data", value)
    if isinstance(data, bytes):
        inner = decode(data)
        return inner._replace(chain=(decoder.name, *inner.chain))
    try:
        json.dumps(data)
    except (TypeError, ValueError, RecursionError):
        data = safe_text(repr(data), limit=TEXT_LIMIT)
    return Decoded((decoder.name,), data)


def difference(one: Body, other: Body, names: tuple[str, str]) -> Body:
    """Return the lines in which two bodies differ, with some around them."""
    before, after = (body.text.split("\n")[:DIFF_LINES] for body in (one, other))
    lines = list(unified_diff(before, after, *names, n=5, lineterm=""))
    text = "\n".join(lines) or "the bodies are the same, as far as they are shown"
    return Body(b"", "compared", text, "diff")
