"""The limits of decoding one body, and the error of a body beyond them.

A job's body is written by strangers: everything that grows while it is decoded is paid for here.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_DEPTH = 256
_TRIES = 20


class Limits(NamedTuple):
    """Bounds on one body.

    Attributes
    ----------
    size : int
        Bytes that a body may have to be decoded at all, and that all its layers together may unpack to.
    depth : int
        How deep lists and objects may nest in the decoded data; never more than 256, whatever is asked.
    values : int
        How many values the decoded data may have.
    layers : int
        How many decoders may work on each other's output.
    texts : int
        How many strings inside the data are decoded as a layer of their own.
    """

    size: int = 4 * 2**20
    depth: int = 64
    values: int = 250_000
    layers: int = 8
    texts: int = 1_000


class TooMuch(Exception):
    """The body has this format and exceeds a limit, which the text names."""


class Budget:
    """The unspent part of the limits while one body is decoded.

    Attributes
    ----------
    whole : bool
        Whether the data has everything in the body. A decoder that omits something sets it to False.
    """

    __slots__ = ("depth", "layers", "size", "texts", "tries", "values", "whole", "written")

    def __init__(self, limits: Limits) -> None:
        self.size, depth, self.values, self.layers, self.texts = limits
        # The data is written as JSON later, which recurses.
        self.depth = min(depth, MAX_DEPTH)
        # No format but pickle can hold more text than it has bytes: the body's, those of its layers, and guesses.
        self.written = 4 * self.size
        self.whole = True
        # A string that only looks like a layer costs little: a hash, a name.
        self.tries = _TRIES * self.texts

    def spend_bytes(self, count: int) -> None:
        """Spend the bytes that a layer was unpacked to."""
        self.size -= count
        if self.size < 0:
            self.size = 0
            raise TooMuch("unpacks to more than is allowed")

    def spend_written(self, count: int) -> None:
        """Spend the bytes of a text or binary value of the data: a pickle can name the same one again and again."""
        self.written -= count
        if self.written < 0:
            raise TooMuch("writes out to more than is allowed")

    def spend_values(self, count: int, depth: int) -> None:
        """Spend the values of one list or object, `depth` levels deep."""
        if depth >= self.depth:
            raise TooMuch(f"nested deeper than {self.depth} levels")
        self.values -= count
        if self.values < 0:
            raise TooMuch("more values than are allowed")
