"""One line that says which job this is: the class name in the envelopes of the usual frameworks.

A table of places, the most informative first. It reads data, in whatever format that was.
"""

from __future__ import annotations

import json
import re
from typing import Any

from beanops.jobs.bodies.errors import error_line, find_error
from beanops.jobs.bodies.memo import Memo, is_short
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
        "wrapped",  # Active Job in Sidekiq
        "args/0/job_class",  # Active Job in Resque
        "class",  # backburner, Resque, Sidekiq
        "jobtype",  # Faktory
        "actor_name",  # Dramatiq
        "func_name",  # RQ
        "payload/displayName",  # rows of failed jobs
        "payload/job_class",
        "payload/class",
        "payload/task",
        "job",  # Laravel 4
        "job/class",
        "job/job_class",
        "job/jobtype",
        "job_name",
        "jobName",
        "$class",  # a bare PHP or Python object
        "type",  # fivebeans
    )
)
# The class in the YAML of delayed_job; that of Active Job is within the one of its wrapper.
_RUBY = re.compile(r"(?:job_class: |!ruby/(?:object|struct):(?!ActiveJob::))([A-Z][\w:]{0,99})")
#: Characters of it that are read.
_READ = 10_000
#: What a class or a task may be called; anything else is data.
_is_class = re.compile(r"[^\W\d][\w.:\\/-]{0,99}").fullmatch


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
    return name if _is_class(name) else None


def summarise(data: Any) -> str:
    """Return the job's class and its error if the data has them, or else the beginning of the data."""
    if isinstance(data, dict):
        if "$refused" in data:
            return safe_text(f"not decoded: {data['$refused']}", limit=SUMMARY_LIMIT)
        if "$bytes" in data and len(data) == 2:
            return safe_text(f"{data.get('$size', '?')} bytes: {data['$bytes']}", limit=SUMMARY_LIMIT)
        if error := find_error(data):
            # However long one is, both are shown.
            return safe_text(f"{name_job(data, SUMMARY_LIMIT // 2)} (error: {error_line(error)})", limit=SUMMARY_LIMIT)
        return name_job(data)
    return safe_text(data if isinstance(data, str) else _beginning(data), limit=SUMMARY_LIMIT)


def name_job(data: dict[str, Any], limit: int = SUMMARY_LIMIT) -> str:
    """Return the job's class, or else the beginning of the data, in one safe line."""
    return safe_text(_name(data) or _beginning(data), limit=limit)


def _name(data: dict[str, Any]) -> str:
    for first, *steps in _places(tuple(data)):
        found: Any = data.get(first)
        for step in steps:
            if isinstance(found, list):
                found = found[0] if step == "0" and found else None
            else:
                found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str) and found:
            # The type of a problem is an address, and names no job.
            if first == "type" and ("//" in found or found.startswith("about:")):
                continue
            return found
    if "opts" in data and isinstance(name := data.get("name"), str):
        return name  # Bull
    if isinstance(handler := data.get("handler"), str) and (ruby := _RUBY.search(handler, 0, _READ)):
        return ruby[1]
    return ""


_KNOWN_PLACES: Memo[tuple[str, ...], list[tuple[str, ...]]] = Memo(2048)


def _places(keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the places of a name in an object with these keys, which repeat from job to job."""
    known = _KNOWN_PLACES.get(keys)
    if known is None:
        present = set(keys)
        known = [place for place in _NAMES if place[0] in present]
        if is_short(keys):
            _KNOWN_PLACES.keep(keys, known)
    return known


def _beginning(data: Any) -> str:
    if not isinstance(data, dict | list):
        return json.dumps(data)
    return json_beginning(data, SUMMARY_LIMIT)


def json_beginning(data: Any, limit: int) -> str:
    """Return data as JSON, cut after the part with which it is longer than `limit` characters."""
    parts, left = [], limit
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(data):
        parts.append(part)
        left -= len(part)
        if left < 0:
            break
    return "".join(parts)
