"""The manual: one Markdown page per topic, shipped with the package, and the functions that read it.

Every room may import it; it imports nothing of beanops.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files


@cache
def groups() -> dict[str, dict[str, str]]:
    """Return the groups of the manual with their topics and titles, in reading order: what the index page links.

    Examples
    --------
    >>> groups()["Faces"]["terminal"]
    'Terminal'
    """
    _, *parts = re.split(r"^## (.+)$", page("index"), flags=re.M)
    links = (re.findall(r"^- \[(.+?)\]\(([\w-]+)\.md\)", text, re.M) for text in parts[1::2])
    return {name: {topic: title for title, topic in of} for name, of in zip(parts[::2], links, strict=True)}


@cache
def topics() -> dict[str, str]:
    """Return the topics of all groups with their titles, in reading order.

    Examples
    --------
    >>> topics()["recipes"]
    'Recipes'
    """
    return {topic: title for group in groups().values() for topic, title in group.items()}


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
