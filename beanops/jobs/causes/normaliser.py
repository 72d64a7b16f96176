"""Turn the message of an error into what is alike in all errors of one cause: placeholders for what varies.

A message is read from the outside to the inside: its first line, statements of SQL and JSON in it, the codes that say
which error it is, quoted values, names of people, and then each word by itself, which `tokens` does. The rules are
part of the names of causes: see `VERSION` of `cause`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from beanops.jobs.bodies.memo import Memo
from beanops.jobs.causes.tokens import ID, KEPT, kept, mask_name, unkept, word_of
from beanops.jobs.causes.vocabulary import IDENTIFIER_NOUNS
from beanops.jobs.causes.word_order import BEGINNING, joined, mark_of

#: Characters of a message that are read, and that are kept.
_READ, _LONGEST = 600, 300
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
# Characters that stand for what is kept, in the messages of others.
_HELD = re.compile(f"[{chr(KEPT.start)}-{chr(KEPT.stop - 1)}]")

_SQL = re.compile(
    r"\s*[(\[](?:Connection: [^,]{1,60}, )?(?:SQL|Query|Statement|parameters): .*"
    r"|;? ?(?:SQL|sql|[Qq]uery|[Ss]tatement)(?: was)?:? ?\[.*"
    r"|\b(?:SELECT\s.{1,400}?\sFROM\s|INSERT\s+(?:IGNORE\s+)?INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|REPLACE\s+INTO\s"
    r"|select\s.{1,400}?\sfrom\s|insert\s+(?:ignore\s+)?into\s|update\s+\S+\s+set\s|delete\s+from\s).*",
    re.DOTALL,
)
_JSON = re.compile(r"[\[(]?\{\s?\\?[\"'].*", re.DOTALL)
_IN_JSON = re.compile(
    r"""["'](?:code|error|error_code|type|title|message|msg|detail|reason|status)\\?["']\s?[:=]>?\s?"""
    r"""(?:\\?"([^"\\]{1,200})|'([^'\\]{1,200})|(\d{1,5}\b))"""
)
# How Python writes the errors of databases: (1205, 'Lock wait timeout exceeded').
_TUPLE = re.compile(r"\((\d{3,5}), u?(['\"])(.{1,400}?)\2\)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'<>)\]}|`]+", re.ASCII)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,80}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}", re.ASCII)
_UUID = re.compile(r"(?<!\w)[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?!\w)")
_FOLD = bytes.maketrans(b"123456789", b"0" * 9)
_DIGIT = re.compile("[0-9]").search
_QUOTE = re.compile("[\"'`“„«‘»「]").search
# Each alternative begins with its quotation mark, so that what has none is passed quickly.
_QUOTED = re.compile(
    r"""(?:"(?<!\w.)(?P<a>[^"]{0,400})"|'(?<!\w.)(?P<b>[^']{0,400}(?:(?<=\w)'(?=\w)[^']{0,400}){0,4})'(?!\w)"""
    r"""|`(?P<c>[^`']{0,400})[`']|“(?P<d>[^”]{0,400})”|„(?P<e>[^“”]{0,400})[“”]|«\s?(?P<f>[^»]{0,400}?)\s?»"""
    r"""|‘(?P<g>[^’]{0,400})’|»(?P<h>[^«]{0,400})«|「(?P<i>[^」]{0,400})」|\\"(?P<j>[^"]{0,400})\\")"""
)
_is_identifier = re.compile(
    r"[A-Za-z_$][\w$]{0,60}(?:(?:\.|::|\\{1,2}|->|/)[A-Za-z_$][\w$]{0,60}){0,8}(?:\(\))?", re.ASCII
).fullmatch

# The words of a status that are quoted: `422 Unprocessable Entity`.
_is_status = re.compile(r"\d{3} [A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){0,4}").fullmatch
_BEFORE_WORD = f"{ID} "
_RUN = re.compile(r"<n>(?:(?:[,;/x|&+-]|\s?(?:,|;|-|–|and|und|et|y|or|to|x|/|\.\.)?\s)<n>)+")
_UNIT = re.compile(
    r"<n> (?:%|ms|msec|milliseconds?|[µun]s|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?"
    r"|[kKMGT]i?B|[kKMGT]B?|bytes?|bits?|B|characters|chars|Sekunden?|Minuten?|Stunden?|secondes?|segundos?|minutos?|"
    r"USD|EUR|GBP|CHF|JPY|PLN)(?![\w/])"
)
_PLURAL = re.compile(
    r"(<n> (?:attempt|time|row|item|byte|error|request|job|record|file|connection|message|order|argument|value|element"
    r"|parameter|line|page|result|product|column|user|thread|node|replica|partition|object|document))s\b"
)


