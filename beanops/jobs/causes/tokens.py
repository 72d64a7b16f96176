"""One word of a message: placeholders for ids, numbers, times and paths in it, and what it says of the next words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from beanops.jobs.causes.vocabulary import (
    BARE_CODE_WORDS,
    CODE_WORDS,
    FIRST_NAMES,
    ID_NOUNS,
    LINKS,
    NO_NAMES,
    PARTICLES,
    PERSON_NOUNS,
    STATUS_WORDS,
    TITLES,
)

#: What stands in the place of what varies.
ID = "<n>"
#: Characters that stand for those of a part that no rule changes, or for a word, until the message is done.
KEPT = range(0xE000, 0xE300)
_KEEP = {code: KEPT.start + code for code in (*b"0123456789@/\\.<>:-_'\"`,#$+", 0x20)}
_UNKEEP = {kept: code for code, kept in _KEEP.items()}


def kept(text: str) -> str:
    """Return a text in the form that no rule changes."""
    return text.translate(_KEEP)


def unkept(text: str) -> str:
    """Return a message with what was kept as it was."""
    return text.translate(_UNKEEP)


class Word(NamedTuple):
    """What is known of a word by itself.

    Attributes
    ----------
    masked : str
        The word with placeholders.
    flags : int
        What it may be, as below.
    """

    masked: str
    flags: int


#: A word for a code, for a thing with an id, for a person, a title; what may stand between these and the id.
CODE, NOUN, PERSON, TITLE, LINK = 1, 2, 4, 8, 16
#: A capitalized word, a first name, a part of a name, a word that is no name; one after which no name goes on.
CAPITAL, FIRST, PARTICLE, NO_NAME, LAST = 32, 64, 128, 256, 512
#: With a digit; a number of three digits; what may be a code; an address in angle brackets.
DIGIT, THREE, SHORT, ADDRESS = 1024, 2048, 4096, 8192
#: A word of the status of HTTP, in front of its number in parentheses.
STATUS = 16_384
#: Words of which the next or the last ones have to be seen.
TELLING = CODE | NOUN | PERSON | TITLE | FIRST | THREE | ADDRESS

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŹŻŽА-ЯΑ-Ω"
_LOWER = rf"[^\W\d_{_UPPER}]"
_is_capital = re.compile(rf"[{_UPPER}](?:['’][{_UPPER}]|c[{_UPPER}])?{_LOWER}*\.?(?:-[{_UPPER}]{_LOWER}+)?").fullmatch
_is_code = re.compile(r"[A-Z]{0,4}-?\d{3,5}|\d{1,2}", re.ASCII).fullmatch
_EDGES = "()[]{}<>\"'`,;:.!?=#«»“”„"
_ADDRESS = f"<{ID}>"
_ENDS = ".,;:!?)]}>\"'"
_SPECIAL = re.compile(r"[0-9@/\\.]").search
_DIGIT = re.compile(r"[0-9]").search

_HEX = "[0-9a-fA-F]"
_TLD = (
    "com|net|org|io|internal|local|localdomain|lan|corp|svc|cluster|dev|app|cloud|info|biz|eu|de|at|ch|fr|uk|es|it|nl|be|pl|"
    "se|no|dk|fi|pt|ie|us|ca|mx|br|ar|au|nz|jp|cn|kr|in|ru|ua|cz|example|test|invalid|edu|gov|amazonaws|aero|tech|shop"
)
_UNITS = "%|ms|us|µs|ns|s|m|h|d|secs?|mins?|hrs?|[kKMGT]i?[bB]?|bytes?|[bB]|px|[xX]|st|nd|rd|th|[$€£¥]"
# Names and codes with digits that are words: they say which error it is. No rule looks at which digits these are: so
# messages that differ in digits alone are alike, unless digits are left in what becomes of them.
_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(?:SQLSTATE\[\w{5}\]"
    r"|(?:ORA|PLS|TNS|ERR|DB\d|MSB|NU|CS|TS|KB|E|X|P|AADSTS|SQL)-?\d{3,6}|CVE-\d{4}-\d{3,6}"
    r"|HTTP/?\d(?:\.\d)?|TLSv?\d(?:[._]\d)?|SSLv\d|[iI][pP]v\d|OAuth\d|S\d|EC\d|[uU][tT][fF]-?\d{1,2}(?:mb\d)?"
    r"|ISO-\d{4}-\d{1,2}|SHA-?\d{1,3}|sha-?\d{1,3}|[mM][dD]\d|X\.\d{3}|RFC\d{3,4}|u?int\d{1,2}|float\d\d"
    r"|[xX]\d\d(?:[_-]\d\d)?|[bB]ase\d\d|[vV]\d(?!\.\d)|[lL]og\d[jJ]|[hH]\d|[mM][pP]\d|[wW]in\d\d|[aA]rm\d\d|[iI]\d\d[nN]"
    r"|[kK]\d[sS])(?![A-Za-z0-9])"
    r"|\b(?i:code|status|errno|sqlstate|sqlcode|statuscode|error_code|errorcode|signal)[=:#(]{1,2}[A-Z]{0,4}-?\d{1,5}"
    r"(?![\w.,:-]*\d)",
    re.ASCII,
)
_PLACES = re.compile(
    rf"""
      [A-Za-z][A-Za-z0-9+.-]{{1,15}}:(?://|\\\\)[^\s"'<>)\]}}|]+                         # a URL
    | [\w.+-]{{1,80}}@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{0,8}}                # an address
    | eyJ[\w-]{{5,2000}}(?:\.[\w-]{{0,2000}}){{1,2}}                                     # a JWT
    | \{{?{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\}}?
    | \[?(?<![\w:])(?=[0-9a-fA-F:]*::|(?:{_HEX}{{1,4}}:){{4}})(?:{_HEX}{{0,4}}:){{2,9}}{_HEX}{{1,5}}(?:%\w{{1,10}})?
      (?:\]:\d{{1,5}})?(?!\w)                                                          # IPv6
    | (?<!\d)\d{{4}}[-/.]\d\d[-/.]\d\d(?:T\d\d:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?)?(?:Z|[+-]\d\d:?\d\d)?
    | (?<![\w.])\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}(?![.\d])
    | (?<![\w:])\d{{1,2}}:\d\d(?::\d\d)?(?:[.,]\d{{1,9}})?(?:Z|[+-]\d\d:?\d\d)?(?![:\w])
    | (?<![\w.])\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}\.\d{{1,3}}(?::\d{{1,5}}|/\d{{1,2}})?(?![.\d])
    | \d[xX]{_HEX}+
    | (?<![A-Za-z0-9+/])(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{{32,}}={{0,2}}(?![\w.-])           # base64
    | (?<![\w.])(?:[A-Za-z]:)?(?:[\\/]{{1,2}}[\w.@%+~-]+){{2,40}}[\\/]?                   # a path
    | (?:\w[\w.-]{{0,80}}/){{2,20}}[\w.%-]+
    | (?<![\w.@-])(?:[A-Za-z0-9_][A-Za-z0-9_-]{{0,62}}\.){{1,8}}(?:{_TLD})(?::\d{{1,5}})?(?![\w-]|\.\w)
    | (?<![\w.-])(?:[A-Za-z0-9_][A-Za-z0-9_-]{{0,62}}\.){{1,8}}[A-Za-z]{{2,18}}:\d{{2,5}}(?!\w)  # a host and its port
    | (?<![\w.-])[A-Za-z][A-Za-z0-9-]{{0,62}}:\d{{2,5}}(?!\w)
    | (?<![A-Za-z0-9])(?=[a-zA-Z]*\d){_HEX}{{7,}}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])(?=[A-Za-z_-]*\d)[\w-]{{16,}}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])[A-Za-z0-9]*(?:[A-Za-z]\d+){{3,}}[A-Za-z0-9]*(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])[$€£¥]?[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?:{_UNITS})?(?![A-Za-z0-9])
    | (?<=[A-Za-z])\d{{3,}}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])(?<=[vV])\d+(?:\.\d+)+
    """,
    re.VERBOSE | re.ASCII,
)
# The most usual ids, which need no search: each of these is also one of the places above.
_is_id = re.compile(
    rf"[+-]?\d+(?:[.,:/-]\d+)*(?:{_UNITS})?|(?=[a-zA-Z]*\d){_HEX}{{7,}}|(?=[A-Za-z_-]*\d)[\w-]{{16,}}"
    rf"|(?:[A-Za-z0-9_][A-Za-z0-9_-]{{0,62}}\.){{1,8}}(?:{_TLD})(?::\d{{1,5}})?|(?:/[\w.@%+~-]+){{2,40}}"
    r"|(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{32,}={0,2}",
    re.ASCII,
).fullmatch
#: Characters of the longest name or code with digits.
_LONGEST_NAMED = 24


@lru_cache(maxsize=16_384)
def word_of(word: str) -> Word:
    """Return what is known of a word.

    Examples
    --------
    >>> [unkept(word_of(word).masked) for word in ("order-4711,", "id=42", "utf8", "status=503")]
    ['order-<n>,', 'id=<n>', 'utf8', 'status=503']
    """
    if not _SPECIAL(word):
        return Word(word, _flags(word))
    core = word.strip(_EDGES)
    flags = DIGIT if _DIGIT(word) else 0
    if core.isdigit():
        flags |= THREE if len(word) == 3 else 0
        flags |= SHORT if len(core) <= 5 else 0
        return Word(word.replace(core, ID) if not _NAMED.search(word) else kept(word), flags)
    if _is_code(core):
        flags |= SHORT
    return Word(_masked(word, core), flags | _flags(word))


def _masked(word: str, core: str) -> str:
    if core and _is_id(core) and (len(core) > _LONGEST_NAMED or not _NAMED.search(core)):
        return word.replace(core, ID, 1)
    return _PLACES.sub(ID, _NAMED.sub(lambda match: kept(match.group()), word))


def _flags(word: str) -> int:
    core = word.strip(_EDGES)
    if not core:
        return LINK if word in LINKS else 0
    low = core.lower()
    if word.startswith(_ADDRESS):
        return ADDRESS
    flags = LAST if word[-1] in _ENDS and not (word[-1] == "." and len(core) == 1) else 0
    if low in CODE_WORDS and not (word[-1] == ":" and low in BARE_CODE_WORDS):
        flags |= CODE
    if low in STATUS_WORDS:
        flags |= STATUS
    if low in ID_NOUNS:
        flags |= NOUN
    if low in LINKS:
        flags |= LINK
    if low in PARTICLES and core.islower():
        flags |= PARTICLE
    if low in PERSON_NOUNS:
        flags |= PERSON
    if low in TITLES:
        flags |= TITLE
    if _is_capital(core) and word[0] not in "([{<":
        flags |= CAPITAL
        if core in FIRST_NAMES or core.partition("-")[0] in FIRST_NAMES:
            flags |= FIRST
        if core in NO_NAMES:
            flags |= NO_NAME
    return flags


_NAME_IDS = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![A-Za-z0-9])(?=[a-fA-F]*\d)[0-9a-fA-F]{7,}(?![A-Za-z0-9])|\d{5,}|(?<=[-/:])\d+(?![\w.])",
    re.ASCII,
)


def mask_name(name: str) -> str:
    """Return the name of a class with placeholders for what varies."""
    return _NAME_IDS.sub(ID, name)
