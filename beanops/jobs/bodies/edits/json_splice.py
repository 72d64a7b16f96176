"""Replace, insert and remove values in a text of JSON; all other characters stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset
from beanops.jobs.bodies.edits.json_style import JsonStyle, plain_text, style_of
from beanops.jobs.bodies.edits.places import appended, only, places_of, value_to_add
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.paths import Steps

#: Edits a text that is a layer of its own, by its content, the changes within and the path to it.
Deeper = Callable[[bytes, Tree, Steps], bytes]

_blanks = re.compile(r"[ \t\n\r]*").match
_SPACE, _SIMPLE = r"[ \t\n\r]*+", r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][0-9.eE+-]*+|true|false|null'
# A key, its colon, and its value if that is a simple one, with the comma behind it.
_member = re.compile(
    rf'("[^"\\]*+(?:\\.[^"\\]*+)*+"){_SPACE}:{_SPACE}(?:({_SIMPLE})({_SPACE},{_SPACE})?+)?+', re.DOTALL
).match
_item = re.compile(rf"({_SIMPLE})({_SPACE},{_SPACE})?+", re.DOTALL).match
_comma = re.compile(rf"{_SPACE},{_SPACE}").match
# Numbers as they are written: 1.0 and 1 are two values, and so are 1e400 and 1e401.
_scan = json.JSONDecoder(parse_float=lambda digits: _Digits(digits), strict=True).raw_decode


class _Digits(str):
    """A float as it is written."""


class JsonSplicer:
    """The splices of one text of JSON.

    Parameters
    ----------
    text : str
        The JSON, without what is before and after it.
    deeper : callable
        Edits a string that is a layer.
    ascii : bool
        Whether new texts must be ASCII.

    Attributes
    ----------
    effects : list
        The raw values that are to be different after the splices: ``(path, value, removed)``.
    replaces_text : bool
        Whether an object or a list takes the place of a text, which may have been a layer.
    """

    def __init__(self, text: str, deeper: Deeper, *, ascii: bool = False) -> None:
        self._text = text
        self._ascii = ascii
        self._deeper = deeper
        self._splices: list[tuple[int, int, str]] = []
        self._style: JsonStyle | None = None
        self.effects: list[tuple[Steps, Any, bool]] = []
        self.replaces_text = False

    def apply(self, tree: Tree | Change, path: Steps = ()) -> str:
        """Return the text with changes applied.

        Raises
        ------
        EditRefused
            They cannot be applied.
        """
        try:
            if isinstance(tree, Change):
                self._set(0, path, tree)
            else:
                self._walk(0, tree, path)
        except (ValueError, IndexError) as error:
            # Python refuses to read numbers of more than 4,300 digits.
            reason = "a number is too long" if "digits" in str(error) else "the JSON is damaged"
            raise EditRefused(reason) from None
        except RecursionError:
            raise EditRefused("nested too deep") from None
        if not self._splices:
            return self._text
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(self._splices):
            parts += (self._text[done:start], new)
            done = end
        return "".join((*parts, self._text[done:]))

    def _skip(self, at: int) -> int:
        return at if self._text[at] not in " \t\n\r" else _blanks(self._text, at).end()  # type: ignore[union-attr]

    def _walk(self, at: int, tree: Tree, path: Steps) -> int:
        """Apply changes within the value at a position; return where it ends."""
        first = self._text[at]
        if first == "{":
            return self._object(at, tree, path)
        if first == "[":
            return self._list(at, tree, path)
        value, end = _scan(self._text, at)
        if type(value) is not str:
            if is_unset(tree):
                return end
            raise refused_at(path, "a value without parts")
        new = self._deeper(_utf8(value, path), tree, path).decode()
        if new != value:
            self._splice(at, end, self._style_here().write(new))
            self.effects.append((path, new, False))
        return end

    def _set(self, at: int, path: Steps, change: Change) -> int:
        """Set the value at a position; return where the old one ends."""
        old, end = _scan(self._text, at)
        if not _same(old, change.value):
            self.replaces_text |= type(old) is str and type(change.value) in (dict, list)
            self._splice(at, end, self._written(change.value, at))
            self.effects.append((path, change.value, False))
        return end

    def _splice(self, start: int, end: int, new: str) -> None:
        self._splices.append((start, end, new))

    def _object(self, at: int, tree: Tree, path: Steps) -> int:
        text = self._text
        tree = only(str, tree, path, "an object, not a list")
        start, at = at, self._skip(at + 1)
        seen: set[str] = set()
        # Where keys and values begin and end, and which are to be removed.
        members: list[tuple[int, int, int, int]] = []
        gone: list[int] = []
        while match := _member(text, at):
            value_at, value_end = match.span(2)
            if value_at < 0:
                value_at = value_end = match.end()
            key = text[at + 1 : match.end(1) - 1] if "\\" not in match[1] else _scan(text, at)[0]
            change = tree.get(key)
            if change is None:
                end = value_end if match[2] else _scan(text, value_at)[1]
            elif key in seen:
                raise refused_at((*path, key), "the object has two values under this key")
            else:
                seen.add(key)
                end = self._value(value_at, change, (*path, key))
                if isinstance(change, Change) and change.unset:
                    gone.append(len(members))
                    self.effects.append(((*path, key), None, True))
            members.append((at, match.end(1), value_at, end))
            at = self._next(match, 3, end)
            if at < 0:
                break
        at = self._closed(members[-1][3] if members else start + 1, "}")
        missing = [(str(key), tree[key]) for key in tree if key not in seen]
        added = [(key, value_to_add(change, (*path, key))) for key, change in missing if not is_unset(change)]
        if gone:
            self._remove([(member[0], member[3]) for member in members], gone, start, at, keep=bool(added))
        self._add_members(added, members, gone, start, at)
        self.effects += [((*path, key), value, False) for key, value in added]
        return at + 1

    def _list(self, at: int, tree: Tree, path: Steps) -> int:
        text = self._text
        tree = only(int, tree, path, "a list, not an object")
        start, at = at, self._skip(at + 1)
        # From the end: a negative index needs the length.
        places = places_of(tree, path, self._length(at) if any(int(index) < 0 for index in tree) else 0)
        items: list[tuple[int, int]] = []
        gone: list[int] = []
        while at >= 0 and text[at] != "]":
            number = len(items)
            change = places.pop(number, None)
            match = _item(text, at)
            if change is None:
                end = match.end(1) if match else _scan(text, at)[1]
            else:
                end = self._value(at, change, (*path, number))
                if isinstance(change, Change) and change.unset:
                    gone.append(number)
            items.append((at, end))
            at = self._next(match, 2, end)
        at = self._closed(items[-1][1] if items else start + 1, "]")
        # The last first, so that each index is right when its turn comes.
        self.effects += [((*path, number), None, True) for number in reversed(gone)]
        added = appended(places, path, len(items), shrinks=bool(gone))
        self.effects += [((*path, number), value, False) for number, value in added]
        if gone:
            self._remove(items, gone, start, at, keep=False)
        self._add_items([value for _, value in added], items, start, at)
        return at + 1

    def _value(self, at: int, change: Tree | Change, path: Steps) -> int:
        """Apply a change to the value at a position; return where the old one ends."""
        if not isinstance(change, Change):
            return self._walk(at, change, path)
        return _scan(self._text, at)[1] if change.unset else self._set(at, path, change)

    def _next(self, match: re.Match[str] | None, comma: int, end: int) -> int:
        """Return where the next element begins, which is behind a comma; a negative number if there is none."""
        if match and match[comma - 1]:
            return match.end(comma)
        behind = _comma(self._text, end)
        return behind.end() if behind else -1

    def _closed(self, end: int, bracket: str) -> int:
        """Return where a container ends, of which the last element ends at a position."""
        at = self._skip(end)
        if self._text[at] != bracket:
            raise ValueError("no end")
        return at

    def _length(self, at: int) -> int:
        count = 0
        while at >= 0 and self._text[at] != "]":
            count += 1
            match = _item(self._text, at)
            at = self._next(match, 2, match.end(1) if match else _scan(self._text, at)[1])
        return count

    def _remove(self, spans: list[tuple[int, int]], gone: list[int], start: int, end: int, *, keep: bool) -> None:
        """Remove elements with their commas; `keep` says that others are added to what is then empty."""
        if len(gone) == len(spans) and not keep:
            self._splice(start + 1, end, "")
            return
        taken = set(gone)
        left = [number for number in range(len(spans)) if number not in taken]
        for number in gone:
            if left and number > left[0]:
                self._splice(spans[number - 1][1], spans[number][1], "")
            elif number + 1 < len(spans):
                self._splice(spans[number][0], spans[number + 1][0], "")
            else:
                self._splice(*spans[number], "")

    def _add_members(
        self,
        added: list[tuple[str, Any]],
        members: list[tuple[int, int, int, int]],
        gone: list[int],
        start: int,
        end: int,
    ) -> None:
        if not added:
            return
        text = self._text
        colon = text[members[-1][1] : members[-1][2]] if members else self._style_here().key
        anchor = members[-1][0] if members else start
        written = [f"{self._written(key, 0)}{colon}{self._written(value, anchor)}" for key, value in added]
        if not members:
            self._fill(written, start, end)
            return
        if len(members) > 1:
            comma = text[members[-2][3] : members[-1][0]]
        else:
            style = self._style_here()
            comma = f",{text[start + 1 : members[0][0]]}" if style.newline else style.item
        # Where all members go, the first of the new ones needs no comma.
        new = comma.join(written) if len(gone) == len(members) else "".join(f"{comma}{one}" for one in written)
        self._splice(members[-1][3], members[-1][3], new)

    def _add_items(self, added: list[Any], items: list[tuple[int, int]], start: int, end: int) -> None:
        if not added:
            return
        written = [self._written(value, items[-1][0] if items else start) for value in added]
        if not items:
            self._fill(written, start, end)
            return
        style = self._style_here()
        if len(items) > 1:
            comma = self._text[items[-2][1] : items[-1][0]]
        else:
            comma = f",{self._text[start + 1 : items[0][0]]}" if style.newline else style.item
        self._splice(items[-1][1], items[-1][1], "".join(f"{comma}{one}" for one in written))

    def _fill(self, written: list[str], start: int, end: int) -> None:
        """Write what an empty object or list is to hold."""
        style = self._style_here()
        if not style.newline:
            self._splice(start + 1, end, style.item.join(written))
            return
        margin = self._margin(start)
        inner = f"{style.newline}{margin}{style.indent}"
        lines = f",{inner}".join(one.replace(style.newline, style.newline + style.indent) for one in written)
        self._splice(start + 1, end, f"{inner}{lines}{style.newline}{margin}")

    def _written(self, value: Any, at: int) -> str:
        text = plain_text(value)
        if text is not None:
            return text
        return self._style_here().write(value, self._margin(at) if type(value) in (dict, list) else "")

    def _style_here(self) -> JsonStyle:
        if self._style is None:
            style = style_of(self._text)
            self._style = style._replace(ascii=style.ascii or self._ascii)
        return self._style

    def _margin(self, at: int) -> str:
        """Return the blanks before the line of a position."""
        line = self._text.rfind("\n", 0, at) + 1
        return self._text[line : _blanks(self._text, line).end()] if line else ""  # type: ignore[union-attr]


def _same(old: Any, new: Any) -> bool:
    """Whether a raw value is a new one already; floats are compared by how they are written."""
    if type(old) is _Digits and type(new) is not _Digits:
        return type(new) is float and (old == repr(new) or float(old) == new)
    if type(old) is not type(new):
        return False
    if type(old) is dict:
        return list(old) == list(new) and all(_same(old[key], new[key]) for key in old)
    if type(old) is list:
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def _utf8(text: str, path: Steps) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise refused_at(path, "the text has a lone surrogate") from None