class Normaliser:
    """Normalises messages, and remembers what became of them, within bounds; this changes no result.

    Parameters
    ----------
    most : int
        Messages that are remembered.
    """

    def __init__(self, most: int = 8192) -> None:
        # Templates by the message with zeros for digits, and results by the message where digits are in a word.
        self._templates: Memo[str, Template] = Memo(most)
        self._known: Memo[str, str] = Memo(most)

    def normalise(self, message: str) -> str:
        """Return a message with placeholders in the places of what varies from job to job."""
        text = _outside(message)
        # Bytes are translated several times faster.
        folded = text[:BEGINNING] + text[BEGINNING:].encode().translate(_FOLD).decode()
        template = self._templates.get(folded)
        if template is not None:
            return template.text if not template.places else template.fill(text)
        known = self._known.get(text)
        if known is not None:
            return known
        template = _inside(text)
        found = template.fill(text)
        if _DIGIT(template.text):
            return self._known.keep(text, found)
        self._templates.keep(folded, template)
        return found


class Template(NamedTuple):
    """What is alike in messages that differ in digits alone.

    Attributes
    ----------
    text : str
        The message with placeholders, and with marks in the places of words that stay as they are.
    places : tuple of int
        The places of these words in the message.
    """

    text: str
    places: tuple[int, ...]

    def fill(self, text: str) -> str:
        """Return the message of a text."""
        found = self.text
        if self.places:
            words = text.split()
            for number, place in enumerate(self.places):
                found = found.replace(mark_of(number), words[place], 1)
        return found[:_LONGEST]


def normalise(message: str) -> str:
    """Return a message with placeholders in the places of what varies from job to job.

    Examples
    --------
    >>> normalise("Order 4711 of ann@example.com not found")
    'Order <n> of <n> not found'
    >>> normalise("HTTP 404 for https://shop.example/orders/4711?x=1")
    'HTTP 404 for <n>'
    >>> normalise("Unknown column 'emial' in 'field list'")
    "Unknown column 'emial' in '<n>'"
    """
    text = _outside(message)
    return _inside(text).fill(text)


def _outside(message: str) -> str:
    """Return the line without SQL, JSON, quoted values, addresses and UUIDs."""
    text = message[:_READ]
    if not (text.isascii() and text.isprintable()):
        text = _CONTROLS.sub(" ", _HELD.sub("", text))
    if _may_hold_sql(text):
        text = _SQL.sub(" <sql>", text)
    if "{" in text:
        text = _JSON.sub(_json, text)
    if "://" in text:
        text = _URL.sub(ID, text)
    if "(" in text and ", " in text:
        text = _TUPLE.sub(_code_and_text, text)
    if "'" in text or '"' in text or "`" in text or (not text.isascii() and _QUOTE(text)):
        text = _QUOTED.sub(_quoted, text)
    if "@" in text:
        text = _EMAIL.sub(ID, text)
    if text.count("-") >= 4:
        text = _UUID.sub(ID, text)
    return text


def _inside(text: str) -> Template:
    """Return the rest of the way word by word."""
    words = text.split()
    text, places = joined(list(map(word_of, words)), words)
    if ID in text:
        if text.count(ID) > 1:
            text = _RUN.sub(ID, text)
        if _BEFORE_WORD in text:
            text = _PLURAL.sub(_singular, _UNIT.sub(ID, text))
    return Template(unkept(text) if _HELD.search(text) else text, places)


def _may_hold_sql(text: str) -> bool:
    low = text.lower()
    return (
        "sql" in low
        or "select " in low
        or "insert " in low
        or "update " in low
        or "delete " in low
        or "replace " in low
        or "query" in low
        or "statement" in low
    )


def _singular(match: re.Match[str]) -> str:
    return match[1]


def _json(match: re.Match[str]) -> str:
    """Return what JSON in a message says of an error."""
    said = [next(filter(None, one)) for one in _IN_JSON.findall(match.group())[:4]]
    return f"{{{'; '.join(said)}}}" if said else "<json>"


def _code_and_text(match: re.Match[str]) -> str:
    return f"({kept(match[1])}) {match[3]}"


def _quoted(match: re.Match[str]) -> str:
    whole = match.group()
    inner = match[match.lastgroup or 0]
    at = whole.find(inner) if inner else 1
    if _is_status(inner):
        return whole[:at] + kept(inner) + whole[at + len(inner) :]
    if _is_identifier(inner):
        before = match.string[max(0, match.start() - 40) : match.start()].rstrip(" :=([").rpartition(" ")[2]
        if before.lstrip("([").lower() in IDENTIFIER_NOUNS or len(whole) == len(match.string):
            return whole[:at] + kept(inner) + whole[at + len(inner) :]
    return whole if _HELD.search(inner) else f"{whole[:at]}{ID}{whole[at + len(inner) :]}"


@lru_cache(maxsize=4096)
def normalise_name(name: str) -> str:
    """Return the class of a job or an error without ids in it.

    Examples
    --------
    >>> normalise_name("App\\\\Jobs\\\\SendMail"), normalise_name("report-20260131")
    ('App\\\\Jobs\\\\SendMail', 'report-<n>')
    """
    return mask_name(_CONTROLS.sub(" ", _HELD.sub("", name)))
