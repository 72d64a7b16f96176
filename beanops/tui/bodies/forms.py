"""`Body`: a job's body as it is shown: decoded, as received, in hexadecimal, or by one decoder."""

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
        The bytes after redaction.
    kind : str
        The decoders that read it, such as ``"gzip, json"``, with notes.
    text : str
        Safe text, in lines.
    form : str
        The colours: ``"json"``, ``"diff"`` or ``"plain"``.
    data : Any
        The decoded data.
    size : int or None
        Its size on the server in bytes, where `raw` was redacted.
    """

    raw: bytes
    kind: str
    text: str
    form: str = "plain"
    data: Any = None
    size: int | None = None


def decoded(session: Session, raw: bytes) -> Body:
    """Decode a body by the first decoders that read it."""
    return _shown(raw, session._context.decode(raw))


def _shown(raw: bytes, found: Decoded) -> Body:
    kind = "; ".join([", ".join(found.chain) or "not decoded", *found.notes])
    structured = not isinstance(found.data, str) and found.chain[-1:] != ("hex",)
    return Body(raw, kind, found.text, "json" if structured else "plain", found.data)


def as_it_came(session: Session, raw: bytes) -> Body:
    """Return a body as text, other bytes escaped."""
    text = raw[: TEXT_LIMIT + 4].decode("utf-8", "backslashreplace")
    return Body(raw, "as received", safe_text(text, multiline=True, limit=TEXT_LIMIT))


def hexadecimal(session: Session, raw: bytes) -> Body:
    """Return a body as offsets, bytes and characters."""
    lines = []
    for start in range(0, min(len(raw), HEX_LIMIT), 16):
        row = raw[start : start + 16]
        letters = "".join(chr(code) if 32 <= code < 127 else "." for code in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  {letters}")
    if len(raw) > HEX_LIMIT:
        lines.append(f"…[{len(raw):,} bytes]")
    return Body(raw, "hexadecimal", "\n".join(lines))


def by_each_decoder(session: Session, raw: bytes) -> list[Body]:
    """Return the body as each decoder reads it that can."""
    bodies = []
    for decoder in registry.ordered():
        found = _by(raw, decoder)
        if found is not None:
            bodies.append(_shown(raw, found.redacted(session._context.redact)))
    return bodies


def _by(raw: bytes, decoder: Decoder) -> Decoded | None:
    try:
        value = decoder.read(raw, Budget(Limits()))
    except Exception:  # a user's decoder may raise anything: it cannot read this body
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
    """Return the lines in which two bodies differ, with context."""
    before, after = (body.text.split("\n")[:DIFF_LINES] for body in (one, other))
    lines = list(unified_diff(before, after, *names, n=5, lineterm=""))
    text = "\n".join(lines) or "the shown parts of the bodies are equal"
    return Body(b"", "compared", text, "diff")
