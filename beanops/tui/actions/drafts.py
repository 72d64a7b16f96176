r"""Bodies as editable text, with escapes for bytes that are not text; and samples by name.

The text never has a control character of the terminal, and reading it returns the same bytes.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import count

from beanops.jobs.read import FoundJob
from beanops.protocol.errors import UsageError
from beanops.session.files import samples
from beanops.text import safe_text

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.)|\Z)", re.DOTALL)
_UNSAFE = re.compile(rb"[\\\x00-\x08\x0b-\x1f\x7f]")
#: The first line of a text with backslash escapes; it is not part of the body.
ESCAPED = "#escaped\n"


def written(body: bytes) -> str:
    r"""Return a body as editable text.

    Examples
    --------
    >>> written(b'{"path": "a\\b"}'), written(b"\xff\\")
    ('{"path": "a\\b"}', '#escaped\n\\xff\\\\')
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if (text or not body) and "\t" not in text and "\r" not in text and safe_text(text, multiline=True) == text:
        return text if not text.startswith(ESCAPED) else ESCAPED + text.replace("\\", "\\\\")
    parts = []
    for character in body.decode("utf-8", "surrogateescape"):
        raw = character.encode("utf-8", "surrogateescape")
        if character == "\\":
            parts.append("\\\\")
        elif character == "\n" or (safe_text(character) == character and not _UNSAFE.search(raw)):
            parts.append(character)
        else:
            parts.append("".join(f"\\x{byte:02x}" for byte in raw))
    return ESCAPED + "".join(parts)


def read(text: str) -> bytes:
    r"""Return the body of an edited text.

    Raises
    ------
    UsageError
        It has an invalid escape.

    Examples
    --------
    >>> read("plain \\n"), read("#escaped\n\\xff\\\\")
    (b'plain \\n', b'\xff\\')
    """
    if not text.startswith(ESCAPED):
        return text.encode()

    def byte(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2] != b"\\":
            raise UsageError(r"invalid escape in the body: write a backslash as \\, any other byte as \xNN")
        return b"\\"

    return _ESCAPE.sub(byte, text.removeprefix(ESCAPED).encode())


# -- samples ---------------------------------------------------------------------------------------------------------


def kept(tube: str) -> list[tuple[str, FoundJob]]:
    """Return the samples with their names, those of the tube first; unreadable ones are skipped."""
    found = []
    for name in samples.names():
        with suppress(UsageError, OSError):
            found.append((name, samples.load(name)))
    return sorted(found, key=lambda sample: sample[1].stats.tube != tube)


def keep(tube: str, body: bytes, priority: int, delay: int, ttr: int) -> str:
    """Save a job as a sample named after its tube, and return the name; an equal sample keeps its name.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    job = samples.sample_of(tube, body)
    state = "delayed" if delay else "ready"
    stats = job.stats._replace(state=state, priority=priority, delay=delay, time_left=delay, ttr=ttr)
    job = job._replace(stats=stats)
    for name, known in kept(tube):
        if known == job:
            return name
    stem, taken = re.sub(r"[^A-Za-z0-9_.]+", "-", tube).strip("-.") or "sample", set(samples.names())
    name = next(name for n in count(1) if (name := f"{stem[:90]}-{n}") not in taken)
    try:
        samples.save(name, job)
    except OSError as error:
        raise UsageError(f"cannot save the sample: {error.strerror or error}") from None
    return name
