"""The ways to the manual: the command, and the site that make docs builds."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import manual
from tests.cli.conftest import Cli, Terminal
from tests.manual.documents import ROOT
from tests.test_import_hygiene import HEAVY, loaded


def test_a_page_is_printed_as_markdown_where_there_is_no_terminal(cli: Cli) -> None:
    assert cli("manual", "recipes") == (0, manual.page("recipes"), "")
    assert cli("manual") == (0, manual.page("index"), "")


def test_a_topic_that_does_not_exist(cli: Cli) -> None:
    code, out, err = cli("manual", "recipies")
    assert (code, out) == (2, "")
    assert "'recipies' given, allowed is one of quickstart, " in err
    assert "did you mean 'recipes'?" in err


def test_a_page_is_paged_on_a_terminal(
    terminal: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho "paged by $0"\ncat\n')
    pager.chmod(0o755)
    monkeypatch.setenv("PAGER", str(pager))
    shown = terminal("manual", "acting")
    assert shown.end() == 0
    assert "paged by" in shown.shown
    assert "beanops manual finding-jobs" in " ".join(re.sub(r"\x1b\[[0-9;]*m", "", shown.shown).split())
    assert "```" not in shown.shown


def test_the_manual_loads_nothing_heavy() -> None:
    assert not loaded("manual", "acting") & set(HEAVY)


def test_the_site_and_the_man_pages(tmp_path: Path) -> None:
    sphinx = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "-c",
        str(ROOT / "tests/manual"),
        str(ROOT / "beanops/manual"),
    ]
    subprocess.run([*sphinx, "-d", str(tmp_path / "cache"), str(tmp_path / "site")], check=True, cwd=ROOT)
    subprocess.run([*sphinx, "-b", "man", str(tmp_path / "man")], check=True, cwd=ROOT)
    site = {path.name for path in (tmp_path / "site").iterdir()}
    assert {"index.html", "search.html", "searchindex.js", "llms.txt", "llms-full.txt"} <= site
    assert {f"{name}.html" for name in manual.topics()} <= site
    loads = r'(?:<script|<img|<link(?! rel="canonical"))[^>]*(?:src|href)="https?:'
    assert not [path.name for path in (tmp_path / "site").glob("*.html") if re.search(loads, path.read_text())]
    links = re.findall(r"\]\(([\w-]+\.md)\)", (tmp_path / "site/llms.txt").read_text())
    assert links == [f"{name}.md" for name in manual.topics()]
    assert set(links) <= site
    pages = {path.name for path in (tmp_path / "man").iterdir() if path.suffix in (".1", ".7")}
    assert pages == {"beanops.1"} | {f"beanops-{name}.7" for name in manual.topics() if name != "command-line"}
    assert re.search(r"beanops\S*acting\S*\(7\)", (tmp_path / "man/beanops.1").read_text())
