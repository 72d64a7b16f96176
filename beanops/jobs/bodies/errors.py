"""The error that a body carries: where the usual frameworks, and others, put its class and its message.

How a text says both is in `error_texts`, and which job it is in `summary`. It reads data, in whatever format that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from beanops.jobs.bodies.error_texts import LONGEST, LONGEST_CLASS, ErrorText, read_text, with_cause

#: How deep, and in how many objects and lists, an error is looked for, and in how many items of a list.
DEEP, WIDE, ITEMS = 6, 400, 8
#: Causes of causes.
_CAUSES = 4


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Keys are compared in lower case and without separators, the most informative first: `errorMessage`, `error_message`
# and `error.message` are one.
#: Hold an error, as an object, a list or a text.
_HOLDERS = _names(
    "exception error lasterror lastexception errors err failure exc exceptioninfo errorinfo lastfailure errordetails "
    "exceptionexecutions fault problem xdeath"
)
#: Hold a message, or a stack trace.
_TEXTS = _names(
    "errormessage exceptionmessage errormsg excmessage failedreason failurereason failreason failuremessage "
    "failedmessage lasterrormessage errordescription errortext errorstring faultstring xexceptionmessage "
    "kafkadltexceptionmessage mtfaultmessage nservicebusexceptioninfomessage excinfo einfo traceback stacktrace "
    "xexceptionstacktrace errorstack"
)
#: Hold a class.
_CLASSES = _names(
    "errorclass exceptionclass errortype exceptiontype errtype errorname exceptionname exctype faultcode "
    "kafkadltexceptionfqcn mtfaultexceptiontype nservicebusexceptioninfoexceptiontype xexceptiontype errorcode"
)
# Within an object that is an error.
_INNER_CLASSES = _names(
    "class type exceptionclass exceptiontype errtype errorclass errortype exctype name errorname kind"
)
_INNER_TEXTS = _names(
    "message msg exceptionmessage errormessage errmsg errormsg excmessage faultstring reason detail details "
    "description errordescription text value error exception title stack stacktrace traceback"
)
_CODES = _names("code errorcode status statuscode")
_CAUSE_KEYS = _names("previous cause innerexception rootcause causedby inner")
# Say that the message or the reason beside them is one of an error.
_WEAK_TEXTS = _names("message msg reason detail errors description")
_EVIDENCE = frozenset((*_CLASSES, *_TEXTS, *_names("trace backtrace stack failedat failed isfailed haserror iserror")))
_STATES = frozenset(
    _names("failed failure error errored fail fatal critical rejected dead err severe exception aborted crashed")
)
_STATE_KEYS = frozenset(_names("status state level severity outcome result loglevel"))
_FLAGS = frozenset(_names("success ok successful succeeded"))

_SEPARATORS = str.maketrans("", "", "_-. @$")
_is_class = re.compile(r"[^\W\d][\w.:\\/$\[\]<>`-]{0,199}").fullmatch


@lru_cache(maxsize=4096)
def _plain_key(key: str) -> str:
    return key.translate(_SEPARATORS).lower() if len(key) <= 64 else ""


@lru_cache(maxsize=2048)
def _plan(keys: tuple[str, ...]) -> dict[str, str] | None:
    """Return the keys of an object by their plain form; None where none of them tells of an error."""
    plain: dict[str, str] = {}
    for key in keys:
        plain.setdefault(_plain_key(key), key)
    telling = not _TELLING.isdisjoint(plain)
    return plain if telling or ("title" in plain and "status" in plain) else None


_TELLING = frozenset((*_HOLDERS, *_TEXTS, *_CLASSES, *_WEAK_TEXTS))
#: Keys of an object whose plan is remembered.
_MOST_KEYS = 64


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


def error_of(item: dict[str, Any]) -> ErrorText | None:
    """Return the error that an object tells of itself, or that one of its keys holds."""
    plan = _plan(tuple(item)) if len(item) <= _MOST_KEYS else _plan.__wrapped__(tuple(item))
    if plan is None:
        return None
    name = _first(item, plan, _CLASSES, _class)
    for key in _HOLDERS:
        if key in plan and (value := item[plan[key]]):
            found = _held(value, key)
            if found is None:
                continue
            if not found.message or (found.name and not found.message):
                # One key has the class, and another one the message.
                text = _first(item, plan, tuple(one for one in (*_INNER_TEXTS, *_TEXTS) if one != key), _text)
                found = with_text(found, text)
            elif name and not found.name:
                found = found._replace(name=name)
            return found
    text = _first(item, plan, _TEXTS, _text)
    if text is None and (name or _is_failed(item, plan)):
        text = _first(item, plan, _WEAK_TEXTS, _text)
    if text is not None:
        found = read_text(text)
        return ErrorText(name, found.message) if name and found.message else found
    if name:
        return ErrorText(name, "")
    return _problem(item, plan)


def with_text(found: ErrorText, text: str | None) -> ErrorText:
    """Return an error of which only the class was known, with its message."""
    if text is None:
        return found
    read = read_text(text)
    return ErrorText(found.name or read.name, read.message)


def _first(item: Mapping[str, Any], plan: Mapping[str, str], keys: Iterable[str], read: Any) -> Any:
    for key in keys:
        if key in plan:
            found = read(item[plan[key]])
            if found:
                return found
    return None


def _class(value: Any) -> str:
    return value[:LONGEST_CLASS] if isinstance(value, str) and _is_class(value) else ""


def _text(value: Any) -> str:
    """Return the text of a value that is a message: a text, or a list of texts."""
    if isinstance(value, str):
        return value if value.strip() else ""
    if isinstance(value, list):
        texts = [one for one in value[:ITEMS] if isinstance(one, str)]
        # A stack trace by line, or arguments of an exception.
        return "\n".join(texts) if len(texts) > 1 and any(" " in one for one in texts) else ", ".join(texts)
    return ""


def _held(value: Any, key: str = "", deep: int = 0) -> ErrorText | None:
    """Return the error that a value under a key such as ``error`` is."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if key in ("exception", "exc", "lastexception", "error", "err", "failure") and _is_class(value):
            # A bare word is a class if it looks like one.
            return ErrorText(value, "") if not value.islower() else ErrorText("", value)
        return read_text(value)
    if isinstance(value, list):
        for one in value[:ITEMS]:
            if found := _held(one, key, deep + 1) if deep < _CAUSES else None:
                return found
        return None
    if isinstance(value, dict) and value:
        return _described(value, deep)
    if type(value) is int and value not in (0, 1):
        return ErrorText("", f"code {value}")
    return None


