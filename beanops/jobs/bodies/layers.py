"""`decode`: a body through its layers to plain data, within bounds.

Formats are in `formats`, `php` and `pickles`; what the result shows of itself is in `decoded`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from beanops.jobs.bodies.budget import Budget, Limits, TooMuch
from beanops.jobs.bodies.damage import is_damaged
from beanops.jobs.bodies.decoded import Decoded, mark_refused
from beanops.jobs.bodies.formats import SHOWN_BYTES, Ready, mark_bytes, plain_float, plain_integer, text_of
from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.bodies.pickles import Pairs
from beanops.jobs.bodies.registry import registry
from beanops.protocol.limits import check_body

DEFAULT_LIMITS = Limits()

_TEXTS = frozenset(("text", "latin-1", "cp1252", "hex"))
#: Base64 of a text is taken as such from this length on: a shorter word can decode to letters by chance.
_MIN_BASE64_TEXT = 20
# What a string inside data starts with when it may be a layer of its own: a JSON container or string, PHP, base64 (and
# no hash), and of base64url, which names and ids look like, only what JSON, gzip and zlib begin with.
layer_at = re.compile(
    r"[{\[]|\"[\\{\[aOC]|[aOC]:\d|(?![0-9a-f]+\Z)[A-Za-z0-9+/]{16,}={0,2}\Z"
    r"|(?=e[A-Pw-z\d]|W[w-z\d]|H4sI)(?![0-9a-f-]+\Z)[A-Za-z0-9_-]{16,}={0,2}\Z"
).match
SHORTEST_LAYER = 8
_SURROGATE = re.compile("[\ud800-\udfff]")

Path = tuple[Any, ...]


def decode(body: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    r"""Decode a job's body, whatever it holds; no object is ever loaded or made from it.

    Decoders are tried in order, each on the output of the one before: JSON, gzip, zlib, UTF-32 and UTF-16 with a byte
    order mark, base64, base64url, msgpack, CBOR, PHP serialize, pickle (disassembled), UTF-8 text, Latin-1, cp1252,
    hex, and users' own (`decoder`). Strings inside the data that are a layer of their own (a PHP object in Laravel's
    JSON) are decoded in place.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    limits : Limits
        Where to stop. What goes beyond is replaced by ``{"$refused": why}``.

    Returns
    -------
    Decoded
        The data, the names of the decoders that read it, and forms to show.

    Raises
    ------
    ArgumentError
        `body` is not bytes.

    Examples
    --------
    >>> import gzip
    >>> job = decode(gzip.compress(b'{"task": "app.mail", "args": "WzEsIDIsIFszXV0gIA=="}'))
    >>> job.chain, job.data, job.inner
    (('gzip', 'json'), {'task': 'app.mail', 'args': [1, 2, [3]]}, (('$.args', ('base64', 'json')),))
    >>> job.summary
    'app.mail'
    >>> decode(b"\x82\xa4user\x07\xa3key\xc4\x02\xff\x00").data
    {'user': 7, 'key': {'$bytes': 'ff00', '$size': 2}}
    """
    body = check_body(body)
    if len(body) > limits.size:
        refused = mark_refused(f"a body of {len(body):,} bytes, at most {limits.size:,} are decoded")
        return Decoded((), refused, whole=False, size=len(body))
    work = _Work(limits)
    try:
        chain, data = work.unpack(body, 0, ())
    except RecursionError:
        return Decoded((), mark_refused("nested too deep"), whole=False, size=len(body))
    whole = work.whole and chain[-1] != "hex"
    return Decoded(chain, data, tuple(work.inner), (*registry.problems, *work.notes), whole, len(body))


class _Work:
    """The decoding of one body."""

    __slots__ = ("_budget", "_decoders", "_layer", "inner", "notes")

    def __init__(self, limits: Limits) -> None:
        self._decoders = registry.ordered()
        self._budget = Budget(limits)
        self._layer = 0
        self.inner: list[tuple[str, tuple[str, ...]]] = []
        self.notes: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether the data has everything that is in the body."""
        return self._budget.whole

    def unpack(self, body: bytes, depth: int, path: Path) -> tuple[tuple[str, ...], Any]:
        """Return the decoders' names and the plain data; `depth` and `path` are its position in the data."""
        known, whole = len(self.inner), self._budget.whole
        for decoder in self._decoders:
            # What a failed attempt found is not in the data.
            del self.inner[known:]
            self._budget.whole = whole
            try:
                value = decoder.read(body, self._budget)
                if value is None:
                    continue
                if type(value) is Ready:
                    # The allowed depth depends on the position.
                    ready = depth == 0 or isinstance(value.data, str)
                    # A text inside data is text; a body that begins like data is damaged data.
                    if decoder.name in _TEXTS and path == () and is_damaged(body):
                        self._budget.whole = False
                    return (decoder.name,), value.data if ready else self._plain(value.data, depth, path)
                if type(value) is not bytes:
                    return (decoder.name,), self._plain(value, depth, path)
                self._budget.spend_bytes(len(value))
                if self._layer + 1 >= self._budget.layers:
                    raise TooMuch(f"more than {self._budget.layers} layers")
            except TooMuch as refused:
                if decoder.guess:
                    whole = False
                    continue
                del self.inner[known:]
                self._budget.whole = False
                return (decoder.name,), mark_refused(f"{decoder.name}: {refused}")
            except RecursionError:
                raise
            except Exception as error:  # a user's decoder may raise anything, and the next one may know the body
                self._note(f"decoder {decoder.name!r} failed with {type(error).__name__}")
                continue
            self._layer += 1
            chain, data = self.unpack(value, depth, path)
            self._layer -= 1
            if decoder.guess and not self._convincing(body, chain, data):
                continue
            return (decoder.name, *chain), data
        raise AssertionError("hex takes everything")

    def _convincing(self, body: bytes, chain: tuple[str, ...], data: Any) -> bool:
        if chain[-1] == "text":
            return len(body) >= _MIN_BASE64_TEXT and data.isprintable()
        if chain[-1] in ("msgpack", "cbor"):
            # Bytes at random are often a short array or map of numbers; a map with names for keys they are not.
            return isinstance(data, dict) and all(key.replace("-", "_").isidentifier() for key in data)
        return chain[-1] not in _TEXTS

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _plain(self, value: Any, depth: int, path: Path) -> Any:
        """Return `value` as data for JSON, with the layers in its texts decoded."""
        kind = type(value)
        if kind is str:
            return self._text(value, depth, path)
        if kind is dict:
            return self._mapping(value.items(), depth, path)
        if kind is list:
            self._budget.spend_values(len(value), depth)
            depth += 1
            return [self._plain(item, depth, (path, number)) for number, item in enumerate(value)]
        if kind is int:
            number = plain_integer(value)
            if type(number) is str:
                self._budget.spend_written(len(number))
            return number
        if kind is float:
            return plain_float(value)
        if value is None or kind is bool:
            return value
        return self._other(value, depth, path)

    def _mapping(self, items: Collection[tuple[Any, Any]], depth: int, path: Path) -> dict[str, Any]:
        self._budget.spend_values(len(items), depth)
        depth += 1
        data: dict[str, Any] = {}
        for key, item in items:
            name = _encodable(key) if type(key) is str else self._key(key, depth, data)
            if name in data:
                self._budget.whole = False
            self._budget.spend_written(len(name))
            data[name] = self._plain(item, depth, (path, name))
        return data

    def _key(self, key: Any, depth: int, taken: dict[str, Any]) -> str:
        text = text_of(key) if isinstance(key, bytes) else None
        if text is None:
            plain = self._plain(key, depth, ())
            text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
            if isinstance(key, bytes):
                self._budget.whole = False
        if text not in taken:
            return text
        # 1 and "1" are two keys outside JSON.
        self._budget.whole = False
        return f"{text} ({type(key).__name__})"

    def _text(self, text: str, depth: int, path: Path) -> Any:
        self._budget.spend_written(len(text))
        text = _encodable(text)
        # A body that is one string has no other content, so that even a short one may be a layer.
        if not (may_be_layer(text) if path else layer_at(text)):
            return text
        if self._budget.texts <= 0 or self._budget.tries <= 0 or self._layer + 1 >= self._budget.layers:
            self._budget.whole = False
            return text
        self._budget.tries -= 1
        known, whole = len(self.inner), self._budget.whole
        self._layer += 1
        chain, data = self.unpack(text.encode(), depth, path)
        self._layer -= 1
        if chain[-1] in _TEXTS or not isinstance(data, dict | list):
            del self.inner[known:]
            self._budget.whole = whole
            return text
        self._budget.texts -= 1
        self.inner.append((_spell(path), chain))
        return data

    def _other(self, value: Any, depth: int, path: Path) -> Any:
        if isinstance(value, bytes | bytearray):
            self._budget.spend_written(min(len(value), SHOWN_BYTES))
            text = text_of(bytes(value))
            return mark_bytes(bytes(value)) if text is None else self._text(text, depth, path)
        if isinstance(value, Pairs):
            return self._mapping(value, depth, path)
        if isinstance(value, dict):
            return self._plain(dict(value), depth, path)
        if isinstance(value, list | tuple | set | frozenset):
            return self._plain(list(value), depth, path)
        return _encodable(value.isoformat() if hasattr(value, "isoformat") else str(value))


def may_be_layer(text: str) -> bool:
    """Whether a string inside data may be a layer of its own."""
    return len(text) >= SHORTEST_LAYER and layer_at(text) is not None


def _encodable(text: str) -> str:
    """Return `text` with lone surrogates spelt out, so that it can be written as UTF-8."""
    return text if text.isascii() else _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _spell(path: Path) -> str:
    steps: list[str | int] = []
    while path:
        path, step = path
        steps.append(step)
    return spell_path(reversed(steps))
