"""The README and the manual as texts: links, length, words, and the page that is made from the commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from beanops import manual
from beanops.tui import keys
from beanops.tui.actions import catalogue
from tests.manual import command_line
from tests.manual.documents import DOCUMENTS, ROOT, slugs

#: Links as Markdown writes them, also of pictures.
LINKS = [(name, link) for name, text in DOCUMENTS.items() for link in re.findall(r"\]\(([^)\s]+)\)", text)]
#: Words of which a reader would have to guess what they refer to.
AVOIDED = (
    "anew", "by now", "meanwhile", "told", "meant", "stands", "spare", "let go", "ways out", "whom",
    "under the hand", "moved on", "held against", "in so far as",
)  # fmt: skip


@pytest.mark.parametrize(("document", "link"), LINKS)
def test_a_link_leads_somewhere(document: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    if "://" in path:
        assert re.fullmatch(r"https://[\w.-]+(/[\w./-]*)?", link)
        return
    target = (ROOT / document).parent / path if path else ROOT / document
    assert target.exists()
    if anchor:
        assert anchor in slugs(target.read_text())


PATHS = [
    (name, path)
    for name, text in DOCUMENTS.items()
    for path in re.findall(r"`((?:beanops|tests|notebooks)/[\w./]*)`", text)
]


@pytest.mark.parametrize(("document", "path"), PATHS)
def test_a_file_that_is_named_exists(document: str, path: str) -> None:
    assert (ROOT / path).exists() or "NAME" in path


def test_the_page_of_commands_is_what_the_commands_print() -> None:
    assert command_line.page() == manual.page("command-line"), "run: python -m tests.manual.command_line"


def test_the_readme_is_short() -> None:
    assert len(re.sub(r"^```.*?^```$", "", DOCUMENTS["README.md"], flags=re.M | re.S).split()) <= 700


@pytest.mark.parametrize("document", DOCUMENTS)
def test_plain_words(document: str) -> None:
    text = DOCUMENTS[document].lower()
    assert not [word for word in AVOIDED if re.search(rf"\b{word}\b", text)]


def test_every_page_has_one_title_and_is_linked_from_the_index() -> None:
    pages = {path.stem for path in Path(manual.__file__).parent.glob("*.md")}
    assert pages == {"index", *manual.topics()}
    for name in manual.topics():
        assert re.findall(r"^# .+$", re.sub(r"^```.*?^```$", "", manual.page(name), flags=re.M | re.S), re.M)


def test_each_page_has_the_title_of_its_topic() -> None:
    for name, title in manual.topics().items():
        assert manual.terminal_page(name).startswith(f"# {title}\n")


def test_there_are_twenty_recipes() -> None:
    assert re.findall(r"^## (\d+)\. ", manual.page("recipes"), re.M) == [str(n) for n in range(1, 21)]


def test_the_package_ships_the_manual() -> None:
    code = "from beanops import manual; print(len([manual.page(name) for name in manual.topics()]))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout
    assert int(shown) == len(manual.topics())


#: How the manual writes keys that have a name.
NAMES = {
    "⏎": "Enter",
    "␣": "Space",
    "^c": "Ctrl-C",
    "^z": "Ctrl-Z",
    "ctrl+p": "Ctrl-P",
    "ctrl+n": "Ctrl-N",
    "ctrl+k": "Ctrl-K",
    "|": "\\|",
}


def test_the_keys_of_the_dashboard_are_in_the_manual() -> None:
    page = manual.page("terminal")
    known = {*re.findall(r"`(\S+?)`", page), *re.findall(r"\b(?:Enter|Esc|Space|F\d|Ctrl-\w)\b", page)}
    screens = [
        keys.APP,
        keys.REPLAY,
        keys.TUBES,
        keys.SELECTION,
        keys.SORT,
        keys.TUBE,
        keys.JOB,
        keys.JOURNAL,
        keys.UNDO,
    ]
    bindings = [binding for screen in screens for binding in screen] + catalogue.bindings()
    displays = {binding.key_display or binding.key.partition(",")[0] for binding in bindings if binding.tooltip}
    words = {word for display in displays for word in (["<", ">"] if display == "<>" else display.split())}
    assert {NAMES.get(word, word) for word in words} <= known
