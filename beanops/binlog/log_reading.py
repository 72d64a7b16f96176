"""`replayed`: reads the files of a log in their order, and replays them."""

from __future__ import annotations

from typing import NamedTuple

from beanops.binlog.damage import Damages
from beanops.binlog.decoder import RecordDecoder
from beanops.binlog.folder import FolderFile, LogFolder
from beanops.binlog.formats import FORMATS, HEADER, RecordFormat
from beanops.binlog.replay import OFFSET_BITS, OFFSET_MASK, LogReplay

_DEFAULT_FORMAT = FORMATS[b"\x07\0\0\0"]


class ReplayedLog(NamedTuple):
    """A log that was replayed.

    Attributes
    ----------
    files : list of FolderFile
        The files by their index in places.
    formats : list of RecordFormat
        Those of the files; version 7 where a file has none that is known.
    known : list of bool
        Whether the format of each file is known.
    replay : LogReplay
        The places of the jobs.
    damages : Damages
        What is wrong.
    """

    files: list[FolderFile]
    formats: list[RecordFormat]
    known: list[bool]
    replay: LogReplay
    damages: Damages


def replayed(folder: LogFolder, limit: int | None) -> ReplayedLog:
    """Replay the log of a folder.

    Parameters
    ----------
    folder : LogFolder
        The folder.
    limit : int or None
        The limit of the server that starts, its option ``-z``; None is a limit that no job exceeds.

    Raises
    ------
    BinlogError
        A file cannot be read.
    """
    damages = Damages()
    done = ReplayedLog([], [], [], LogReplay(damages, limit), damages)
    missing = folder.missing
    for file in folder.files:
        while missing and missing[0] < file.number:
            number = missing.pop(0)
            text = "the file is missing: its jobs are lost, and jobs deleted in it may come back"
            damages.add(f"binlog.{number}", None, "missing", text)
        try:
            _replay_file(folder, file, done)
        except FileNotFoundError:
            damages.add(file.name, None, "removed", "a server removed the file while the log was read")
    _add_orphans(done)
    return done


def _replay_file(folder: LogFolder, file: FolderFile, done: ReplayedLog) -> None:
    parts = folder.parts(file)
    first = next(parts, b"")
    format = FORMATS.get(first[:HEADER])
    reads = format is not None and format.native
    replay = done.replay
    done.files.append(file)
    done.formats.append(format or _DEFAULT_FORMAT)
    done.known.append(format is not None)
    replay.begin(file.name, file.size, format if reads else None)
    records = replay.records
    decoder = RecordDecoder(format or _DEFAULT_FORMAT, file.size, searching=format is None)
    replay.take(decoder.receive(first[HEADER:]))
    for part in parts:
        replay.take(decoder.receive(part))
    replay.take(decoder.finish())
    replay.end()
    if not reads and (records[-1] or first.strip(b"\0")):
        done.damages.add(file.name, 0, "version", _about_version(first[:HEADER]))


def _about_version(version: bytes) -> str:
    if len(version) < HEADER:
        return "the file ends before its version; a start skips it"
    if version in FORMATS:
        return "written on a machine of the other byte order; a start on this one skips the file"
    return f"version {int.from_bytes(version, 'little')} is unknown; a start skips the file"


def _add_orphans(done: ReplayedLog) -> None:
    orphans = done.replay.orphans
    for id, place in orphans.items():
        file = done.files[place >> OFFSET_BITS].name
        text = f"job {id} was changed here, and no file has its body: it is lost"
        done.damages.add(file, place & OFFSET_MASK, "orphan", text, id)
