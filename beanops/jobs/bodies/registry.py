"""The decoders in their order: the built-in ones, users' own, and those of installed packages.

How a body passes through them is in `layers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple, TypeVar, overload

from beanops.jobs.bodies import encodings, formats
from beanops.jobs.bodies.budget import Budget
from beanops.jobs.bodies.cbor import read_cbor
from beanops.jobs.bodies.jsons import read_json
from beanops.jobs.bodies.php import read_php
from beanops.jobs.bodies.pickles import read_pickle
from beanops.protocol.errors import ArgumentError

GROUP = "beanops.decoders"

Read = Callable[[bytes], Any]
F = TypeVar("F", bound=Read)


class Decoder(NamedTuple):
    """One decoder in the order.

    Attributes
    ----------
    name : str
        The name in `Decoded.chain`.
    priority : int
        Lower is tried earlier.
    read : callable
        Takes the body and the budget; returns data, bytes for the next layer, or None if it is not its format.
    guess : bool
        Its input can look right by chance: it only counts if what comes out makes sense.
    """

    name: str
    priority: int
    read: Callable[[bytes, Budget], Any]
    guess: bool = False


BUILT_IN = (
    Decoder("json", 100, read_json),
    Decoder("gzip", 200, formats.read_gzip),
    Decoder("zlib", 300, formats.read_zlib),
    Decoder("utf-32", 340, encodings.read_utf32),
    Decoder("utf-16", 350, encodings.read_utf16),
    Decoder("base64", 400, formats.read_base64, guess=True),
    Decoder("base64url", 450, formats.read_base64url, guess=True),
    Decoder("msgpack", 500, formats.read_msgpack),
    Decoder("cbor", 550, read_cbor),
    Decoder("php", 600, read_php),
    Decoder("pickle", 700, read_pickle),
    Decoder("text", 800, formats.read_text),
    Decoder("latin-1", 900, encodings.read_latin1),
    Decoder("cp1252", 950, encodings.read_cp1252),
    Decoder("hex", 1000, formats.read_hex),
)
_LAST = BUILT_IN[-1]
_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,39}")


class Registry:
    """The decoders in their order; entry points are loaded when the order is first asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._decoders = {decoder.name: decoder for decoder in BUILT_IN}
        self._functions: list[Read] = []
        self._ordered: tuple[Decoder, ...] | None = None
        self._loaded = False
        self.problems: tuple[str, ...] = ()

    def ordered(self) -> tuple[Decoder, ...]:
        """Return the decoders, first to try first."""
        ordered = self._ordered
        if ordered is None:
            self._load()
            with self._lock:
                ordered = self._ordered = tuple(sorted(self._decoders.values(), key=lambda decoder: decoder.priority))
        return ordered

    def add(self, name: str, priority: int, function: Read) -> None:
        """Add a decoder, or replace the one of that name.

        Raises
        ------
        ArgumentError
            The name or the priority cannot be used.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ArgumentError("name", name, "1 to 40 of a-z 0-9 _ . + -, such as 'avro'")
        if name == _LAST.name:
            raise ArgumentError("name", name, "any name but 'hex', which takes what no other decoder takes")
        if type(priority) is not int or priority >= _LAST.priority:
            raise ArgumentError("priority", priority, f"a whole number below {_LAST.priority}")
        with self._lock:
            self._functions.append(function)
            self._decoders[name] = Decoder(name, priority, lambda body, _: function(body))
            self._ordered = None

    def _load(self) -> None:
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
        # Slow to import, and nobody needs it before the first body.
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP):
            try:
                function = point.load()
                # Loading the module has added it already if it uses the decorator.
                if function not in self._functions:
                    self.add(point.name, 0, function)
            except Exception as error:
                self.problems += (f"decoder {point.name!r} ({point.value}) cannot be loaded: {error}",)


registry = Registry()


def reads_json_first() -> bool:
    """Whether the built-in decoder of JSON sees bodies before any other, users' own included."""
    return registry.ordered()[0] is BUILT_IN[0]


@overload
def decoder(name: F) -> F: ...
@overload
def decoder(name: str | None = None, *, priority: int = 0) -> Callable[[F], F]: ...
def decoder(name: F | str | None = None, *, priority: int = 0) -> F | Callable[[F], F]:
    """Register a decoder of your own.

    The function takes the body as bytes and returns data (as for JSON; dates, sets and bytes become text), or bytes
    for the next decoder to read, or None when the body is not in its format. One that raises is passed over
    with a note. The same name again replaces the earlier decoder, also a built-in one.

    Parameters
    ----------
    name : str, optional
        The name in `Decoded.chain`; by default that of the function.
    priority : int
        Lower is tried earlier. The default, 0, is before all built-in ones: json 100, gzip 200, zlib 300, utf-32 340,
        utf-16 350, base64 400, base64url 450, msgpack 500, cbor 550, php 600, pickle 700, text 800, latin-1 900,
        cp1252 950, hex 1000.

    Raises
    ------
    ArgumentError
        The name or the priority cannot be used.

    Examples
    --------
    >>> @decoder("csv-row", priority=750)
    ... def read_row(body: bytes) -> object:
    ...     return body.decode().split(";") if body.count(b";") > 2 else None

    A package does the same with an entry point, without the decorator::

        [project.entry-points."beanops.decoders"]
        avro = "ourjobs.decoding:read_avro"
    """

    def register(function: F) -> F:
        given = name if isinstance(name, str) else getattr(function, "__name__", "")
        registry.add(given, priority, function)
        return function

    return register if name is None or isinstance(name, str) else register(name)
