"""The support bundle: what somebody who helps needs to know, in one archive, without secrets.

In it: the diagnoses, the configuration by its known keys, the environment variables of beanops, statistics, tubes and
problems of the servers, and the last runs of the journal. Server addresses, host names, names of tubes, and paths are
in it. Not in it: bodies of jobs, passwords and tokens, reasons, predicates and whatever else a user wrote; and names of
users, for which it has numbers.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from beanops import private
from beanops.client.address import Address
from beanops.client.reach import OPTIONS
from beanops.journal.records import OUTCOMES, JournalError, RunCounts
from beanops.journal.storage.url import DatabaseUrl, without_passwords
from beanops.monitor.survey import Survey
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.config import CONFIRMS, config_path
from beanops.session.doctor.diagnosis import Diagnosis
from beanops.session.doctor.examination import Examination
from beanops.text import seconds_in

#: Runs of the journal, newest first.
MOST_RUNS = 200
#: Fields of a run that are in it beside its time: none in which a user, or a body, has a say.
_OF_RUN = ("run", "server", "instance", "source", "action", "undoes", *OUTCOMES)
#: Variables of the environment that are in it; of others that begin with BEANOPS_ only the names.
_VARIABLES = (
    *(f"BEANOPS_{name}" for name in ("ALERTS", "CONFIG", "JOURNAL", "RECORDING", "SAMPLES", "SERVER", "STATE")),
    *("TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "TZ"),
)
_README = """\
Support bundle of beanops, made {time}.

doctor.json         what "beanops doctor" found
configuration.json  known keys of config.toml
environment.json    variables of beanops and of the terminal
runs.json           the last {runs} runs of the journal, without reasons, selections and bodies; users have numbers
servers.json        statistics and problems of the servers, and their tubes

Addresses and host names of servers, names of tubes and paths are in it. Bodies of jobs, passwords and names of users
are not.
"""


def write_bundle(path: Path, examination: Examination) -> None:
    """Write the support bundle of an examination that is over.

    Parameters
    ----------
    path : Path
        A new file whose name ends in ``.zip``, ``.tar.gz`` or ``.tgz``.
    examination : Examination
        What it is about.

    Raises
    ------
    UsageError
        The file exists, or has another ending.
    """
    write = check_bundle(path)
    files = _files(examination)
    try:
        file = private.create(path)
    except FileExistsError:
        raise _exists(path) from None
    try:
        with file:
            write(file, files)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def check_bundle(path: Path) -> Callable[[BinaryIO, Mapping[str, bytes]], None]:
    """Return what writes an archive of this name.

    Raises
    ------
    UsageError
        The file exists, or has another ending.
    """
    if path.exists() or path.is_symlink():
        raise _exists(path)
    if path.name.endswith((".tar.gz", ".tgz")):
        return _write_tar
    if path.name.endswith(".zip"):
        return _write_zip
    raise UsageError(f"cannot write a bundle to {path}: its name must end in .zip, .tar.gz or .tgz")


def _exists(path: Path) -> UsageError:
    return UsageError(f"cannot write a bundle to {path}: it exists; give another name")


def _write_zip(file: BinaryIO, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def _write_tar(file: BinaryIO, files: Mapping[str, bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))


def _files(examination: Examination) -> dict[str, bytes]:
    runs = _runs(examination.journal)
    documents: dict[str, Any] = {
        "doctor.json": [_without_value(one)._asdict() for one in examination.found],
        "configuration.json": _configuration(),
        "environment.json": _environment(),
        "runs.json": runs,
        "servers.json": {name: _server(survey) for name, survey in examination.surveys.items()},
    }
    secrets = _secrets(examination.journal)
    time = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    files = {"README.txt": _README.format(time=time, runs=len(runs))}
    for name, document in documents.items():
        files[name] = json.dumps(_cleaned(document, secrets), indent=1, default=str) + "\n"
    return {f"beanops-bundle/{name}": text.encode() for name, text in files.items()}


def _secrets(journal: str) -> Callable[[str], str]:
    """Return what hides passwords, those of the journal's URL in any form, and the home directory of the user."""
    known, home = DatabaseUrl(journal), str(Path.home())

    def hide(text: str) -> str:
        text = known.without_secrets(text)
        return text.replace(home, "~") if len(home) > 1 else text

    return hide


