"""The class and the message of an error in its text: the first line, or what a stack trace says.

Where the text is in a body is in `finder`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: Characters of a text's beginning, and of its end, that are read.
_READ = 8_000
#: Characters of a message, and of a class.
LONGEST, LONGEST_CLASS = 2_000, 200
#: How a cause is written behind the error that it led to.
CAUSED_BY = " <- "

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)")
# A class in front of a message: one with a telling end, or with its package.
_CLASS_AT = re.compile(
    r"(?i:uncaught |unhandled |fatal error: |error: |php fatal error: +){0,3}"
    r"((?:[A-Za-z_$][\w$]{0,99}(?:\.|\\{1,2}|::|/))*"
    r"(?:[A-Za-z_$]\w{0,99}?(?:Error|Exception|Fault|Failure|Warning|Interrupt|Exit|Expired|Timeout|NotFound|Invalid)s?\d{0,3}"
    r"|(?<=[.\\:])[A-Z]\w{0,99}))"
    r"(?: \[[\w-]{1,60}\]|\(\d{1,5}\))?(?::\s+|\s+--?\s+|\Z)"
).match
_ELIXIR_AT = re.compile(r"\*\* \(([\w.]{1,100})\)\s*").match
_SPELT_OUT = ("Exception in", "exception '")
_PHP_AT = re.compile(r"exception '([\w\\]{1,200})' with message '(.*)'(?: in |\Z)", re.DOTALL).match
_THREAD_AT = re.compile(r'Exception in thread "[^"\n]{0,200}" ').match
# What the usual languages write behind a message, on its line.
_PLACE = re.compile(
    r" in (?:/|[A-Za-z]:\\|phar:)[^\n]{1,400}?(?::\d{1,7}|\(\d{1,7}\)(?: : eval\(\)'d code)?| on line \d{1,7})\Z"
)
_TRACEBACK = "Traceback (most recent call last)"
_DIGITS = re.compile("[0-9]")
_FRAME = re.compile(r"\s|File \"|\Z|[~^]+\Z|\+-+|\|\s{2}").match
_CAUSED = re.compile(r"^\s*(?:Caused by|Wrapped by|Reason|Root cause): ?([^\n]{1,2000})", re.MULTILINE)
_PHP_NEXT = re.compile(r"\n\nNext ([A-Z\\][\w\\]{1,200}: [^\n]{1,2000})")
_NET_INNER = re.compile(r"\s---> (?:\(Inner Exception #\d+\) )?([\w.`]{1,200}(?: \(\w+\))?: [^\n]{1,2000})")


class ErrorText(NamedTuple):
    """The class of an error, empty where it is not known, and its message."""

    name: str
    message: str


def read_message(text: str) -> ErrorText:
    r"""Return the class and the message that a text says, with those of the cause behind them where it names one.

    Examples
    --------
    >>> read_message("PDOException: no such table in /app/x.php:7\nStack trace:\n#0 /app/y.php(3): f()")
    ErrorText(name='PDOException', message='no such table')
    >>> read_message("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'user'\n")
    ErrorText(name='KeyError', message="'user'")
    >>> read_message("card declined")
    ErrorText(name='', message='card declined')
    """
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.strip()
    if "\n" not in text and "\r" not in text:
        return _split(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _TRACEBACK in text:
        return _python(text)
    if following := _PHP_NEXT.findall(text):
        return with_cause(_split(following[-1]), _split(_first_line(text)))
    found = _split(_first_line(text))
    if causes := _CAUSED.findall(text):
        return with_cause(found, _split(causes[-1]))
    return found


def with_cause(found: ErrorText, cause: ErrorText) -> ErrorText:
    """Return an error with its cause, unless the error itself says it, whatever the numbers."""
    said = _DIGITS.sub("0", found.message)
    if (not cause.message or _DIGITS.sub("0", cause.message) in said) and (
        not cause.name or cause.name in found.message
    ):
        return found
    if cause.name == found.name and _DIGITS.sub("0", cause.message) == said:
        return found
    why = f"{cause.name}: {cause.message}" if cause.name and cause.message else cause.name or cause.message
    return found._replace(message=f"{found.message[:LONGEST]}{CAUSED_BY}{why}")


def _first_line(text: str) -> str:
    lines = text.split("\n", 4)
    first = next((line.strip() for line in lines if line.strip()), "")
    # A heading alone says nothing: "Error:", "1 error occurred:".
    if first.endswith(":") and len(first) <= 60 and not _CLASS_AT(f"{first} x"):
        return " ".join([first, *[line.strip() for line in lines[1:] if line.strip()][:1]])
    return first if not first.endswith(":") else " ".join(line.strip() for line in lines[:2])


def _python(text: str) -> ErrorText:
    """Read the tracebacks of Python: the last is the error, the first its cause."""
    before, *tracebacks = text.split(_TRACEBACK)
    found = [_split(_raised(one)) for one in (tracebacks[-1], tracebacks[0])]
    if not found[0].name and not found[0].message:
        return _split(_first_line(before))
    return found[0] if len(tracebacks) == 1 else with_cause(*found)


def _raised(traceback: str) -> str:
    """Return the line below the frames."""
    for line in traceback.split("\n")[1:]:
        line = line.removeprefix("  | ")
        if not _FRAME(line):
            return line
    return ""


def _split(line: str) -> ErrorText:
    """Return the class at the beginning of a line, and the rest."""
    if line.startswith(_SPELT_OUT):
        if thread := _THREAD_AT(line):
            line = line[thread.end() :]
        if php := _PHP_AT(line):
            return ErrorText(php[1], php[2])
    name = ""
    # Looking for the end of a class is cheaper than for the class.
    may_be_class = ": " in line or " - " in line or " " not in line
    if found := _ELIXIR_AT(line) if line.startswith("** ") else _CLASS_AT(line) if may_be_class else None:
        name, line = found[1], line[found.end() :]
    if " in " in line:
        line = _PLACE.sub("", line)
    if " ---> " in line and (inner := _NET_INNER.search(line)):
        return with_cause(ErrorText(name, line[: inner.start()]), _split(inner[1]))
    return ErrorText(name, line.strip()[:LONGEST])


__all__ = ["CAUSED_BY", "LONGEST", "LONGEST_CLASS", "ErrorText", "read_message", "with_cause"]
