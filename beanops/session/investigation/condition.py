"""`Condition`: a condition on counts, such as ``ready = 0 and reserved = 0``, for `wait` and `canary`.

It has the operators of SQL on a handful of numbers. An engine for SQL would take a quarter of a second to start.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, NoReturn

from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean, safe_text

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?%?)|(?P<name>[a-z_]\w*)|(?P<sign><>|[<>!=]=|[-+*/()<>=]))", re.I)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub}
_PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {"*": operator.mul, "/": operator.truediv}
_WORDS = ("and", "or", "not")
#: Maximum number of words and signs, and how deep they may be nested.
_LONGEST, _DEEPEST = 200, 50
#: Characters of a text that a message repeats.
_SHOWN = 60

#: Values by name.
Values = Mapping[str, float]
#: What a part of a condition is for some values: None is unknown, such as what was divided by 0.
_Evaluate = Callable[[Values], Any]


class ConditionError(UsageError):
    """A text is no condition; the message says what is wrong with it."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"condition {_quoted(text)}: {why}")
        self.why = why


class _Part(NamedTuple):
    """A part of a condition: whether it is a comparison or joins some, rather than a number; and how to evaluate it."""

    is_true_or_false: bool
    of: _Evaluate


class Condition:
    """A condition on counts.

    Comparisons ``= <> < <= > >=`` of numbers, names and what ``+ - * /`` and parentheses make of them, joined by
    ``and``, ``or`` and ``not``. ``1%`` is 0.01.

    Parameters
    ----------
    text : str
        The condition.
    known : collection of str
        The names that it may have.

    Attributes
    ----------
    text : str
        As given.
    names : frozenset of str
        The names that it reads.

    Raises
    ------
    ConditionError
        The text is no condition.

    Examples
    --------
    >>> few = Condition("buried / jobs < 1%", ["buried", "jobs"])
    >>> few.judge({"buried": 2, "jobs": 100}), few.judge({"buried": 0, "jobs": 100})
    (False, True)
    """

    def __init__(self, text: str, known: Collection[str]) -> None:
        if not isinstance(text, str):
            raise ConditionError(repr(text), "it is no text")
        self.text = text.strip()
        self._known = known
        self._tokens = self._split(text)
        self._place = 0
        self._depth = 0
        self._read: set[str] = set()
        whole = self._or()
        if self._token:
            hint = "; join comparisons with and, or" if self._token[0].isalnum() else ""
            self._fail(f"{_quoted(self._token)} was not expected{hint}")
        self._check_type(whole, True)
        self._whole = whole.of
        self.names = frozenset(self._read)

    def __repr__(self) -> str:
        return f"<Condition {safe_text(self.text)}>"

    def judge(self, values: Values) -> bool | None:
        """Return whether it is true; None if that is unknown, as for a division by 0."""
        found: bool | None = self._whole(values)
        return found

    # -- reading: each method reads the operators of one precedence ------------------------------------------------

    def _split(self, text: str) -> list[str]:
        tokens, place, rest = [], 0, text.rstrip()
        while place < len(rest):
            match = _TOKEN.match(rest, place)
            if match is None:
                raise ConditionError(text, f"{_quoted(rest[place:].strip()[:1])} was not expected")
            tokens.append(match[0].strip().lower())
            place = match.end()
            if len(tokens) > _LONGEST:
                raise ConditionError(text, f"it has more than {_LONGEST} words and signs")
        return tokens

    @property
    def _token(self) -> str:
        """The next token, empty at the end."""
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        """Return the next token and go on, if it is one of those; otherwise return an empty text."""
        token = self._token
        if token in wanted:
            self._place += 1
            return token
        return ""

    def _or(self) -> _Part:
        part = self._and()
        while self._take("or"):
            part = _either(self._check_type(part, True), self._check_type(self._and(), True))
        return part

    def _and(self) -> _Part:
        part = self._not()
        while self._take("and"):
            part = _both(self._check_type(part, True), self._check_type(self._not(), True))
        return part

    def _not(self) -> _Part:
        if not self._take("not"):
            return self._comparison()
        self._deepen(1)
        part = self._check_type(self._not(), True)
        self._deepen(-1)
        return _Part(True, lambda values: None if (found := part.of(values)) is None else not found)

    def _comparison(self) -> _Part:
        left = self._sum()
        sign = self._take(*_COMPARISONS)
        if not sign:
            return left
        right = self._check_type(self._sum(), False)
        if self._token in _COMPARISONS:
            self._fail(f"join comparisons with and: {_quoted(self._token)} was not expected")
        return _Part(True, _applied(_COMPARISONS[sign], self._check_type(left, False).of, right.of))

    def _sum(self) -> _Part:
        return self._chain(self._product, _SUMS)

    def _product(self) -> _Part:
        return self._chain(self._signed, _PRODUCTS)

    def _chain(self, operand: Callable[[], _Part], operators: Mapping[str, Callable[[Any, Any], Any]]) -> _Part:
        part = operand()
        while sign := self._take(*operators):
            left, right = self._check_type(part, False), self._check_type(operand(), False)
            part = _Part(False, _applied(operators[sign], left.of, right.of))
        return part

    def _signed(self) -> _Part:
        if not self._take("-"):
            return self._operand()
        self._deepen(1)
        part = self._check_type(self._signed(), False)
        self._deepen(-1)
        return _Part(False, lambda values: None if (found := part.of(values)) is None else -found)

    def _operand(self) -> _Part:
        token = self._token
        if self._take("("):
            self._deepen(1)
            part = self._or()
            self._deepen(-1)
            if not self._take(")"):
                self._fail("a closing parenthesis is missing")
            return part
        if token[:1].isdigit():
            self._place += 1
            number = float(token.removesuffix("%")) / (100 if token.endswith("%") else 1)
            return _Part(False, lambda values: number)
        if not token:
            self._fail("a name or a number is missing at the end" if self._tokens else "it is empty")
        if not token[0].isidentifier() or token in _WORDS:
            self._fail(f"a name or a number is missing before {_quoted(token)}")
        if token not in self._known:
            names = f"the names are {', '.join(self._known)}"
            self._fail(f"unknown name {_quoted(token)}{did_you_mean(token, self._known) or f'; {names}'}")
        self._place += 1
        self._read.add(token)
        return _Part(False, lambda values: values[token])

    def _check_type(self, part: _Part, true_or_false: bool) -> _Part:
        if part.is_true_or_false != true_or_false:
            self._fail(
                "a number is no condition; write a comparison such as buried = 0"
                if true_or_false
                else "a comparison is no number to calculate with"
            )
        return part

    def _deepen(self, levels: int) -> None:
        self._depth += levels
        if self._depth > _DEEPEST:
            self._fail("it is nested too deeply")

    def _fail(self, why: str) -> NoReturn:
        raise ConditionError(self.text, why)


def _quoted(text: str) -> str:
    return repr(safe_text(text, limit=_SHOWN))


def _applied(operation: Callable[[Any, Any], Any], left: _Evaluate, right: _Evaluate) -> _Evaluate:
    """Return how to apply an operation to two numbers."""

    def evaluate(values: Values) -> Any:
        one, other = left(values), right(values)
        if one is None or other is None:
            return None
        try:
            return operation(one, other)
        except ZeroDivisionError:
            return None

    return evaluate


def _both(left: _Part, right: _Part) -> _Part:
    def evaluate(values: Values) -> bool | None:
        found = left.of(values), right.of(values)
        return False if False in found else None if None in found else True

    return _Part(True, evaluate)


def _either(left: _Part, right: _Part) -> _Part:
    def evaluate(values: Values) -> bool | None:
        found = left.of(values), right.of(values)
        return True if True in found else None if None in found else False

    return _Part(True, evaluate)
