"""Errors for unknown keywords that name the allowed ones, which Python's own error does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)


class UnknownKeyword(UsageError, TypeError):
    """A method was called with a keyword that it does not take, or without one that it needs; nothing was sent."""


def explain_keywords(cls: C) -> C:
    """Decorate a class so that each public method names its keywords, and similar ones, if one is unknown."""
    for name, method in list(vars(cls).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(cls, name, explained(method))
    return cls


def explained(function: F) -> F:
    """Decorate a function so that it names its keywords if it is called with an unknown one, or without any.

    Where it takes ``**options: Unpack[Options]``, the keywords of the TypedDict ``Options`` are its keywords.
    """
    plain = cast(FunctionType, inspect.unwrap(function))
    known = _keywords_of(plain)
    code = plain.__code__
    most = None if code.co_flags & inspect.CO_VARARGS else code.co_argcount
    named = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]

    @wraps(function)
    def checked(*arguments: Any, **keywords: Any) -> Any:
        if most is not None and len(arguments) > most and named:
            forms = ", ".join(f"{name}=..." for name in named)
            raise UnknownKeyword(f"{function.__name__}() takes further arguments by keyword: {forms}")
        if not keywords.keys() <= known:
            wrong = min(keywords.keys() - known)
            allowed = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            name = function.__name__
            raise UnknownKeyword(f"{name}() got an unknown keyword {wrong!r}; {allowed}{did_you_mean(wrong, known)}")
        return function(*arguments, **keywords)

    return cast(F, checked)


def _keywords_of(function: FunctionType) -> frozenset[str]:
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = {*code.co_varnames[code.co_posonlyargcount : count]} - {"self"}
    if code.co_flags & inspect.CO_VARKEYWORDS:
        options = code.co_varnames[count + bool(code.co_flags & inspect.CO_VARARGS)]
        # Annotations are text, so that types that only type checkers need are not imported.
        typed = function.__annotations__[options].removeprefix("Unpack[").removesuffix("]")
        names |= function.__globals__[typed].__annotations__.keys()
    return frozenset(names)
