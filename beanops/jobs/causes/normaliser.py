"""Turn the message of an error into what is alike in all errors of one cause: placeholders for what varies.

The head of a message is one line without statements of SQL and quoted values; then each of its words by itself, which
`tokens` does. The rules are part of the names of causes: see `VERSION` of `cause`.
"""

from __future__ import annotations

import re

from beanops.jobs.causes.tokens import KEPT, kept, mask_name, mask_token, unkept
from beanops.jobs.causes.vocabulary import words

#: Characters of a message that are read, and that are kept.
_READ, _LONGEST = 600, 300
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_SQL_TAIL = re.compile(
    r"\s*[(\[](?:Connection: [^,]{1,60}, )?(?:SQL|Query|Statement|parameters): .*|;? ?(?:SQL|sql|query|statement) ?\[.*"
    r"|\b(?:SELECT\s.{1,400}?\sFROM\s|INSERT\s+(?:IGNORE\s+)?INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|REPLACE\s+INTO\s"
    r"|select\s.{1,400}?\sfrom\s|insert\s+(?:ignore\s+)?into\s|update\s+\S+\s+set\s|delete\s+from\s).*",
    re.DOTALL,
)
# Numbers that say which error it is.
_CODES = re.compile(
    r"(?:\b(?:code|status|errno|sqlstate|sqlcode|signal|exit(?:ed)?(?: with)?|http|https?/[\d.]+|rc|err|error)"
    r"(?:\s(?:is|was|code|status|number|no\.?))?[\s=:#(\[]{1,3}"
    r"|(?:responded|replied|returned|answered|failed|response)(?: with)?(?: an?)?(?: status| code| http)*[\s:=(]{1,2}"
    r"|\A\W{0,2}|\()"
    r"([A-Z]{0,4}-?\d{3,5}|\d{1,2})(?![\w.,:%/-]*\d)(?![%\w])",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?<![\w.,:/#-])(\d{3}) (?=[A-Z][a-z]+(?: [A-Z][A-Za-z]+)*)")
_NAMED = re.compile(
    r"\b(?:SQLSTATE\[\w{5}\]|(?:ORA|PLS|TNS|ERR|DB2|MSB|NU|CS|TS|KB|E|X|P|AADSTS|CVE)-?\d{3,6}|Errno \d{1,3}|"
    r"WinError \d{1,5}|HTTP/\d(?:\.\d)?|TLSv?1(?:[._]\d)?|SSLv\d|IPv[46]|OAuth ?[12]|S3|EC2|HTTP[123]|UTF-?(?:8|16|32)"
    r"|utf-?(?:8|16|32)|ISO-8859-\d{1,2}|SHA-?\d{1,3}|MD5|X\.509|RFC ?\d{3,4}|int\d{1,2}|uint\d{1,2}|float\d\d)\b"
)
_DIGIT = re.compile(r"[0-9]")
_QUOTED = re.compile(
    r"""(?<![\w])(?:"(?P<a>[^"]{0,400})"|'(?P<b>(?:[^']|(?<=\w)'(?=\w)){0,400}?)'(?!\w)|`(?P<c>[^`']{0,400})[`']"""
    r"""|“(?P<d>[^”]{0,400})”|„(?P<e>[^“”]{0,400})[“”]|«\s?(?P<f>[^»]{0,400}?)\s?»|‘(?P<g>[^’]{0,400})’|»(?P<h>[^«]{0,400})«"""
    r"""|「(?P<i>[^」]{0,400})」|\\"(?P<j>[^"]{0,400})\\")"""
)
_BEFORE = re.compile(r"([A-Za-z_]+)[\s:=(\[]{0,3}\Z")
_IDENTIFIER = re.compile(
    r"[A-Za-z_$][\w$]{0,60}(?:(?:\.|::|\\{1,2}|->|/)[A-Za-z_$][\w$]{0,60}){0,8}(?:\(\))?\Z", re.ASCII
)
#: Words before a quoted identifier that is part of the cause.
_KEEP_AFTER = words(
    "key keys column columns method attribute class table module argument property properties field function variable "
    "parameter param option relation relationship constraint index reading setting named type interface trait schema "
    "database extension package command template view route header offset keyword operator service enum of spalte "
    "tabelle feld colonne champ columna campo tabla clave klasse methode"
)


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
    text = _CONTROLS.sub(" ", message[:_READ].translate(_NO_KEPT)).strip()
    text = _SQL_TAIL.sub(" <sql>", text)
    if _DIGIT.search(text):
        text = _NAMED.sub(lambda match: kept(match.group()), text)
        text = _CODES.sub(lambda match: match.group()[: match.start(1) - match.start()] + kept(match[1]), text)
        text = _STATUS.sub(lambda match: kept(match[1]) + " ", text)
    if _QUOTED.search(text):
        text = _QUOTED.sub(_quoted, text)
    words = [mask_token(word) for word in text.split()]
    return unkept(_COLLAPSE.sub("<n>", " ".join(words)))[:_LONGEST]


_NO_KEPT = dict.fromkeys(KEPT)
_COLLAPSE = re.compile(r"<n>(?:[\s,;:/x-]{0,2}(?:and )?<n>)+")


def _quoted(match: re.Match[str]) -> str:
    inner = next(group for group in match.groups() if group is not None)
    whole = match.group()
    at = whole.index(inner) if inner else 1
    if _IDENTIFIER.match(inner):
        before = _BEFORE.search(match.string, max(0, match.start() - 40), match.start())
        if (before and before[1].lower() in _KEEP_AFTER) or len(whole) == len(match.string):
            return whole[:at] + kept(inner) + whole[at + len(inner) :]
    if any(code in inner for code in KEPT_CHARACTERS):
        return whole
    return f"{whole[:at]}<n>{whole[at + len(inner) :]}"


KEPT_CHARACTERS = frozenset(map(chr, KEPT))


def normalise_name(name: str) -> str:
    """Return the class of a job or an error without ids in it.

    Examples
    --------
    >>> normalise_name("App\\\\Jobs\\\\SendMail"), normalise_name("report-20260131")
    ('App\\\\Jobs\\\\SendMail', 'report-<n>')
    """
    return mask_name(_CONTROLS.sub(" ", name.translate(_NO_KEPT)))
