"""PHP's ``serialize`` format, read to plain data; no object is ever made.

Our own reader, because the library for it (phpserialize) has had no release since 2016, builds objects,
recurses without bound and trusts counts.
"""

from __future__ import annotations

import re
from typing import Any

from beanops.jobs.bodies.budget import Budget, TooMuch

_START = re.compile(rb"[aOC]:\d{1,10}:|s:\d{1,10}:\\?\"|E:\d{1,10}:\\?\"")
_SCALAR = re.compile(rb"i:([-+]?\d{1,20});|d:([-+.0-9eEINFA]{1,64});|b:([01]);|(N);|[rR]:(\d{1,10});")
_TEXT = re.compile(rb'([sSE]):(\d{1,10}):"')
_ARRAY = re.compile(rb"a:(\d{1,10}):\{")
_OBJECT = re.compile(rb'([OC]):\d{1,4}:"([A-Za-z_\x80-\xff][\w\\\x80-\xff@:/.$\x00-]{0,1000})":(\d{1,10}):\{')
_SLASHED = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9a-fA-F]{2})")


def read_php(body: bytes, budget: Budget) -> Any:
    """Read a serialized array, object, enum or string; None when `body` is none.

    Strings come as bytes, lists as lists, other arrays and objects as dicts; an object has its class under
    ``$class``, and ``$ref`` is the number of a value that came before.
    """
    if not _START.match(body):
        return None
    try:
        return _Reader(body, budget).whole()
    except (ValueError, IndexError):
        if b'\\"' not in body:
            return None
    # Symfony Messenger sends addslashes(serialize(...)).
    unslashed = _SLASHED.sub(lambda match: b"\0" if match[1] == b"0" else match[1], body)
    try:
        return _Reader(unslashed, budget).whole()
    except (ValueError, IndexError):
        return None


class _Reader:
    def __init__(self, body: bytes, budget: Budget) -> None:
        self._body = body
        self._at = 0
        self._budget = budget
        self._values = budget.values

    def whole(self) -> Any:
        value = self._value(0)
        if self._at != len(self._body):
            raise ValueError("something follows the value")
        return value

    def _value(self, depth: int) -> Any:
        self._values -= 1
        if self._values < 0:
            raise TooMuch("more values than are allowed")
        if depth > self._budget.depth:
            raise TooMuch(f"nested deeper than {self._budget.depth} levels")
        if match := _TEXT.match(self._body, self._at):
            self._at = match.end()
            return self._text(match[1], int(match[2]))
        if match := _SCALAR.match(self._body, self._at):
            self._at = match.end()
            return _scalar(match)
        if match := _ARRAY.match(self._body, self._at):
            self._at = match.end()
            pairs = self._pairs(int(match[1]), depth)
            if [key for key, _ in pairs] == list(range(len(pairs))):
                return [value for _, value in pairs]
            array = {_key(key): value for key, value in pairs}
            if len(array) < len(pairs):
                self._budget.whole = False
            return array
        if match := _OBJECT.match(self._body, self._at):
            self._at = match.end()
            return self._object(match[1], match[2], int(match[3]), depth)
        raise ValueError("no value")

    def _take(self, end: bytes) -> None:
        if not self._body.startswith(end, self._at):
            raise ValueError(f"no {end!r}")
        self._at += len(end)

    def _bytes(self, length: int) -> bytes:
        start, self._at = self._at, self._at + length
        if self._at > len(self._body):
            raise ValueError("a length beyond the end")
        return self._body[start : self._at]

    def _text(self, kind: bytes, length: int) -> Any:
        if kind == b"S":
            end = self._body.index(b'"', self._at)
            text = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), self._bytes(end - self._at))
        else:
            text = self._bytes(length)
        self._take(b'";')
        return {"$enum": text} if kind == b"E" else text

    def _pairs(self, count: int, depth: int) -> list[tuple[Any, Any]]:
        pairs = []
        for _ in range(count):
            key = self._value(depth + 1)
            if not isinstance(key, int | bytes):
                raise ValueError("a key that is neither a number nor a string")
            pairs.append((key, self._value(depth + 1)))
        self._take(b"}")
        return pairs

    def _object(self, kind: bytes, name: bytes, count: int, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {"$class": name}
        if kind == b"C":
            # In a format of its class.
            data["$serialized"] = self._bytes(count)
            self._budget.whole = False
            self._take(b"}")
            return data
        for key, value in self._pairs(count, depth):
            # "\0*\0name" is protected, "\0Class\0name" private; a parent's private one may have a child's name.
            full = _key(key)
            short = full.rpartition("\0")[2]
            called = short if short not in data else full.strip("\0").replace("\0", "::")
            if called in data:
                self._budget.whole = False
            data[called] = value
        return data


def _key(key: int | bytes) -> str:
    return str(key) if isinstance(key, int) else key.decode("utf-8", "backslashreplace")


def _scalar(match: re.Match[bytes]) -> Any:
    whole, real, flag, nothing, reference = match.groups()
    if whole is not None:
        return int(whole)
    if real is not None:
        return float(real)
    if flag is not None:
        return flag == b"1"
    return None if nothing else {"$ref": int(reference)}
