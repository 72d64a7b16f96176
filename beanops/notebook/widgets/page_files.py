"""The files of the page side, joined into the module and the style sheet of a view.

In ``page`` is a folder for each part, with its style sheet, and the folder ``view`` with what all views have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from beanops.ui.palette import css_rules

_PAGE = Path(__file__).parents[1] / "page"

#: What every view needs, before and after the files of its parts.
_FIRST = ("view/dom.js", "view/selection.js", "view/live.js", "view/scheme.js", "view/port.js")
_LAST = ("view/view.js",)
#: The style sheets on which those of the parts build.
_BASE = ("view/scheme.css", "view/style.css", "view/layout.css", "view/live.css")


def page_text(*names: str) -> str:
    """Return files of the page side, joined into one text without indentation and without comments between lines.

    A saved notebook has it once for each view.
    """
    lines = (line.strip() for name in names for line in (_PAGE / name).read_text().splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def page_module(files: Iterable[str]) -> str:
    """Return the module of a view whose parts need these files, each of them once.

    They neither import nor export: a notebook loads one module, so a name at the top level of a file must be unique.
    """
    return page_text(*dict.fromkeys((*_FIRST, *files, *_LAST)))


def page_style(files: Iterable[str]) -> str:
    """Return the style sheet of a view whose parts need these files, with the colours that all faces share."""
    folders = sorted({_PAGE / name.partition("/")[0] for name in files})
    sheets = [str(path.relative_to(_PAGE)) for folder in folders for path in sorted(folder.glob("*.css"))]
    return re.sub(r"/\*.*?\*/\n?", "", f"{css_rules()}\n{page_text(*_BASE, *sheets)}", flags=re.DOTALL)
