"""`KeptBodies`: the bodies of many jobs, compressed, from which values at any path can be read without the server."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence

#: Compressed bytes that are kept at most.
MOST = 256 * 2**20
_NONE = 2**32 - 1


class KeptBodies:
    """Bodies in the order in which they are added. Bodies of one tube resemble each other: ten take the room of one.

    Parameters
    ----------
    most : int
        Maximum compressed bytes.

    Attributes
    ----------
    full : bool
        Whether later bodies were not kept.

    Examples
    --------
    >>> bodies = KeptBodies()
    >>> bodies.add([b"one", None])
    >>> list(bodies.parts())
    [[b'one', None]]
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._left = most
        self._parts: list[tuple[array[int], bytes | None]] = []
        self.full = False

    def add(self, bodies: Sequence[bytes | None]) -> None:
        """Keep bodies, None for one that is not known."""
        if not bodies:
            return
        sizes = array("I", [_NONE if body is None else len(body) for body in bodies])
        packed = None if self.full else zlib.compress(b"".join(body for body in bodies if body is not None), 1)
        if packed is None or len(packed) > self._left:
            self.full, packed = True, None
        else:
            self._left -= len(packed)
        self._parts.append((sizes, packed))

    def parts(self) -> Iterator[list[bytes | None]]:
        """Yield the bodies in the parts in which they were added; those that were not kept are None."""
        for sizes, packed in list(self._parts):
            if packed is None:
                yield [None] * len(sizes)
                continue
            whole, at, part = zlib.decompress(packed), 0, []
            for size in sizes:
                part.append(None if size == _NONE else whole[at : at + size])
                at += 0 if size == _NONE else size
            yield part
