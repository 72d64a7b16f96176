"""Bodies of many jobs as data: plain JSON read quickly, everything else decoded whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader, decode, json_reader, may_be_layer, may_hold_layers, reads_json_first

#: Characters up to which it is remembered whether a text is a layer.
_SHORT = 200
#: A float from here on may have been an integer beyond 64 bits.
BEYOND_INTEGERS = 2.0**63
_may_be_beyond = re.compile(rb"\d{19}|[eE]\+?\d\d").search


class Exact(NamedTuple):
    """A body decoded whole, or what is known of one that was not.

    Attributes
    ----------
    data : Any
        The data, with secret values hidden.
    undecoded : str
        The format of a body that was not decoded for certain; empty for one that was.
    weight : int
        How much memory the data takes, about, in bytes of JSON.
    """

    data: Any
    undecoded: str
    weight: int


class QuickReader:
    """Reads plain JSON as data, without looking for layers in it.

    Parameters
    ----------
    reader : Reader
        Says what may be shown of a body. Where it hides anything, nothing is read quickly.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        quick = not reader.patterns and reads_json_first()
        self._read = json_reader() if quick else lambda body: None

    def read(self, bodies: Sequence[bytes | None]) -> list[Any]:
        """Return the data of bodies that are plain JSON, None for those that must be decoded."""
        return list(map(self._read, bodies))

    def certain(self, data: Any, body: bytes) -> Exact:
        """Return a body for certain, which was read as this data."""
        if may_hold_layers(body.decode()) or _may_be_beyond(body):
            return self.exact(body)
        return Exact(data, "", len(body))

    def exact(self, body: bytes) -> Exact:
        """Decode a body whole."""
        from orjson import dumps

        found = self._reader.decode(body)
        if found.whole:
            plain = found.chain == ("json",) and not found.inner
            return Exact(found.data, "", len(body) if plain else len(dumps(found.data)))
        return Exact(None, _form(found.chain, found.data, lambda: decode(body).whole), len(body))


def _form(chain: tuple[str, ...], data: Any, readable: Callable[[], bool]) -> str:
    """Return the format of a body that was not decoded, with the reason."""
    if chain[-1:] == ("hex",):
        return "unknown format"
    names = ", ".join(chain) or "any format"
    if isinstance(data, dict) and "$refused" in data:
        return f"{names} (over a limit)"
    return f"{names} (redacted)" if readable() else f"{names} (in part)"


class LayerMemo:
    """Finds texts that are layers of their own among those of data; it remembers short ones."""

    def __init__(self) -> None:
        self._known = lru_cache(maxsize=4096)(_is_layer)

    def any(self, texts: Iterable[str]) -> bool:
        """Whether any of some texts in data is a layer, which is decoded."""
        possible = [text for text in texts if may_be_layer(text)]
        return any(self._known(text) if len(text) <= _SHORT else _is_layer(text) for text in possible)


def _is_layer(text: str) -> bool:
    from orjson import dumps

    found = decode(dumps(text))
    return bool(found.inner) or not found.whole
