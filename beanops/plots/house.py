"""How all plots look: fonts, colours, headline, axes; and `PlotFigure`, which a notebook shows without a backend.

No module here uses pyplot: a figure belongs to who asked for it, in any thread, and no window waits for it. Text comes
from servers, so that none of it is read as markup.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypedDict

import matplotlib as mpl
from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import check_choice
from beanops.text import safe_text
from beanops.ui.palette import DARK, LIGHT

#: The first of these that is installed writes, the next ones have the letters that it lacks.
_FONTS = ("Inter", "Source Sans 3", "Helvetica Neue", "Segoe UI", "Arial", "Liberation Sans", "DejaVu Sans")
_OTHER_LETTERS = ("Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei", "Noto Sans Arabic", "Noto Emoji")
#: Points of the headline, the line below it, and all else.
TITLE, SUBTITLE, SMALL = 13.0, 9.5, 8.5
#: Inches around everything.
MARGIN = 0.22
#: Inches a figure may have on a side, at least and at most.
_SIZES = (2, 50)
#: Pixels per inch in a notebook: two for each that the page has.
_DPI = 144


class Style(TypedDict, total=False):
    """How a plot looks.

    Attributes
    ----------
    title : str or None
        Headline; None writes what the numbers say.
    theme : {"light", "dark"}
        Background.
    size : tuple of float, or None
        Width and height in inches; None suits the plot.
    """

    title: str | None
    theme: Literal["light", "dark"]
    size: tuple[float, float] | None


class Theme(NamedTuple):
    """The colours of a plot; `tones` has those of states, puts and deletes."""

    paper: str
    ink: str
    quiet: str
    grid: str
    tones: Mapping[str, str]

    def tint(self, colour: str, share: float = 0.16) -> str:
        """Return a colour thinned on paper: areas that lie on each other stay clean, as transparent ones do not."""
        red, green, blue = (
            share * one + (1 - share) * other for one, other in zip(to_rgb(colour), to_rgb(self.paper), strict=True)
        )
        return to_hex((red, green, blue))


THEMES = {
    "light": Theme("#ffffff", "#1d232b", "#66707c", "#e1e5ea", LIGHT),
    "dark": Theme("#14181f", "#e8ebef", "#98a2ae", "#2c333d", DARK),
}


class PlotFigure(Figure):
    """A matplotlib `Figure` that every notebook shows, whether or not pyplot is loaded."""

    def savefig(self, *arguments: Any, **keywords: Any) -> None:
        """Write the picture to a file, as that of `Figure`; letters that no font has are drawn as boxes."""
        with _without_words_on_letters():
            super().savefig(*arguments, **keywords)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self._png(), "text/plain": repr(self)}, {
            "image/png": {"width": round(self.get_figwidth() * 100), "height": round(self.get_figheight() * 100)}
        }

    def _png(self) -> bytes:
        """Return the picture in 256 colours, which it does not have more of: a third of the bytes."""
        from PIL import Image

        drawn, packed = io.BytesIO(), io.BytesIO()
        with house():
            self.savefig(drawn, format="png", dpi=_DPI)
        Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(packed, "png", optimize=True)
        return packed.getvalue()


@contextmanager
def house() -> Iterator[None]:
    """Draw in the style of beanops, whatever style the user has chosen for other plots."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    fonts = [name for name in (*_FONTS, *_OTHER_LETTERS) if name in installed]
    rules: dict[str, Any] = {
        "font.family": fonts or ["sans-serif"],
        "font.size": SMALL,
        "text.parse_math": False,
        "text.usetex": False,
        "axes.unicode_minus": True,
    }
    with style.context(["default", rules]), _without_words_on_letters():
        yield


