r"""Bodies as people edit them: text where that is what they are, escapes where it is not; and samples kept in a file.

What is written never holds a character that a terminal obeys, and reading it back gives the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from beanops.protocol.errors import UsageError
from beanops.session.config import config_path
from beanops.text import safe_text

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.)|\Z)", re.DOTALL)
_UNSAFE = re.compile(rb"[\\\x00-\x08\x0b-\x1f\x7f]")
#: Marks a text in which backslashes are escapes; it is no part of the body.
ESCAPED = "#escaped\n"


def written(body: bytes) -> str:
    r"""Return a body as a text that can be edited.

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
    r"""Return the body that a text stands for.

    Raises
    ------
    UsageError
        It has an escape that is none.

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
            raise UsageError(r"a backslash in an escaped body is written \\, any other byte \xNN")
        return b"\\"

    return _ESCAPE.sub(byte, text.removeprefix(ESCAPED).encode())


# -- samples ---------------------------------------------------------------------------------------------------------


def _path() -> Path:
    return config_path().with_name("samples.json")


def samples(tube: str) -> list[dict[str, Any]]:
    """Return what was kept for a tube, newest first; a file that is none counts as empty."""
    try:
        kept = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError):
        return []
    found = kept.get(tube, []) if isinstance(kept, dict) else []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("body"), str)]


def keep(tube: str, sample: dict[str, Any]) -> None:
    """Keep a form's fields as a sample for a tube; the same one again becomes the newest.

    Raises
    ------
    UsageError
        It cannot be written.
    """
    path = _path()
    try:
        kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
        kept = kept if isinstance(kept, dict) else {}
        kept[tube] = [sample, *(one for one in samples(tube) if one != sample)][:20]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(kept, indent=1), "utf-8")
        os.replace(beside, path)
    except (OSError, ValueError) as error:
        raise UsageError(f"the sample was not kept: {error}") from None
