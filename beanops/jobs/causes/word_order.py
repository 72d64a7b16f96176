"""What words of a message say of each other: codes behind a word for a code, ids behind a noun, names of people."""

from __future__ import annotations

from collections.abc import Sequence

from beanops.jobs.causes.tokens import (
    ADDRESS,
    CAPITAL,
    CODE,
    DIGIT,
    FIRST,
    ID,
    KEPT,
    LAST,
    LINK,
    NO_NAME,
    NOUN,
    PARTICLE,
    PERSON,
    SHORT,
    STATUS,
    TELLING,
    THREE,
    TITLE,
    Word,
)

#: The first of the characters that stand for words.
_MARKS = KEPT.stop - 400
#: Characters of a message in which digits are looked at.
BEGINNING = 6
#: Words of a name.
_NAME = 5
_EDGES = "()[]{}<>\"'`,;:.!?=#«»“”„"


def mark_of(number: int) -> str:
    """Return what stands for a word that stays as it is; no message has it."""
    return chr(_MARKS + number)


def joined(found: Sequence[Word], words: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """Return the words of a message as they are masked in this order, and the places of those that have marks.

    Parameters
    ----------
    found : sequence of Word
        What is known of each word by itself.
    words : sequence of str
        The words.
    """
    flags = 0
    for word in found:
        flags |= word.flags
    if not flags & TELLING:
        return " ".join([word.masked for word in found]), ()
    shown, places = _in_order(found, words)
    return " ".join(shown), tuple(places)


def _in_order(found: Sequence[Word], words: Sequence[str]) -> tuple[list[str], list[int]]:
    shown: list[str] = []
    stay: list[int] = []
    # What the word before says, also through words such as "id" and "is".
    before = place = 0
    while place < len(found):
        masked, flags = found[place]
        end = place + 1
        if flags & ADDRESS:
            _drop_name(shown, found, place)
        elif flags & DIGIT:
            if flags & SHORT and (before & CODE or _is_status(found, words, place, before)):
                masked = mark_of(len(stay))
                stay.append(place)
            elif before & NOUN:
                masked = _around(words[place])
        elif flags & CAPITAL and (flags & FIRST or before & (PERSON | TITLE)):
            end = _end_of_name(found, place, before, lower=place > 0 and words[place - 1].islower())
            if end > place:
                masked = _around(words[end - 1])
            end = max(end, place + 1)
        shown.append(masked)
        before = found[end - 1].flags | (before if flags & LINK else 0)
        place = end
    return shown, stay


def _is_status(found: Sequence[Word], words: Sequence[str], place: int, before: int) -> bool:
    """Whether a number is that of a status: at the beginning of a message, or beside its words."""
    word = words[place]
    if found[place].flags & THREE and place + 1 < len(found) and found[place + 1].flags & CAPITAL:
        return True
    core = word.strip(_EDGES)
    if len(core) != 3:
        return False
    # The beginning is not folded by `Normaliser`, which allows to look at the digit.
    if place == 0 and len(word) <= BEGINNING:
        return core[0] in "45"
    return word[0] == "(" and bool(before & STATUS)


def _around(word: str) -> str:
    """Return the placeholder with the punctuation of a word."""
    core = word.strip(_EDGES)
    return word.replace(core, ID, 1) if core else word


def _end_of_name(found: Sequence[Word], start: int, before: int, *, lower: bool) -> int:
    """Return the place after the name of a person, or the start where there is none.

    Parameters
    ----------
    found : sequence of Word
        The words.
    start : int
        The place of a capitalized word.
    before : int
        What the word before says.
    lower : bool
        Whether that word is in lower case: then a single word is a name behind it, as in "customer Smith".
    """
    names, end = 0, start
    while end < len(found) and end - start < _NAME:
        flags = found[end].flags
        if flags & CAPITAL and not flags & NO_NAME:
            names += 1
        elif not (names and flags & PARTICLE and end + 1 < len(found) and found[end + 1].flags & CAPITAL):
            break
        end += 1
        if flags & LAST:
            break
    is_first = found[start].flags & FIRST
    if names > 1:
        return end
    single = before & TITLE or (before & PERSON and (lower or is_first))
    return end if names and single else start


def _drop_name(shown: list[str], found: Sequence[Word], place: int) -> None:
    """Drop the name in front of an address in angle brackets."""
    for number in range(1, min(_NAME, place, len(shown)) + 1):
        if not found[place - number].flags & (CAPITAL | PARTICLE) or shown[-1] == ID:
            break
        shown.pop()