@contextmanager
def _without_words_on_letters() -> Iterator[None]:
    """Draw letters that no font has as boxes, without a warning on each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


class Sheet:
    """A figure with its headline and its source, and the room that is left for axes.

    Parameters
    ----------
    title, subtitle : str
        What the plot says, and what it shows.
    source : str or None
        Where the numbers come from; None knows nothing of it.
    size : tuple of float
        Inches, where the style names none.
    how : Style
        As the caller wants it.

    Attributes
    ----------
    figure : PlotFigure
        The figure.
    theme : Theme
        Its colours.
    width, top, bottom : float
        Inches of the figure, and where the room for axes begins and ends, from the bottom.
    """

    def __init__(self, title: str, subtitle: str, source: str | None, size: tuple[float, float], how: Style) -> None:
        self.theme = THEMES[how.get("theme", "light")]
        self.width, height = how.get("size") or size
        self.figure = PlotFigure(figsize=(self.width, height), facecolor=self.theme.paper)
        room = (self.width - 2 * MARGIN) * 72
        y = height - MARGIN
        self._rule(y)
        y -= 0.1
        headline = how.get("title")
        for line in wrapped(title if headline is None else headline, room, TITLE, bold=True):
            self._write(y, line, TITLE, self.theme.ink, weight="bold")
            y -= TITLE * 1.28 / 72
        y -= 0.03
        for line in wrapped(subtitle, room, SUBTITLE):
            self._write(y, line, SUBTITLE, self.theme.quiet)
            y -= SUBTITLE * 1.4 / 72
        self.top = y - 0.12
        self.bottom = MARGIN
        if source is not None:
            self._write(MARGIN - 0.07, fitted(source, room, 7), 7, self.theme.quiet, va="bottom")
            self.bottom += 0.2

    def _rule(self, y: float) -> None:
        width, height = self.figure.get_size_inches()
        self.figure.add_artist(
            Rectangle(
                (MARGIN / width, y / height),
                0.42 / width,
                0.045 / height,
                transform=self.figure.transFigure,
                color=self.theme.tones["ready"],
                linewidth=0,
            )
        )

    def _write(self, y: float, text: str, points: float, colour: str, va: str = "top", **how: Any) -> None:
        width, height = self.figure.get_size_inches()
        self.figure.text(MARGIN / width, y / height, text, size=points, color=colour, va=va, **how)

    def axes(self, left: float, right: float, bottom: float = 0.0, top: float = 0.0) -> Axes:
        """Return bare axes in the room, with so many inches free at each side of it."""
        width, height = self.figure.get_size_inches()
        low, high = self.bottom + bottom, max(self.top - top, self.bottom + bottom + 0.1)
        wide = max(width - left - right, 0.1)
        axes = self.figure.add_axes((left / width, low / height, wide / width, (high - low) / height))
        axes.set_facecolor("none")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, colors=self.theme.quiet, labelcolor=self.theme.quiet, pad=5)
        axes.set_axisbelow("line")
        return axes

    def grid(self, axes: Axes, which: Literal["x", "y"] = "y") -> None:
        """Draw thin lines at the ticks, and a stronger one where the numbers begin."""
        axes.grid(axis=which, color=self.theme.grid, linewidth=0.8)
        if which == "y":
            axes.spines["bottom"].set_visible(True)
            axes.spines["bottom"].set(color=self.theme.quiet, linewidth=0.9)
            axes.tick_params(axis="x", length=3.5, width=0.9, color=self.theme.quiet)


def checked(how: Style) -> Style:
    """Return how a plot shall look, checked."""
    check_choice("theme", how.get("theme", "light"), THEMES)
    title = how.get("title")
    if not (title is None or isinstance(title, str)):
        raise ArgumentError("title", title, "text, or None for what the numbers say")
    size = how.get("size")
    if size is not None:
        least, most = _SIZES
        try:
            width, height = (float(side) for side in size)
        except (TypeError, ValueError):
            width = height = 0.0
        if not (least <= width <= most and least <= height <= most):
            raise ArgumentError("size", size, f"width and height in inches, {least} to {most} each")
    return how


def columns_of(frame: Any, argument: str, needed: tuple[str, ...], made_by: str) -> None:
    """Check that an argument is a frame with the columns that a plot needs.

    Raises
    ------
    ArgumentError
        It is not.
    """
    if not hasattr(frame, "columns"):
        raise ArgumentError(argument, frame, f"a frame of {made_by}")
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ArgumentError(argument, list(frame.columns), f"a frame of {made_by}, with {', '.join(needed)}")


def headline(name: str | None, words: str) -> str:
    """Return a headline about what has a name, or about all there is.

    Examples
    --------
    >>> headline("mail", "no jobs"), headline(None, "no jobs")
    ('mail: no jobs', 'No jobs')
    """
    return f"{name}: {words}" if name else words[:1].upper() + words[1:]


def source_of(address: str, now: datetime) -> str:
    """Return where numbers come from, and of when they are."""
    return f"{address} · {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC · beanops"


def text_width(text: str, points: float, *, bold: bool = False) -> float:
    """Return the points that a line is wide."""
    families = mpl.rcParams["font.family"]
    font = font_manager.FontProperties(family=families, size=points, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def fitted(text: str, room: float, points: float, *, bold: bool = False) -> str:
    """Return a text as one safe line that is at most so many points wide, cut with an ellipsis."""
    line = safe_text(text, limit=400)
    if text_width(line, points, bold=bold) <= room:
        return line
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(line[:middle].rstrip() + "…", points, bold=bold) <= room:
            low = middle
        else:
            high = middle - 1
    return line[:low].rstrip() + "…"


def wrapped(text: str, room: float, points: float, *, bold: bool = False, most: int = 2) -> list[str]:
    """Return a text as safe lines of so many points; the last one is cut."""
    lines: list[str] = []
    left = safe_text(text, limit=600)
    while left and len(lines) < most - 1 and text_width(left, points, bold=bold) > room:
        words, line = left.split(" "), ""
        while words and text_width(f"{line} {words[0]}".strip(), points, bold=bold) <= room:
            line = f"{line} {words.pop(0)}".strip()
        if not line:
            break
        lines.append(line)
        left = " ".join(words)
    return [*lines, fitted(left, room, points, bold=bold)] if left else lines
