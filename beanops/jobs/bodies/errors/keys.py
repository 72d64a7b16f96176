"""Which keys of an object tell of an error, by the frameworks and formats that write them.

Keys are compared in lower case and without separators: ``errorMessage``, ``error_message`` and ``error.message`` are
one. In each list the most informative come first.
"""

from __future__ import annotations

from typing import NamedTuple

from beanops.jobs.bodies.memo import Memo, is_short


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Hold an error, as an object, a list or a text.
_HOLDERS = _names(
    "exception error lasterror lastexception errors err failure exc exceptioninfo errorinfo lastfailure errordetails "
    "exceptionexecutions fault xdeath"
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
#: Hold a message, or a reason, if something beside them says that it is one of an error.
_WEAK_TEXTS = _names("message msg reason detail errors description")
#: Say so, if there is a value; if the value is a word for a failure; if it is false.
_EVIDENCE = frozenset((*_CLASSES, *_TEXTS, *_names("trace backtrace stack failedat failed isfailed haserror iserror")))
_STATES = frozenset(_names("status state level severity outcome result loglevel"))
_FLAGS = frozenset(_names("success ok successful succeeded"))

# Within an object that is an error.
_INNER_CLASSES = _names(
    "class type exceptionclass exceptiontype errtype errorclass errortype exctype name errorname kind"
)
_CODES = _names("code errorcode status statuscode")
_INNER_TEXTS = _names(
    "message msg exceptionmessage errormessage errmsg errormsg excmessage faultstring reason detail details "
    "description errordescription text value error exception title stack stacktrace traceback"
)
_INNER_HOLDERS = _names("values error errors exception failure message detail")
_CAUSES = _names("previous cause innerexception rootcause causedby inner")

_TELLING = frozenset((*_HOLDERS, *_TEXTS, *_CLASSES, *_WEAK_TEXTS))
_READ = _TELLING.union(_INNER_TEXTS)
_SEPARATORS = str.maketrans("", "", "_-. @$")
#: Keys of an object that are looked at, and characters of the longest.
_MOST, _LONGEST = 64, 64


class Roles(NamedTuple):
    """The keys of an object by what they may hold, the most informative first.

    Attributes
    ----------
    tells : bool
        Whether one of them may tell of an error, if the object is not known to be one.
    holders, inner_holders : tuple of (str, str)
        The plain form and the key of each that may hold an error.
    texts, classes, weak_texts, evidence, states, flags : tuple of str
        Keys of the object beside which an error is.
    inner_classes, codes, inner_texts, causes : tuple of str
        Keys of an object that is an error.
    title, status, detail : str
        Those of problem+json, empty where they are missing.
    read : tuple of str
        All keys whose values may become part of an error.
    """

    tells: bool
    holders: tuple[tuple[str, str], ...]
    inner_holders: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    classes: tuple[str, ...]
    weak_texts: tuple[str, ...]
    evidence: tuple[str, ...]
    states: tuple[str, ...]
    flags: tuple[str, ...]
    inner_classes: tuple[str, ...]
    codes: tuple[str, ...]
    inner_texts: tuple[str, ...]
    causes: tuple[str, ...]
    title: str
    status: str
    detail: str
    read: tuple[str, ...]


_KNOWN: Memo[tuple[str, ...], Roles] = Memo(2048)


def roles_of(keys: tuple[str, ...]) -> Roles:
    """Return the roles of the keys of an object, which repeat from job to job.

    Examples
    --------
    >>> roles_of(("id", "error_class", "errorMessage")).classes
    ('error_class',)
    """
    known = _KNOWN.get(keys)
    if known is None:
        known = _roles(keys[:_MOST])
        if is_short(keys):
            _KNOWN.keep(keys, known)
    return known


def _roles(keys: tuple[str, ...]) -> Roles:
    plain: dict[str, str] = {}
    for key in keys:
        if len(key) <= _LONGEST:
            plain.setdefault(key.translate(_SEPARATORS).lower(), key)

    def present(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(plain[name] for name in names if name in plain)

    def pairs(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, plain[name]) for name in names if name in plain)

    def among(names: frozenset[str]) -> tuple[str, ...]:
        return tuple(key for name, key in plain.items() if name in names)

    title, status, detail = (plain.get(name, "") for name in ("title", "status", "detail"))
    return Roles(
        tells=not _TELLING.isdisjoint(plain) or bool(title and status),
        holders=pairs(_HOLDERS),
        inner_holders=pairs(_INNER_HOLDERS),
        texts=present(_TEXTS),
        classes=present(_CLASSES),
        weak_texts=present(_WEAK_TEXTS),
        evidence=among(_EVIDENCE),
        states=among(_STATES),
        flags=among(_FLAGS),
        inner_classes=present(_INNER_CLASSES),
        codes=present(_CODES),
        inner_texts=present(_INNER_TEXTS),
        causes=present(_CAUSES),
        title=title,
        status=status,
        detail=detail,
        read=tuple(key for name, key in plain.items() if name in _READ),
    )