def _described(item: dict[str, Any], deep: int = 0) -> ErrorText | None:
    """Return the error that an object is."""
    if deep > _CAUSES:
        return None
    plan: dict[str, str] = {}
    for key in list(item)[:_MOST_KEYS]:
        plan.setdefault(_plain_key(key), key)
    name = _first(item, plan, _INNER_CLASSES, _class) or ""
    code = _first(item, plan, _CODES, _code)
    text = _first(item, plan, _INNER_TEXTS, _text)
    if text is None:
        for key in ("values", "error", "errors", "exception", "failure", "message", "detail"):
            value = item.get(plan.get(key, ""))
            if isinstance(value, dict | list) and (found := _held(value, key, deep + 1)):
                return found if found.name or not name else found._replace(name=name)
        if not name and (found := _invalid(item)):
            return found
        if not name and code is None:
            return None
    found = read_text(text or "")
    if name and found.name and found.name.rpartition(".")[2] != name.rpartition(".")[2]:
        found = ErrorText(name, f"{found.name}: {found.message}" if found.message else found.name)
    found = ErrorText(name or found.name, found.message)
    if code is not None and code not in found.message and code != found.name:
        found = found._replace(name=f"{found.name} {code}".strip())
    for key in _CAUSE_KEYS:
        value = item.get(plan.get(key, ""))
        if isinstance(value, dict | list | str) and (cause := _held(value, key, deep + 1)):
            return with_cause(found, cause)
    return found


def _code(value: Any) -> str | None:
    if type(value) is int:
        return str(value) if value and abs(value) < 100_000 else None
    return value if isinstance(value, str) and len(value) <= 60 and _is_code(value) else None


_is_code = re.compile(r"(?!0+\Z)(?:\d{1,5}|[^\W\d][\w.-]*)").fullmatch


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


def _is_failed(item: Mapping[str, Any], plan: Mapping[str, str]) -> bool:
    for plain, key in plan.items():
        value = item[key]
        if plain in _EVIDENCE and value:
            return True
        if plain in _STATE_KEYS and isinstance(value, str) and value.lower() in _STATES:
            return True
        if plain in _FLAGS and value is False:
            return True
        if plain == "error" and value is True:
            return True
    return False


def _problem(item: Mapping[str, Any], plan: Mapping[str, str]) -> ErrorText | None:
    """Return the error of a body that is problem+json (RFC 9457)."""
    title, status = (item.get(plan.get(key, "")) for key in ("title", "status"))
    if not isinstance(title, str) or type(status) is not int or not 400 <= status < 600:
        return None
    detail = item.get(plan.get("detail", ""))
    return ErrorText(title[:LONGEST_CLASS], f"{status} {detail if isinstance(detail, str) else ''}".strip())


def error_line(found: ErrorText) -> str:
    """Return an error in one line: its class and its message."""
    return f"{found.name}: {found.message}" if found.name and found.message else found.name or found.message


__all__ = ["DEEP", "ITEMS", "WIDE", "ErrorText", "error_line", "error_of", "find_error"]
