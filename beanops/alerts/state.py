"""The state file of the daemon: alerts and what channels were told of them; and the silences of the command line.

Both are JSON files that are replaced at once, so a reader never sees half of one. A lock keeps a second daemon out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from beanops import private
from beanops.alerts.alert import Alert
from beanops.alerts.deliveries import BackOff
from beanops.alerts.notifiers.notice import iso
from beanops.alerts.rules import Silence
from beanops.protocol.errors import BeanopsError, UsageError

_VERSION = 1


class StateError(UsageError):
    """A state file that cannot be read, or belongs to another version."""


class StateLocked(BeanopsError):
    """Another daemon uses the state file."""


class SeenServer(NamedTuple):
    """When a server last answered, and why it does not now.

    Attributes
    ----------
    at : datetime or None
        When it answered.
    error : str
        Why it does not; empty where it does.
    """

    at: datetime | None = None
    error: str = ""


class Saved(NamedTuple):
    """The content of a state file.

    Attributes
    ----------
    alerts : dict of str to Alert
        By key.
    servers : mapping of str to SeenServer
        By name.
    failing : mapping of str to str
        Why rules could not be evaluated.
    channels : mapping of str to BackOff
        How the deliveries of each channel went.
    at : datetime or None
        When it was saved; None where there is no file.
    interval : float
        Seconds between two looks.
    rules : str
        The rules file.
    """

    alerts: dict[str, Alert]
    servers: Mapping[str, SeenServer] = {}
    failing: Mapping[str, str] = {}
    channels: Mapping[str, BackOff] = {}
    at: datetime | None = None
    interval: float = 10.0
    rules: str = ""


def load(path: Path) -> Saved:
    """Return the content of a state file; empty where there is none.

    Raises
    ------
    StateError
        It is damaged.
    """
    found = _read(path)
    if found is None:
        return Saved({})
    try:
        alerts = [Alert.from_json(alert) for alert in found["alerts"]]
        return Saved(
            {alert.key: alert for alert in alerts},
            {
                name: SeenServer(None if at is None else datetime.fromisoformat(at), error)
                for name, (at, error) in found["servers"].items()
            },
            dict(found["failing"]),
            {name: BackOff(failures, 0.0, error) for name, (failures, error) in found["channels"].items()},
            datetime.fromisoformat(found["at"]),
            float(found["interval"]),
            str(found["rules"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"{path}: the state of alerts is damaged ({error!r}); move the file away") from None


def save(path: Path, saved: Saved) -> None:
    """Replace a state file."""
    content = {
        "version": _VERSION,
        "at": None if saved.at is None else iso(saved.at),
        "interval": saved.interval,
        "rules": saved.rules,
        "servers": {name: [None if one.at is None else iso(one.at), one.error] for name, one in saved.servers.items()},
        "failing": dict(saved.failing),
        "channels": {name: [one.failures, one.error] for name, one in saved.channels.items()},
        "alerts": [alert.to_json() for alert in saved.alerts.values()],
    }
    _write(path, content)


def _read(path: Path) -> Any:
    """Return the JSON of a file, None where there is no file."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise StateError(f"{path}: it is damaged; move the file away") from None
    version = found.get("version") if isinstance(found, dict) else None
    if version != _VERSION:
        raise StateError(f"{path}: version {version!r} of it, this beanops reads {_VERSION}; move the file away")
    return found


def _write(path: Path, content: object) -> None:
    private.make_folder(path.parent)
    private.replace(path, json.dumps(content).encode())


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other processes out of a file while a block runs.

    Parameters
    ----------
    path : Path
        The file, which need not exist.
    wait : bool
        Whether to wait for another process that has it.

    Raises
    ------
    StateLocked
        Another process has it.
    """
    private.make_folder(path.parent)
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise StateLocked(f"another beanops alert uses {path}; end it first, or give this one --state") from None
        yield
    finally:
        os.close(descriptor)


class SetSilence(NamedTuple):
    """A silence that was set on the command line.

    Attributes
    ----------
    id : int
        Its number.
    silence : Silence
        What it covers, and until when.
    actor : str
        Who set it.
    """

    id: int
    silence: Silence
    actor: str = ""


def silences_path(path: Path) -> Path:
    """Return the path of the silences that belong to a state file."""
    return path.with_name(f"{path.stem}-silences.json")


def load_silences(path: Path, now: datetime) -> list[SetSilence]:
    """Return the silences that have not ended, in the order of their numbers.

    Parameters
    ----------
    path : Path
        The state file.
    now : datetime
        The time.

    Raises
    ------
    StateError
        Their file is damaged.
    """
    file = silences_path(path)
    found = _read(file)
    if found is None:
        return []
    try:
        known = [
            SetSilence(one["id"], Silence(one["rule"], one["tube"], one["server"], *_limits(one), reason=one["reason"]))
            ._replace(actor=one["actor"])
            for one in found["silences"]
        ]  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{file}: it is damaged ({error!r}); move the file away") from None
    return [one for one in known if one.silence.end is None or one.silence.end > now]


def _limits(found: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(found["start"]), datetime.fromisoformat(found["end"])


def save_silences(path: Path, silences: Sequence[SetSilence]) -> None:
    """Replace the silences that belong to a state file."""
    content = [
        {
            "id": one.id,
            "rule": one.silence.rule,
            "tube": one.silence.tube,
            "server": one.silence.server,
            "start": None if one.silence.start is None else iso(one.silence.start),
            "end": None if one.silence.end is None else iso(one.silence.end),
            "reason": one.silence.reason,
            "actor": one.actor,
        }
        for one in silences
    ]
    _write(silences_path(path), {"version": _VERSION, "silences": content})
