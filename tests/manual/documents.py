"""The documents that users read, and their parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from beanops import manual

ROOT = Path(__file__).parents[2]
#: Each document by its path in the repository.
DOCUMENTS = {
    **{name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")},
    **{f"beanops/manual/{name}.md": manual.page(name) for name in ("index", *manual.topics())},
}


class Block(NamedTuple):
    """One fenced block.

    Attributes
    ----------
    document, heading : str
        Where it is.
    language : str
        What is written after the fence.
    text : str
        Its lines.
    """

    document: str
    heading: str
    language: str
    text: str


def _blocks(document: str, text: str) -> list[Block]:
    found, heading = [], ""
    for match in re.finditer(r"^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        heading = match[1] or heading
        if match[1] is None:
            found.append(Block(document, heading, match[2], match[3]))
    return found


BLOCKS = [block for document, text in DOCUMENTS.items() for block in _blocks(document, text)]


def slugs(text: str) -> set[str]:
    """Return the anchors of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
