"""`find_error`: the error in decoded data.

Which keys hold one is in `keys`, and how a text says its class and its message in `messages`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from beanops.jobs.bodies.errors.keys import Roles, roles_of
from beanops.jobs.bodies.errors.messages import LONGEST, LONGEST_CLASS, ErrorText, read_message, with_cause

#: How deep, and in how many objects and lists, an error is looked for, and in how many items of a list.
DEEP, WIDE, ITEMS = 6, 400, 4
#: Causes of causes.
_CAUSES = 4
_FAILED = frozenset(
    ("failed", "failure", "error", "errored", "fail", "fatal", "critical", "rejected", "dead", "err", "severe", "crash")
)
#: Texts that say that there is no error.
_NOTHING = frozenset(("none", "null", "nil", "ok", "no", "false", "0", "-", "n/a", "success", "no error"))
_LONGEST_NOTHING = max(map(len, _NOTHING))
#: Holders of which a bare word is a class.
_BARE = frozenset(("exception", "exc", "lastexception", "error", "err", "failure"))
_is_class = re.compile(r"[^\W\d][\w.:\\/$\[\]<>`-]{0,199}").fullmatch
_is_code = re.compile(r"(?!0+\Z)(?:\d{1,5}|[^\W\d][\w.-]*)").fullmatch


def find_error(data: Any) -> ErrorText | None:
    """Return the error that decoded data carries, the outermost first; None where it carries none.

    Examples
    --------
    >>> find_error({"task": "app.pay", "error": {"class": "CardError", "message": "declined"}})
    ErrorText(name='CardError', message='declined')
    >>> find_error({"message": "Happy birthday"}) is None
    True
    """
    level, seen = [data], 0
    for _ in range(DEEP):
        following: list[Any] = []
        for item in level:
            if type(item) is dict:
                if found := error_of(item):
                    return found
                values: Iterable[Any] = item.values()
            else:
                values = item[:ITEMS] if type(item) is list else ()
            following += [value for value in values if type(value) is dict or type(value) is list]
        seen += len(following)
        if not following or seen > WIDE:
            break
        level = following
    return None


def error_of(item: dict[str, Any], roles: Roles | None = None) -> ErrorText | None:
    """Return the error that an object tells of itself, or that one of its keys holds."""
    if roles is None:
        roles = roles_of(tuple(item))
    if not roles.tells:
        return None
    name = _class_in(item, roles.classes)
    for plain, key in roles.holders:
        if (value := item[key]) and (found := _held(value, plain)) is not None:
            if not found.message:
                # One key has the class, and another one the message.
                others = (*roles.inner_texts, *roles.texts)
                if text := _text_in(item, [one for one in others if one != key]):
                    said = read_message(text)
                    return ErrorText(found.name or said.name, said.message)
                return found
            return found._replace(name=name) if name and not found.name else found
    text = _text_in(item, roles.texts)
    if not text and (name or _is_failed(item, roles)):
        text = _text_in(item, roles.weak_texts)
    if text:
        found = read_message(text)
        return ErrorText(name, found.message) if name and found.message else found
    return ErrorText(name, "") if name else _problem(item, roles)


def _class_in(item: dict[str, Any], keys: Iterable[str]) -> str:
    for key in keys:
        value = item[key]
        if isinstance(value, str) and _is_class(value):
            return value
    return ""


def _text_in(item: dict[str, Any], keys: Iterable[str]) -> str:
    for key in keys:
        if text := _text(item[key]):
            return text
    return ""


def _text(value: Any) -> str:
    """Return the text of a value that is a message: a text, or a list of texts."""
    if isinstance(value, str):
        is_text = value and not value.isspace() and (len(value) > _LONGEST_NOTHING or value.lower() not in _NOTHING)
        return value if is_text else ""
    if isinstance(value, list):
        texts = [one for one in value[:ITEMS] if isinstance(one, str)]
        # A stack trace by line, or arguments of an exception.
        return ("\n" if len(texts) > 1 and any(" " in one for one in texts) else ", ").join(texts)
    return ""


def _held(value: Any, plain: str, deep: int = 0) -> ErrorText | None:
    """Return the error that a value under a key such as ``error`` is."""
    if isinstance(value, str):
        if not (text := _text(value)):
            return None
        if plain in _BARE and _is_class(text):
            # A bare word is a class if it looks like one.
            return ErrorText("", text) if text.islower() else ErrorText(text, "")
        return read_message(text)
    if deep > _CAUSES or not value:
        return None
    if isinstance(value, list):
        return next(filter(None, (_held(one, plain, deep + 1) for one in value[:ITEMS])), None)
    if isinstance(value, dict):
        return _described(value, deep)
    # A flag, and how often something failed, say nothing.
    return ErrorText("", f"code {value}") if type(value) is int and abs(value) >= 10 else None


def _described(item: dict[str, Any], deep: int = 0) -> ErrorText | None:
    """Return the error that an object is."""
    roles = roles_of(tuple(item))
    name = _class_in(item, roles.inner_classes)
    code = next(filter(None, (_code(item[key]) for key in roles.codes)), "") if roles.codes else ""
    text = _text_in(item, roles.inner_texts)
    if not text:
        for plain, key in roles.inner_holders:
            value = item[key]
            if isinstance(value, dict | list) and (found := _held(value, plain, deep + 1)):
                return found if found.name or not name else found._replace(name=name)
        if not name and not code:
            return _invalid(item)
    found = read_message(text)
    if name and found.name and found.name.rpartition(".")[2] != name.rpartition(".")[2]:
        found = ErrorText(name, f"{found.name}: {found.message}" if found.message else found.name)
    name = name or found.name
    if code:
        name = f"{name} {code}".strip()
    found = ErrorText(name, found.message)
    for key in roles.causes:
        if cause := _held(item[key], "cause", deep + 1):
            return with_cause(found, cause)
    return found


def _code(value: Any) -> str:
    if type(value) is int:
        return str(value) if value and abs(value) < 100_000 else ""
    return value if isinstance(value, str) and len(value) <= 60 and _is_code(value) else ""


def _invalid(item: dict[str, Any]) -> ErrorText | None:
    """Return the messages of a validation, by field."""
    said = []
    for key, value in list(item.items())[:ITEMS]:
        if key[:1] == "[" and key[-1:] == "]" and type(value) is int:
            # Active Job counts the executions that ended in each class.
            return ErrorText(key[1:-1], "")
        if not (text := _text(value)):
            return None
        said.append(f"{key}: {text}")
    return ErrorText("", "; ".join(said)[:LONGEST]) if said else None


def _is_failed(item: dict[str, Any], roles: Roles) -> bool:
    """Whether something says that the message of an object is one of an error."""
    return (
        any(item[key] for key in roles.evidence)
        or any(isinstance(item[key], str) and item[key].lower() in _FAILED for key in roles.states)
        or any(item[key] is False for key in roles.flags)
        or any(item[key] is True for _, key in roles.holders)
    )


def _problem(item: dict[str, Any], roles: Roles) -> ErrorText | None:
    """Return the error of a body that is problem+json (RFC 9457)."""
    title, status = item.get(roles.title), item.get(roles.status)
    if not isinstance(title, str) or type(status) is not int or not 400 <= status < 600:
        return None
    detail = item.get(roles.detail)
    return ErrorText(title[:LONGEST_CLASS], f"{status} {detail if isinstance(detail, str) else ''}".strip())


def error_line(found: ErrorText) -> str:
    """Return an error in one line: its class and its message."""
    return f"{found.name}: {found.message}" if found.name and found.message else found.name or found.message
