"""A body as a text for an editor and back, and the difference of two bodies for people. Secrets stay hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from functools import lru_cache
from typing import Any

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.edits.changes import parse_json
from beanops.jobs.bodies.edits.envelope import refusal_of
from beanops.jobs.bodies.edits.refusals import EditRefused
from beanops.jobs.bodies.edits.structure import apply_data, changes_between
from beanops.jobs.bodies.layers import decode
from beanops.text import safe_text

_INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2, check_circular=False)
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")
#: Lines between the first and the last difference that are compared with each other.
_MOST_LINES = 1000
#: Characters of a line of a difference.
_LONGEST_LINE = 2000


def pretty(body: bytes, patterns: Iterable[str] = ()) -> str:
    r"""Return a body as a text to read or edit, which ends with a line end.

    It is the decoded data as indented JSON, or the text itself where the body is one. All characters are visible.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    patterns : iterable of str
        As in `beanops.redact`; values of these names are hidden.

    Examples
    --------
    >>> print(pretty(b'{"user":7,"token":"s3cret"}', ["*token*"]), end="")
    {
      "user": 7,
      "token": "[redacted]"
    }
    """
    return _written(decode(body).redacted(patterns).data)


def from_pretty(body: bytes, text: str, patterns: Iterable[str] = ()) -> bytes:
    r"""Return a body changed as its text was; what was hidden and is not changed stays.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    text : str
        What `pretty` returned for it, with changes.
    patterns : iterable of str
        The same as for `pretty`.

    Raises
    ------
    EditRefused
        The changes cannot be applied, or are about a part of a value that was hidden.
    UsageError
        The text is not JSON; the message has the line.

    Examples
    --------
    >>> body = b'{"user":7,"token":"s3cret"}'
    >>> text = pretty(body, ["*token*"])
    >>> from_pretty(body, text.replace("7", "8"), ["*token*"])
    b'{"user":8,"token":"s3cret"}'
    """
    found = decode(body)
    if reason := refusal_of(found):
        raise EditRefused(reason)
    known = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    shown = found.redacted(known)
    if known and not shown.whole:
        raise EditRefused("the body is hidden as a whole")
    data: Any
    if _is_as_it_is(shown.data):
        # Editors end the last line.
        data = text if shown.data.endswith("\n") else text.removesuffix("\n")
    else:
        data = parse_json(text)
    return apply_data(body, found, shown.data if known else found.data, data)


def differences(old: bytes, new: bytes, patterns: Iterable[str] = ()) -> list[str]:
    r"""Return the lines of a unified diff of two bodies, without line ends; none where they are the same.

    Parameters
    ----------
    old, new : bytes
        The bodies before and after.
    patterns : iterable of str
        As in `beanops.redact`; values of these names are hidden.

    Examples
    --------
    >>> print(*differences(b'{"user":7,"sum":1}', b'{"user":8,"sum":1}'), sep="\n")
    @@ -1,4 +1,4 @@
     {
    -  "user": 7,
    +  "user": 8,
       "sum": 1
     }
    """
    if old == new:
        return []
    known = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    before, after = decode(old).redacted(known), decode(new).redacted(known)
    lines = list(_compared(before, after))
    return lines or [f"\\ {'hidden values differ' if known else 'the same data, written in another way'}"]


def _compared(before: Decoded, after: Decoded) -> Iterator[str]:
    old, new = _written(before.data).splitlines(), _written(after.data).splitlines()
    first = next((n for n, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), min(len(old), len(new)))
    if max(len(old), len(new)) - first <= _MOST_LINES:
        # Without the names of files.
        for line in list(unified_diff(old, new, lineterm=""))[2:]:
            yield safe_text(line, multiline=True, limit=_LONGEST_LINE)
        return
    # Comparing lines that are much alike takes quadratic time.
    for change in changes_between(before.data, after.data):
        yield str(change)


def _written(data: Any) -> str:
    if _is_as_it_is(data):
        return str(data) if data.endswith("\n") else f"{data}\n"
    text = _INDENTED.encode(data) + "\n"
    return text if _is_visible(text) else _NOT_ASCII.sub(lambda match: _visible(match.group()), text)


def _is_as_it_is(data: Any) -> bool:
    """Whether data is a text that an editor shows as it is."""
    return type(data) is str and _is_visible(data)


def _is_visible(text: str) -> bool:
    return safe_text(text, multiline=True) == text


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    return character if safe_text(character) == character else json.dumps(character)[1:-1]