def _cleaned(value: Any, hide: Callable[[str], str]) -> Any:
    match value:
        case str():
            return hide(value)
        case Mapping():
            return {hide(str(name)): _cleaned(one, hide) for name, one in value.items()}
        case list() | tuple():
            return [_cleaned(one, hide) for one in value]
    return value


def _configuration() -> dict[str, Any]:
    """Return the known keys of the configuration, also of one with errors; texts that may be anything are left out."""
    try:
        with config_path().open("rb") as file:
            config = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {"unread": type(error).__name__}
    shown = {name: config[name] for name in ("journal_bodies", "bell") if isinstance(config.get(name), bool)}
    shown |= {name: DatabaseUrl(config[name]).shown for name in ("journal", "recording") if _is_text(config.get(name))}
    shown["servers"] = {name: _profile(one) for name, one in _tables(config.get("servers")).items()}
    shown["keys"] = f"{len(_table(config.get('keys')))} bindings"
    problems = _table(config.get("problems"))
    shown["problems"] = _thresholds(problems) | {name: _thresholds(one) for name, one in _tables(problems).items()}
    return shown


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in _table(value).items() if isinstance(one, dict)}


def _thresholds(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is a number, or a span of time."""
    return {
        name: value
        for name, value in table.items()
        if isinstance(value, int | float) or (isinstance(value, str) and seconds_in(value) is not None)
    }


def _profile(server: Mapping[str, Any]) -> dict[str, Any]:
    """Return a server of the configuration without its label and what it redacts, which may tell what is secret."""
    addresses = server.get("addresses", [server.get("address", "")])
    shown = [_address(one) for one in addresses] if isinstance(addresses, list) else []
    confirm = server.get("confirm")
    return {
        "address": shown[0] if shown else "none",
        "others": shown[1:],
        "reach": sorted(name for name in OPTIONS if server.get(name)),
        "read_only": server.get("read_only") is True,
        "confirm": confirm if confirm in CONFIRMS else None,
        "redact": len(server["redact"]) if isinstance(server.get("redact"), list) else 0,
    }


def _address(given: Any) -> str:
    try:
        return without_passwords(str(Address.parse(given)))
    except ArgumentError:
        return "not an address"


def _without_value(one: Diagnosis) -> Diagnosis:
    """Return a diagnosis without the wrong value in the configuration that it names."""
    return one._replace(text=one.text.partition(", not ")[0]) if one.area == "configuration" else one


def _environment() -> dict[str, str]:
    others = {name: "set" for name in os.environ if name.startswith("BEANOPS_")}
    known = {name: DatabaseUrl(os.environ[name]).shown for name in _VARIABLES if name in os.environ}
    return dict(sorted({**others, **known}.items()))


def _runs(journal: str) -> list[dict[str, Any]]:
    """Return the last runs of the journal, with numbers for users and without what users wrote."""
    if not journal or ("://" not in journal and not Path(journal).expanduser().exists()):
        return []
    from beanops.journal.storage.inspection import inspect_journal

    try:
        recent = inspect_journal(journal, datetime.now(UTC)).recent[:MOST_RUNS]
    except JournalError:
        return []
    return list(_without_users(recent))


def _without_users(runs: Iterable[RunCounts]) -> Iterable[dict[str, Any]]:
    numbers: dict[str, str] = {}
    for run in runs:
        actor = numbers.setdefault(run.actor, f"user {len(numbers) + 1}")
        yield {"time": run.time.isoformat(), "actor": actor, **{name: getattr(run, name) for name in _OF_RUN}}


def _server(survey: Survey) -> dict[str, Any]:
    return {
        "stats": _numbers(survey.server),
        "tubes": [_numbers(seen.stats) for seen in survey.tubes.values()],
        "problems": [one._asdict() for one in survey.problems],
    }


def _numbers(record: Any) -> dict[str, Any]:
    """Return a record of statistics without the fields that this version does not know, which may be anything."""
    return {name: value for name, value in record._asdict().items() if name != "extra"}
