"""Diagnoses of beanops and its libraries, of the machine, and of the terminal."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Mapping
from importlib import metadata

from beanops.session.doctor.diagnosis import Diagnosis

#: Extras that are for users; the others are for those who work on beanops.
_NOT_FOR_USERS = {"all", "dev", "docs", "bench"}
#: Open files that beanops needs at least, with a connection to each of a few servers.
_FEWEST_FILES = 256
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?[^;]*(?:;.*extra\s*==\s*['\"]([\w-]+)['\"])?")


def versions() -> Iterator[Diagnosis]:
    """Yield what is installed: beanops, Python, libraries, and which extras."""
    import beanops

    yield Diagnosis(
        "beanops", "ok", f"beanops {beanops.__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    needed = _requirements()
    if not needed:
        yield Diagnosis("beanops", "warning", "not installed as a package", "pip install beanops")
        return
    known = {name: _version(name) for names in needed.values() for name in names}
    present = ", ".join(f"{name} {known[name]}" for name in needed[""] if known[name])
    missing = [name for name in needed[""] if not known[name]]
    yield Diagnosis("beanops", "ok", f"libraries: {present}")
    if missing:
        yield Diagnosis("beanops", "problem", f"missing: {', '.join(missing)}", "pip install --force-reinstall beanops")
    extras = {extra: names for extra, names in needed.items() if extra and extra not in _NOT_FOR_USERS}
    there = sorted(extra for extra, names in extras.items() if all(known[name] for name in names))
    without = sorted(extras.keys() - set(there))
    text = f"extras installed: {', '.join(there) or 'none'}"
    yield Diagnosis("beanops", "ok", text + (f"; not installed: {', '.join(without)}" if without else ""))


def _requirements() -> dict[str, list[str]]:
    """Return the names of the packages that each extra needs; ``""`` is beanops itself."""
    try:
        lines = metadata.requires("beanops") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {"": []}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is not None and match[1].lower() != "beanops":
            found.setdefault(match[2] or "", []).append(match[1])
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def limits() -> Iterator[Diagnosis]:
    """Yield how many files this process may open."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{_limit(soft)} open files (ulimit -n), at most {_limit(hard)}"
    if 0 <= soft < _FEWEST_FILES:
        yield Diagnosis("machine", "warning", text, f"ulimit -n {min(1024, hard) if hard > 0 else 1024}")
    else:
        yield Diagnosis("machine", "ok", text)


def _limit(number: int) -> str:
    return "unlimited" if number < 0 else f"{number:,}"


def terminal(environment: Mapping[str, str] = os.environ) -> Iterator[Diagnosis]:
    """Yield what the terminal can show."""
    encoding = (getattr(sys.stdout, "encoding", None) or "unknown").lower()
    name = environment.get("TERM", "")
    colours = "no colours (NO_COLOR)" if environment.get("NO_COLOR") else _colours(environment)
    where = "a terminal" if sys.stdout is not None and sys.stdout.isatty() else "no terminal"
    text = f"output to {where}, TERM={name or 'not set'}, {colours}, encoding {encoding}"
    if encoding.replace("-", "") not in ("utf8", "utf8sig"):
        yield Diagnosis("machine", "warning", text, "set LANG to a UTF-8 locale, such as C.UTF-8")
    elif where == "a terminal" and name in ("", "dumb", "unknown"):
        yield Diagnosis("machine", "warning", text, "set TERM, such as xterm-256color; the dashboard needs it")
    else:
        yield Diagnosis("machine", "ok", text)


def _colours(environment: Mapping[str, str]) -> str:
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in environment.get("TERM", "") else "16 colours or fewer"


class LocalClock:
    """Notices whether the clock of this machine was set while it was looked at."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def diagnosis(self) -> Diagnosis:
        """Return whether it was set by more than a second."""
        step = time.time() - time.monotonic() - self._ahead
        if abs(step) > 1:
            text = f"the clock of this machine was set by {step:+.1f} s during the examination"
            return Diagnosis("machine", "warning", text, "check its time synchronisation")
        return Diagnosis("machine", "ok", f"clock {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, steady")
