"""Files that hold bodies of jobs, or how somebody works, are for their owner alone: 0600, in folders of 0700.

What lives here: making such files and folders, whatever the umask is, and tightening those that are looser. A folder
that the user chose is used as it is; beanops' own, and those that it makes, are private.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_FILE, _FOLDER = 0o600, 0o700
_OTHERS = 0o077

_log = logging.getLogger("beanops")


def create(path: Path, *, force: bool = False, buffering: int = -1) -> BinaryIO:
    """Open a file to write.

    Parameters
    ----------
    path : Path
        Where; a device or a pipe stays as it is.
    force : bool
        Overwrite one that is there.
    buffering : int
        As in `open`.

    Raises
    ------
    FileExistsError
        It is there, and may not be overwritten.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    if force:
        tighten(path)  # before anything is written to it
    descriptor = os.open(path, flags | (os.O_TRUNC if force else os.O_EXCL), _FILE)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with suppress(OSError):  # it may be somebody else's, or on a file system that has no modes
                os.fchmod(descriptor, _FILE)  # also the owner's own rights, which a umask may have taken
        return open(descriptor, "wb", buffering=buffering)
    except BaseException:
        os.close(descriptor)
        raise


def replace(path: Path, data: bytes) -> None:
    """Replace a file at once: a reader gets the old content or the new content."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with create(fresh) as file:
            file.write(data)
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing; tighten it if it is one of beanops' own."""
    for folder in reversed((path, *path.parents)):
        with suppress(FileExistsError):
            if not folder.exists():
                folder.mkdir(_FOLDER)
                folder.chmod(_FOLDER)
    if not path.is_dir():
        raise NotADirectoryError(20, os.strerror(20), str(path))
    if _is_ours(path.absolute()):
        tighten(path)


def tighten(path: Path) -> None:
    """Take a file or folder of the user's away from everybody else, and say so; what is not there is left alone."""
    try:
        found = path.stat()
        kind = "folder" if stat.S_ISDIR(found.st_mode) else "file"
        plain = kind == "folder" or stat.S_ISREG(found.st_mode)
        if not plain or not found.st_mode & _OTHERS or found.st_uid != os.geteuid():
            return
        path.chmod(stat.S_IMODE(found.st_mode) & (_FILE if kind == "file" else _FOLDER))
    except OSError:  # it may be on a file system that has no modes
        return
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    _log.warning("beanops: other users had access to the %s %s (mode %s); now only you have", kind, path, mode)


def tighten_all(folder: Path) -> None:
    """Give a folder that was just made, with all in it, to its owner alone; nothing is said."""
    for place, _, files in os.walk(folder):
        os.chmod(place, _FOLDER)
        for file in files:
            os.chmod(os.path.join(place, file), _FILE)


def database(file: str | None) -> None:
    """Make the file of a SQLite database, if it is one, or tighten it with what SQLite keeps beside it.

    Parameters
    ----------
    file : str or None
        As SQLAlchemy names it; not a file where it is in memory.
    """
    if not file or file == ":memory:" or file.startswith("file:"):
        return
    path = Path(file)
    try:
        # Only made, and never opened when it is there: to close a file ends the locks that SQLite holds on it.
        create(path).close()
    except FileExistsError:
        for suffix in ("", "-wal", "-shm", "-journal") if path.is_file() else ():
            tighten(Path(f"{file}{suffix}"))


def _is_ours(folder: Path) -> bool:
    from platformdirs import user_data_path, user_state_path

    return any(home in (folder, *folder.parents) for home in (user_data_path("beanops"), user_state_path("beanops")))
