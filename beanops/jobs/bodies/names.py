"""`Names`: which names are those of secrets, by patterns, alone and within a text.

What is done with their values is in `redaction` and `texts`.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from beanops.protocol.errors import ArgumentError

_WORD = re.compile(r"[\w.-]+")
# What PHP puts before a property's name: its class, or a star.
_QUALIFIED = re.compile(r"\A.*(?:\0|::)", re.DOTALL)
#: Maximum characters of a name whose parts are compared too.
_LONGEST = 256
#: Words that one name can consist of in a text, as in "api key".
_WORDS = 3
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


class Names:
    """The names that patterns match.

    Parameters
    ----------
    patterns : tuple of str
        As in `beanops.redact`.

    Raises
    ------
    ArgumentError
        A pattern is no regular expression, or is empty.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        matching = [_expression(pattern) for pattern in patterns]
        self._match = _any(matching)
        # A regular expression has to match the whole name, a glob also matches a part of it.
        self._part = _any(one for one, pattern in zip(matching, patterns, strict=True) if not _is_expression(pattern))
        cores = [_core(pattern) for pattern in patterns]
        self._anywhere = _any(core for core in cores if core)
        # A regular expression cannot be searched for within a text, only compared with its words.
        self._unsure = None in cores
        # Keys repeat from job to job.
        self.secret = lru_cache(maxsize=4096)(self._secret)
        self._word = lru_cache(maxsize=4096)(self._means)

    def _secret(self, name: str) -> bool:
        """Whether a key names a secret, by itself or in a part: ``user[token]``, ``db.password``, ``Class::token``."""
        name = plain(name)
        if self._match(name) or self._match(_QUALIFIED.sub("", name)):
            return True
        return len(name) <= _LONGEST and any(map(self._word, _WORD.findall(name)))

    def _means(self, word: str) -> bool:
        return bool(self._match(word)) or any(map(self._part, _parts(word)))

    def may_be_in(self, text: str) -> bool:
        """Quickly check whether a text may contain the name of a secret."""
        return self._unsure or bool(self._anywhere(text))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the positions of names of secrets in a text."""
        if not self.may_be_in(text):
            return
        words: list[tuple[int, int]] = []
        for match in _WORD.finditer(text):
            if self._word(match.group()):
                words.clear()
                yield match.span()
                continue
            # Words with one character between them may be one name: "api key", "api+key".
            if words and match.start() - words[-1][1] != 1:
                words.clear()
            words = [*words[1 - _WORDS :], match.span()]
            for start, _ in words[:-1]:
                if self._match(text[start : match.end()]):
                    yield start, match.end()
                    break


def plain(text: str) -> str:
    """Return a text with full-width letters as usual ones, and without invisible characters."""
    return text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _parts(word: str) -> Iterator[str]:
    """Yield the parts of a word: ``--password``, ``db.password``, ``x-api-key``."""
    if len(word) > _LONGEST:
        return
    for piece in word.split("."):
        while piece:
            yield piece
            _, _, piece = piece.partition("-")


def _any(expressions: Iterable[str]) -> Callable[[str], object]:
    return re.compile("|".join(expressions) or "(?!)", re.IGNORECASE).search


def _expression(pattern: str) -> str:
    if not isinstance(pattern, str) or not pattern:
        raise ArgumentError("pattern", pattern, "a glob such as '*token*' or a regular expression such as '/^card/'")
    if not _is_expression(pattern):
        return rf"\A{fnmatch.translate(pattern)}"
    try:
        re.compile(pattern[1:-1])
    except re.error as error:
        raise ArgumentError("pattern", pattern, f"a regular expression between the slashes ({error})") from None
    return f"(?:{pattern[1:-1]})"


def _is_expression(pattern: str) -> bool:
    return len(pattern) > 2 and pattern[0] == pattern[-1] == "/"


def _core(pattern: str) -> str | None:
    """Return a part that every text with a name of the glob contains; None for a regular expression and ``*``."""
    longest = max(pattern.split("*"), key=len)
    if _is_expression(pattern) or not longest:
        return None
    return fnmatch.translate(longest).removesuffix(r"\z").removesuffix(r"\Z")
