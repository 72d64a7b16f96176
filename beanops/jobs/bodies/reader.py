"""`Reader`: what may be shown of bodies. A session has one, which reads every body that it shows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.layers import decode
from beanops.jobs.bodies.redaction import redactor_of
from beanops.jobs.bodies.summary import job_class
from beanops.text import safe_text

#: The ways in which the usual libraries write JSON.
_STYLES = [
    json.JSONEncoder(ensure_ascii=ascii, separators=separators, check_circular=False)
    for separators in ((",", ":"), (", ", ": "))
    for ascii in (True, False)
]


class Reader:
    """Reads bodies, without the values of secret keys.

    Parameters
    ----------
    patterns : iterable of str
        As in `beanops.redact`; without any, bodies are as they came.

    Attributes
    ----------
    patterns : tuple of str
        The patterns.

    Raises
    ------
    ArgumentError
        A pattern is no regular expression, or is empty.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        redactor_of(self.patterns)  # raise now for a pattern that cannot be used

    def decode(self, body: bytes) -> Decoded:
        """Return a body decoded."""
        return decode(body).redacted(self.patterns)

    def job_class(self, body: bytes) -> str | None:
        """Return the name of the job's class, None where the body has none or it is secret."""
        name = job_class(self.decode(body).data)
        return None if name is None else safe_text(name)

    def shown(self, body: bytes) -> bytes:
        """Return what may be shown of a body; see `redact_body`."""
        return redact_body(body, self.patterns) if self.patterns else body


def redact_body(body: bytes, patterns: Iterable[str]) -> bytes:
    """Return what may be shown of a body, as JSON or text made of the decoded data.

    It is the body itself where nothing is hidden and the data comes to the same bytes. Of a body that was not decoded
    whole it is the format and the size.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    patterns : iterable of str
        As in `beanops.redact`; without any, the body stays as it is.

    Examples
    --------
    >>> redact_body(b'{"user": 7, "token": "s3cret"}', ["*token*"])
    b'{"user":7,"token":"[redacted]"}'
    >>> redact_body(b'{"token": "s3cret", "token": null}', ["*token*"])
    b'[hidden: json, 34 bytes]'
    """
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    if not patterns:
        return body
    found = decode(body)
    hidden = found.redacted(patterns)
    if hidden.whole and hidden.data == found.data and _is_written_so(body, found.data):
        return body
    return (hidden.data if isinstance(hidden.data, str) else hidden.json).encode()


def _is_written_so(body: bytes, data: Any) -> bool:
    """Whether data that is written as text, or as JSON, is exactly these bytes."""
    if isinstance(data, str) and data.encode() == body:
        return True
    return any(style.encode(data).encode("utf-8", "replace") == body for style in _STYLES)
