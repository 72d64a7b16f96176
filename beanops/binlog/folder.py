"""The folder of a binlog: its files, who holds it, and their bytes. Files are opened to be read, and never locked."""

from __future__ import annotations

import os
import re
import stat
import struct
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from beanops.binlog.replay import OFFSET_BITS, OFFSET_MASK
from beanops.protocol.errors import BeanopsError, UsageError

_NAME = re.compile(r"binlog\.(0|[1-9][0-9]{0,9})")
#: Bytes that are read at once in order, and of a block that is kept.
_PART, _BLOCK_BITS = 1 << 18, 16
_BLOCK = 1 << _BLOCK_BITS
#: Struct flock of fcntl, and the places of the kind and the process in it.
_LOCK = struct.Struct("hhqqi4x"), 0, 4
_MAC_LOCK = struct.Struct("qqihh"), 3, 2
#: Blocks that are kept, and files that are open at once.
_BLOCKS, _OPEN = 32, 32


class BinlogError(BeanopsError):
    """A log cannot be read."""


class FolderFile(NamedTuple):
    """A file of the log, as it was when the folder was listed.

    Attributes
    ----------
    number : int
        That of its name.
    size : int
        Its bytes.
    """

    number: int
    size: int

    @property
    def name(self) -> str:
        """Its name."""
        return f"binlog.{self.number}"


class Holder(NamedTuple):
    """The server that holds the lock of a log.

    Attributes
    ----------
    pid : int or None
        Its process, None where it is not one of this machine or container.
    """

    pid: int | None

    def __str__(self) -> str:
        return "a server" if self.pid is None else f"a server (pid {self.pid})"


class LogFolder:
    """A folder with files of the binlog.

    Parameters
    ----------
    path : str or path
        The folder, as beanstalkd has it after ``-b``.

    Raises
    ------
    UsageError
        It is no folder, or there is no file of a binlog in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            names = os.listdir(self.path)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror or error}") from None
        numbers = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
        #: The files, the oldest first.
        self.files: list[FolderFile] = []
        for number in numbers:
            with suppress(FileNotFoundError):  # a server removed it a moment ago
                self.files.append(FolderFile(number, self._size_of(number)))
        if not self.files:
            raise UsageError(f"{self.path} has no file of a binlog (binlog.1, binlog.2, ...)")

    @property
    def missing(self) -> list[int]:
        """The numbers between those of the first and the last file that no file has; at most a thousand."""
        found: list[int] = []
        for one, other in zip(self.files, self.files[1:], strict=False):
            found += range(one.number + 1, min(other.number, one.number + 1001 - len(found)))
        return found[:1000]

    def holder(self) -> Holder | None:
        """Return the server that holds the log, None where none does, or where this cannot be seen."""
        try:
            import fcntl

            lock = open(self.path / "lock", "rb", buffering=0)  # noqa: SIM115
        except (ImportError, OSError):
            return None
        layout, kind, pid = _MAC_LOCK if sys.platform == "darwin" else _LOCK
        asked = [0] * 5
        asked[kind] = fcntl.F_RDLCK
        with lock:
            try:
                answer = fcntl.fcntl(lock, fcntl.F_GETLK, layout.pack(*asked))
            except OSError:  # a file system without locks
                return None
        found = layout.unpack(answer)
        return None if found[kind] == fcntl.F_UNLCK else Holder(found[pid] if found[pid] > 0 else None)

    def parts(self, file: FolderFile) -> Iterator[bytes]:
        """Yield the bytes of a file in order, up to the size that it had.

        Raises
        ------
        FileNotFoundError
            The file is gone.
        BinlogError
            It cannot be read.
        """
        with self.open(file) as opened:
            left = file.size
            while left and (part := _read(opened, min(_PART, left), file.size - left)):
                left -= len(part)
                yield part

    def open(self, file: FolderFile) -> FileIO:
        """Open a file to read it."""
        path = self.path / file.name
        try:
            return open(path, "rb", buffering=0)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BinlogError(f"{path} cannot be read: {error.strerror or error}") from None

    def _size_of(self, number: int) -> int:
        path = self.path / f"binlog.{number}"
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BinlogError(f"{path} is not a regular file")
        return found.st_size


def _read(file: FileIO, size: int, offset: int) -> bytes:
    try:
        file.seek(offset)
        return file.read(size)
    except OSError as error:
        raise BinlogError(f"{file.name!s} cannot be read at {offset}: {error.strerror or error}") from None


class BlockReader:
    """Reads at places of the files of a log, and keeps the blocks that were read last.

    Parameters
    ----------
    folder : LogFolder
        The log.
    files : sequence of FolderFile
        The files by the index that places have.
    """

    def __init__(self, folder: LogFolder, files: Sequence[FolderFile]) -> None:
        self._folder = folder
        self._files = files
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._open: OrderedDict[int, FileIO] = OrderedDict()
        self._last, self._block = -1, b""

    def at(self, place: int, size: int) -> tuple[bytes, int]:
        """Return bytes and the place in them of `size` bytes of a file; fewer where it ends.

        Raises
        ------
        FileNotFoundError
            The file is gone.
        """
        key, start = place >> _BLOCK_BITS, place & (_BLOCK - 1)
        if key == self._last:
            block = self._block
        else:
            block = self._blocks.get(key) or self._load(key)
            self._last, self._block = key, block
        if start + size <= len(block) or len(block) < _BLOCK:
            return block, start
        return self.read(place, size), 0

    def read(self, place: int, size: int) -> bytes:
        """Return bytes of a file at a place, fewer where it ends."""
        index, offset = place >> OFFSET_BITS, place & OFFSET_MASK
        opened = self._open.get(index)
        file = self._files[index]
        if opened is None:
            opened = self._open[index] = self._folder.open(file)
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].close()
        found = bytearray()
        size = min(size, max(0, file.size - offset))
        while len(found) < size:
            part = _read(opened, size - len(found), offset + len(found))
            if not part:
                break
            found += part
        return bytes(found)

    def close(self) -> None:
        """Close the files."""
        self._blocks.clear()
        self._last = -1
        while self._open:
            self._open.popitem()[1].close()

    def _load(self, key: int) -> bytes:
        block = self._blocks[key] = self.read(key << _BLOCK_BITS, _BLOCK)
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block
