"""The manual: one Markdown page per topic, shipped with the package, and the functions that read it.

Every room may import it; it imports nothing of beanops.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def topics() -> dict[str, str]:
    """Return the topics of the manual with their titles, in reading order: the links of the index page.

    Examples
    --------
    >>> topics()["recipes"]
    'Recipes'
    """
    return {name: title for title, name in re.findall(r"^- \[(.+?)\]\(([\w-]+)\.md\)", page("index"), re.M)}


def page(name: str) -> str:
    """Return the Markdown of one page: a topic, or ``index``.

    Examples
    --------
    >>> page("recipes").splitlines()[0]
    '# Recipes'
    """
    return (files(__name__) / f"{name}.md").read_text("utf-8")


def terminal_page(name: str) -> str:
    """Return the Markdown of one page for a terminal: no pictures, and links name the command that shows the page.

    Examples
    --------
    >>> "Quickstart (`beanops manual quickstart`)" in terminal_page("index")
    True
    """
    text = re.sub(r"^!\[.*\]\(.*\)\n\n?", "", page(name), flags=re.M)
    return re.sub(r"\[([^\]]+)\]\(([\w-]+)\.md(?:#[\w-]*)?\)", r"\1 (`beanops manual \2`)", text)
