"""`Decoded`: a decoded body and the forms in which it is shown and stored.

How it came to be is in `layers`; what counts as a job's name is in `summary`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from beanops.jobs.bodies.redaction import Unreadable, redactor_of
from beanops.jobs.bodies.summary import summarise
from beanops.jobs.bodies.texts import stand_in
from beanops.text import safe_text

#: Characters of `Decoded.text`.
TEXT_LIMIT = 65_536
_ONE_BYTE = (("latin-1",), ("cp1252",))

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False)
_INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2, check_circular=False, allow_nan=False)


def mark_refused(reason: str) -> dict[str, str]:
    """Return the replacement for data beyond the limits."""
    return {"$refused": reason}


class Decoded(NamedTuple):
    """A body as data. Its forms for display are made on demand.

    Attributes
    ----------
    chain : tuple of str
        The decoders that read it, outermost first, such as ``("gzip", "json")``; empty for a body too large to try.
    data : Any
        What JSON can hold. What it cannot is marked: ``{"$bytes": hex, "$size": n}`` for bytes that are no text (at
        most the first 1,024), ``{"$class": name, ...}`` for a PHP or Python object, ``{"$refused": why}`` for what
        goes beyond the limits; ``"NaN"`` and ``"Infinity"``, and integers beyond 64 bits, are strings.
    inner : tuple
        Strings in the data that were a layer of their own: ``(path, chain)`` of each, ``$.data.command`` a path.
    notes : tuple of str
        What went wrong on the way, such as a user's decoder that failed.
    whole : bool
        Whether the data says all that is in the body. It does not where no decoder knows the format, a limit was
        reached, or one key has two values; then that a key is missing in the data means nothing.
    size : int
        Bytes of the body.
    """

    chain: tuple[str, ...]
    data: Any
    inner: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()
    whole: bool = True
    size: int = 0

    @property
    def json(self) -> str:
        """The data as compact JSON, fit for a JSON column and for UTF-8."""
        return _COMPACT.encode(self.data)

    @property
    def summary(self) -> str:
        """One line of at most 120 safe characters: the job's class and its error, or else the beginning of the data."""
        return summarise(self.data)

    @property
    def text(self) -> str:
        """All of it for display, indented, of at most 65,536 safe characters; binary as a hex dump."""
        if isinstance(self.data, str):
            return safe_text(self.data, multiline=True, limit=TEXT_LIMIT)
        if self.chain[-1:] == ("hex",):
            return _dump(self.data)
        parts: list[str] = []
        left = TEXT_LIMIT
        # The indented form of a small body can be huge: it is made only as far as it is shown.
        for part in _INDENTED.iterencode(self.data):
            parts.append(part)
            left -= len(part)
            if left < 0:
                break
        return safe_text("".join(parts), multiline=True, limit=TEXT_LIMIT)

    def redacted(self, patterns: Iterable[str]) -> Decoded:
        """Return it with the values of secret keys hidden in every form; see `redact`.

        A body that was not decoded whole is hidden but for its format and size, and so is a pickle, which is a
        program. Without patterns nothing is hidden.
        """
        known = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        if not known:
            return self
        try:
            if self._is_readable:
                # A path in `inner` is made of keys, of which one may hold a secret.
                return self._replace(data=redactor_of(known).data(self.data), inner=())
        except Unreadable:
            pass
        form = ", ".join(self.chain) or "not decoded"
        return self._replace(data=stand_in(form, self.size), inner=(), whole=False)

    @property
    def _is_readable(self) -> bool:
        """Whether the key of each value is known."""
        if self.chain[-1:] in _ONE_BYTE and not self.data[:1].isascii():
            return False  # binary data that was cut can look like text in an old encoding
        chains = (self.chain, *(chain for _, chain in self.inner))
        return self.whole and not any("pickle" in chain for chain in chains)


def _dump(mark: dict[str, Any]) -> str:
    shown = bytes.fromhex(mark["$bytes"])
    lines = []
    for start in range(0, len(shown), 16):
        row = shown[start : start + 16]
        letters = "".join(chr(code) if 32 <= code < 127 else "." for code in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  {letters}")
    if mark["$size"] > len(shown):
        lines.append(f"…[{mark['$size']:,} bytes]")
    return "\n".join(lines)
