"""Python pickles, disassembled with `pickletools` into plain data; nothing is imported, called or loaded.

A pickle is a program. Here its stack is followed with names in the place of functions, so that a call
reads as ``{"$class": "os.system", "$args": ["..."]}`` and stays one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beanops.jobs.bodies.budget import Budget, TooMuch


class Pairs(list[tuple[Any, Any]]):
    """A mapping as its pairs, for keys need not be hashable here."""


def read_pickle(body: bytes, budget: Budget) -> Any:
    """Read a pickle of any protocol; None when `body` is none.

    Protocols 0 and 1 have no header: there a container that is remembered for later (pickle always
    does that) tells a pickle from text such as ``(see below).``.
    """
    if body[-1:] != b"." or body[:1] not in b"\x80(]}c" or len(body) < 4:
        return None
    if body[0] == 0x80 and not 2 <= body[1] <= 5:
        return None
    import pickletools

    machine = _Machine()
    end = 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(body)):
            if count >= budget.values:
                raise TooMuch("more instructions than are allowed")
            machine.run(opcode.name, argument)
            end = position or 0
    except TooMuch:
        raise
    except Exception:  # pickletools and a stack that runs empty have a dozen ways to say that it is no pickle
        return None
    if end != len(body) - 1 or not (machine.memo or body[0] == 0x80):
        return None
    return machine.result


def _call(function: Any, arguments: Any) -> Any:
    name = function["$class"] if isinstance(function, dict) and "$class" in function else function
    if name == "_codecs.encode" and isinstance(arguments, list) and arguments[1:] == ["latin1"]:
        # How protocols 0 to 2 write bytes.
        return arguments[0].encode("latin-1")
    call = {"$class": name}
    if arguments != []:
        call["$args"] = arguments
    return call


def _build(target: Any, state: Any) -> None:
    if isinstance(target, dict):
        target["$state"] = state


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, Pairs):  # only a damaged pickle adds items to a dict
        target.append(("$items", items))
    elif isinstance(target, list):
        target.extend(items)
    else:
        target.setdefault("$items", []).extend(items)


def _set(target: Any, items: list[Any]) -> None:
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, Pairs):
        target.extend(pairs)
    else:
        target.setdefault("$items", Pairs()).extend(pairs)


_VALUES: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_ARGUMENTS = frozenset((*_NUMBERS, *_TEXTS, *_BYTES))
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_TUPLE": list, "EMPTY_SET": list, "EMPTY_DICT": Pairs}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = frozenset(("PROTO", "FRAME", "READONLY_BUFFER"))


class _Machine:
    """The pickle machine without any calls: a stack, the marked stacks below it, and the memo."""

    def __init__(self) -> None:
        self.memo: dict[int, Any] = {}
        self.result: Any = None
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []

    def _marked(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def run(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _ARGUMENTS:
            stack.append(argument)
        elif name in _VALUES:
            stack.append(_VALUES[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            stack.append(self._pop(_TUPLES[name]))
        elif name == "MARK":
            self._below.append(stack)
            self._stack = []
        elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[len(self.memo) if argument is None else argument] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name not in _IGNORED:
            _OPERATIONS[name](self, argument)

    def _pop(self, count: int) -> list[Any]:
        return [self._stack.pop() for _ in range(count)][::-1]

    def _stop(self, _: Any) -> None:
        self.result = self._stack.pop()

    def _global(self, argument: str | None) -> None:
        name = ".".join(self._pop(2)) if argument is None else argument.replace(" ", ".")
        self._stack.append({"$class": name})

    def _reduce(self, _: Any) -> None:
        function, arguments = self._pop(2)
        self._stack.append(_call(function, arguments))

    def _newobj_ex(self, _: Any) -> None:
        kind, arguments, named = self._pop(3)
        self._stack.append(_call(kind, [*arguments, named]))

    def _inst(self, argument: str) -> None:
        arguments = self._marked()
        self._stack.append(_call(argument.replace(" ", "."), arguments))

    def _obj(self, _: Any) -> None:
        kind, *arguments = self._marked()
        self._stack.append(_call(kind, arguments))

    def _build(self, _: Any) -> None:
        state = self._stack.pop()
        _build(self._stack[-1], state)

    def _append(self, _: Any) -> None:
        item = self._stack.pop()
        _extend(self._stack[-1], [item])

    def _extend(self, _: Any) -> None:
        items = self._marked()
        _extend(self._stack[-1], items)

    def _setitem(self, _: Any) -> None:
        pair = self._pop(2)
        _set(self._stack[-1], pair)

    def _setitems(self, _: Any) -> None:
        items = self._marked()
        _set(self._stack[-1], items)

    def _sequence(self, _: Any) -> None:
        items = self._marked()
        self._stack.append(items)

    def _dict(self, _: Any) -> None:
        items = self._marked()
        pairs = Pairs()
        _set(pairs, items)
        self._stack.append(pairs)

    def _discard(self, _: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._marked()

    def _outside(self, argument: Any) -> None:
        """Return the replacement for what is outside the pickle: persistent ids, registered extensions, buffers."""
        self._stack.append({"$outside": argument})

    def _binpersid(self, _: Any) -> None:
        self._outside(self._stack.pop())

    def _pop_mark(self, _: Any) -> None:
        self._marked()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])


_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "STOP": _Machine._stop,
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._global,
    "REDUCE": _Machine._reduce,
    "NEWOBJ": _Machine._reduce,
    "NEWOBJ_EX": _Machine._newobj_ex,
    "INST": _Machine._inst,
    "OBJ": _Machine._obj,
    "BUILD": _Machine._build,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._extend,
    "ADDITEMS": _Machine._extend,
    "SETITEM": _Machine._setitem,
    "SETITEMS": _Machine._setitems,
    "LIST": _Machine._sequence,
    "TUPLE": _Machine._sequence,
    "FROZENSET": _Machine._sequence,
    "DICT": _Machine._dict,
    "POP": _Machine._discard,
    "POP_MARK": _Machine._pop_mark,
    "DUP": _Machine._dup,
    "PERSID": _Machine._outside,
    "BINPERSID": _Machine._binpersid,
    "EXT1": _Machine._outside,
    "EXT2": _Machine._outside,
    "EXT4": _Machine._outside,
    "NEXT_BUFFER": _Machine._outside,
}
