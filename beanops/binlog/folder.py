"""The folder of a binlog: its files, who holds it, and their bytes. Files are opened to be read, and never locked."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from beanops.binlog.replay import OFFSET_BITS, OFFSET_MASK
from beanops.protocol.errors import BeanopsError, UsageError

_NAME = re.compile(r"binlog\.(0|[1-9][0-9]{0,9})")
#: Bytes that are read at once in order, and of a block that is kept.
_PART, _BLOCK_BITS = 1 << 18, 16
_BLOCK = 1 << _BLOCK_BITS
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
        if not numbers:
            raise UsageError(f"{self.path} has no file of a binlog (binlog.1, binlog.2, ...)")
        #: The files, the oldest first.
        self.files: list[FolderFile] = []
        for number in numbers:
            with suppress(FileNotFoundError):  # a server removed it a moment ago
                self.files.append(FolderFile(number, self._size_of(number)))

    @property
    def missing(self) -> list[int]:
        """The numbers between those of the first and the last file that no file has; at most a thousand."""
        found: list[int] = []
        for one, other in zip(self.files, self.files[1:], strict=False):
            found += range(one.number + 1, min(other.number, one.number + 1001 - len(found)))
        return found[:1000]

    def holder(self) -> Holder | None:
        """Return the server that holds the log, None where none does, or where this cannot be seen."""
        import fcntl

        mac = sys.platform == "darwin"
        asked = (
            struct.pack("qqihh", 0, 0, 0, fcntl.F_RDLCK, 0)
            if mac
            else struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0)
        )
        try:
            lock = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            answer = fcntl.fcntl(lock, fcntl.F_GETLK, asked)
        except OSError:  # a file system without locks
            return None
        finally:
            os.close(lock)
        kind, pid = (
            (struct.unpack("qqihh", answer)[i] for i in (3, 2))
            if mac
            else (struct.unpack("hhqqi4x", answer)[i] for i in (0, 4))
        )
        return None if kind == fcntl.F_UNLCK else Holder(pid if pid > 0 else None)

    def parts(self, file: FolderFile) -> Iterator[bytes]:
        """Yield the bytes of a file in order, up to the size that it had.

        Raises
        ------
        FileNotFoundError
            The file is gone.
        BinlogError
            It cannot be read.
        """
        descriptor = self.open(file)
        try:
            left = file.size
            while left and (part := _read(self.path / file.name, descriptor, min(_PART, left), file.size - left)):
                left -= len(part)
                yield part
        finally:
            os.close(descriptor)

    def open(self, file: FolderFile) -> int:
        """Return a descriptor of a file that reads it."""
        try:
            return os.open(self.path / file.name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BinlogError(f"{self.path / file.name} cannot be read: {error.strerror or error}") from None

    def _size_of(self, number: int) -> int:
        path = self.path / f"binlog.{number}"
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BinlogError(f"{path} is not a regular file")
        return found.st_size


def _read(path: Path, descriptor: int, size: int, offset: int) -> bytes:
    try:
        return os.pread(descriptor, size, offset)
    except OSError as error:
        raise BinlogError(f"{path} cannot be read at {offset}: {error.strerror or os.strerror(errno.EIO)}") from None


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
        self._open: OrderedDict[int, int] = OrderedDict()
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
        descriptor = self._open.get(index)
        file = self._files[index]
        if descriptor is None:
            descriptor = self._open[index] = self._folder.open(file)
            if len(self._open) > _OPEN:
                os.close(self._open.popitem(last=False)[1])
        found = bytearray()
        size = min(size, max(0, file.size - offset))
        while len(found) < size:
            part = _read(self._folder.path / file.name, descriptor, size - len(found), offset + len(found))
            if not part:
                break
            found += part
        return bytes(found)

    def close(self) -> None:
        """Close the files."""
        self._blocks.clear()
        self._last = -1
        while self._open:
            os.close(self._open.popitem()[1])

    def _load(self, key: int) -> bytes:
        block = self._blocks[key] = self.read(key << _BLOCK_BITS, _BLOCK)
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block
