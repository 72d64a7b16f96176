"""Sphinx configuration of ``make docs``: the manual as a site with search, as man pages, and as ``llms.txt``."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

from beanops import __version__, manual

SUMMARY = "Operate beanstalkd from a terminal, a notebook or a script; every action is recorded and can be undone."

project = "beanops"
author = "beanops maintainers"
version = release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["__pycache__"]
html_theme = "furo"
html_title = f"beanops {release}"
html_show_copyright = False
man_pages = [
    (name, f"beanops-{name}", title, author, 7) for name, title in manual.topics().items() if name != "command-line"
] + [("command-line", "beanops", SUMMARY, author, 1)]


def _prepare(app: Sphinx, name: str, source: list[str]) -> None:
    """Have the index order the pages as it links them, and man pages name other pages as ``man`` does."""
    if name == "index":
        for group, topics in manual.groups().items():
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {group}\n" + "\n".join(topics) + "\n```\n"
    if app.builder.name == "man":
        source[0] = re.sub(r"\[([^\]]+)\]\(([\w-]+)\.md(?:#[\w-]*)?\)", _man_reference, source[0])


def _man_reference(link: re.Match[str]) -> str:
    text, page = link.groups()
    return f"{text} (**{'beanops**(1)' if page == 'command-line' else f'beanops-{page}**(7)'})"


def _write_texts(app: Sphinx, error: Exception | None) -> None:
    """Write ``llms.txt``, which lists the pages as Markdown, and ``llms-full.txt``, which holds them all."""
    if error is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    pages = {name: manual.page(name) for name in manual.topics()}
    links = re.sub(r"^.*?(?=^## )", "", manual.page("index"), count=1, flags=re.M | re.S)
    (site / "llms.txt").write_text(f"# beanops\n\n> {SUMMARY}\n\n{links}")
    (site / "llms-full.txt").write_text("\n".join(pages.values()))
    for name, text in pages.items():
        (site / f"{name}.md").write_text(text)


def setup(app: Sphinx) -> None:
    """Register what happens around the build."""
    app.connect("source-read", _prepare)
    app.connect("build-finished", _write_texts)
