"""`BodyView`: a decoded body that scrolls; only the lines in view are drawn."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from beanops.tui import keys
from beanops.tui.bodies.forms import Body

#: The style of a line of a diff, by its first character.
_SIGNS = {"+": "added", "-": "removed", "@": "place"}
_TOKEN = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"(?=:\ ))|(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<literal>[-\w.+]+)|(?P<mark>[^"\w.+-]+)""",
    re.VERBOSE,
)


class BodyView(ScrollView, can_focus=True):
    """One body, wrapped to the width of the screen."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BODY]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "body--key",
        "body--string",
        "body--literal",
        "body--mark",
        "body--added",
        "body--removed",
        "body--place",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._body: Body | None = None
        self._lines: list[str] = []
        self._width = 0

    @property
    def text(self) -> str:
        """The wrapped lines."""
        return "\n".join(self._lines)

    def show(self, body: Body | None) -> None:
        """Show a body from its beginning; the same body keeps its scroll position."""
        if body == self._body:
            return
        self._body = body
        self.scroll_to(0, 0, animate=False)
        self._wrap()

    def on_resize(self) -> None:
        """Wrap again if the width changed."""
        if self.scrollable_content_region.width != self._width:
            self._wrap()

    def _wrap(self) -> None:
        self._width = width = self.scrollable_content_region.width
        lines: list[str] = []
        for line in (self._body.text if self._body else "").split("\n"):
            line = line.expandtabs(4)
            if len(line) <= width and line.isascii():
                lines.append(line)
            else:
                lines += chop_cells(line, max(1, width)) or [""]
        self._lines = lines
        self.virtual_size = Size(width, len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        base = self.rich_style
        place = self.scroll_offset.y + y
        line = self._lines[place] if place < len(self._lines) else ""
        form = self._body.form if self._body is not None else "plain"
        if form == "json":
            pieces = [
                Segment(token.group(), base + self._style(token.lastgroup or "mark")) for token in _TOKEN.finditer(line)
            ]
        else:
            sign = _SIGNS.get(line[:1]) if form == "diff" else None
            pieces = [Segment(line, base + self._style(sign) if sign else base)]
        return Strip(pieces).adjust_cell_length(self.scrollable_content_region.width, base)

    def _style(self, kind: str) -> Style:
        return self.get_component_rich_style(f"body--{kind}", partial=True)
