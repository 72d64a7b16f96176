"""One line that says which job this is: the class name in the envelopes of the usual frameworks.

A table of places, the most informative first. It reads data, in whatever format that was.
"""

from __future__ import annotations

import json
import re
from typing import Any

from beanops.text import safe_text

SUMMARY_LIMIT = 120

_NAMES = tuple(
    tuple(place.split("/"))
    for place in (
        "displayName",  # Laravel
        "data/commandName",  # Laravel 5
        "data/command/$class",
        "headers/type",  # Symfony Messenger, JSON
        "body/message/$class",  # Symfony Messenger, PHP
        "message/$class",
        "headers/task",  # Celery, protocol 2
        "task",  # Celery, protocol 1
        "body/task",
        "job_class",  # Active Job
        "jobClass",
        "class",  # backburner, Resque
        "job",  # Laravel 4
        "$class",  # a bare PHP or Python object
        "type",  # fivebeans
    )
)
_ERRORS = ("exception", "error", "errors", "errorMessage", "error_message", "last_error")
_ERROR_TEXTS = ("message", "$class", "class", "type")
#: What a class or a task may be called; anything else is data.
_CLASS = re.compile(r"[^\W\d][\w.:\\/-]{0,99}")


def job_class(data: Any) -> str | None:
    """Return the job's class, or its task, where an envelope of the usual frameworks names it; None if none does.

    Examples
    --------
    >>> job_class({"displayName": "App\\\\Jobs\\\\SendMail", "to": "ann@example.com"})
    'App\\\\Jobs\\\\SendMail'
    >>> job_class({"task": "not a name: [redacted]"}) is None
    True
    """
    name = _name(data) if isinstance(data, dict) else ""
    return name if _CLASS.fullmatch(name) else None


def summarise(data: Any) -> str:
    """Return the job's class and its error if the data has them, or else the beginning of the data."""
    if isinstance(data, dict):
        if "$refused" in data:
            return safe_text(f"not decoded: {data['$refused']}", limit=SUMMARY_LIMIT)
        if "$bytes" in data and len(data) == 2:
            return safe_text(f"{data.get('$size', '?')} bytes: {data['$bytes']}", limit=SUMMARY_LIMIT)
        line = _name(data) or _beginning(data)
        if error := _error(data):
            # However long one is, both are shown.
            line = f"{safe_text(line, limit=SUMMARY_LIMIT // 2)} (error: {error})"
        return safe_text(line, limit=SUMMARY_LIMIT)
    return safe_text(data if isinstance(data, str) else _beginning(data), limit=SUMMARY_LIMIT)


def _name(data: dict[str, Any]) -> str:
    for place in _NAMES:
        found: Any = data
        for step in place:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            return found
    return ""


def _error(data: dict[str, Any]) -> str:
    for key in _ERRORS:
        error = data.get(key)
        if isinstance(error, dict):
            error = next((error[name] for name in _ERROR_TEXTS if isinstance(error.get(name), str)), None)
        if isinstance(error, str) and error.strip():
            return error.strip().splitlines()[0]
    return ""


def _beginning(data: Any) -> str:
    if not isinstance(data, dict | list):
        return json.dumps(data)
    parts = []
    left = SUMMARY_LIMIT
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(data):
        parts.append(part)
        left -= len(part)
        if left < 0:
            break
    return "".join(parts)
