"""Every example of the README and the manual runs: shell, Python, IPython and configuration."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

import beanops
from beanops import manual
from beanops.alerts.reading import read_rules
from beanops.cli.app import COMMANDS
from beanops.jobs.bodies import registry
from beanops.jobs.sql.row_predicates import RowPredicates
from beanops.session.config import key_bindings, profiles
from beanops.tui.actions import catalogue
from beanops.tui.keys import keymap
from tests.cli.conftest import configure
from tests.manual.conftest import Shop, check_arguments
from tests.manual.documents import BLOCKS, DOCUMENTS, ROOT, Block

#: Written by hand: the page of commands shows them all anyway.
WRITTEN = {name: text for name, text in DOCUMENTS.items() if not name.endswith("/command-line.md")}
#: Examples of Python that need something around them: a test of a worker, which the tests of the plugin run.
APART = "def test_"


def of_language(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def name_of(block: Block) -> str:
    return f"{block.document.rpartition('/')[2].removesuffix('.md')}: {block.heading}"


def test_every_block_says_its_language() -> None:
    assert {block.language for block in BLOCKS} <= {"sh", "python", "ipython", "toml", "text", "ini", "yaml"}


def test_every_command_is_shown() -> None:
    shown = {word for text in WRITTEN.values() for word in re.findall(r"beanops (?:-s \w+ )?([a-z]+)", text)}
    assert shown >= set(COMMANDS)


@pytest.mark.parametrize("block", of_language("sh"), ids=name_of)
def test_shell(block: Block, shell: Callable[[str], None]) -> None:
    others = [line for line in block.text.splitlines() if line.startswith(("make ", "pip "))]
    for line in others:
        _check_installation(line)
    if not others:
        shell(block.text)


def _check_installation(line: str) -> None:
    """Check that make has the target and the package the extra."""
    program, _, rest = line.partition("#")[0].strip().partition(" ")
    if program == "make":
        assert re.search(rf"^{rest}: ", (ROOT / "Makefile").read_text(), re.M)
        return
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"\[(\w+)\]", rest)) <= set(extras)


@pytest.mark.parametrize("document", sorted({block.document for block in of_language("python")}))
def test_python(document: str, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a document one after the other, as a reader would."""
    fresh = registry.Registry()
    monkeypatch.setattr(registry, "registry", fresh)
    monkeypatch.setattr("beanops.jobs.bodies.layers.registry", fresh)
    with beanops.connect(shop.address) as session:
        names = {"session": session, "beanops": beanops, "address": shop.address}
        for block in of_language("python"):
            if block.document == document and not block.text.startswith(APART):
                code = block.text.replace("127.0.0.1:11300", shop.address).replace("/var/lib/beanstalkd", "binlog")
                exec(compile(code, name_of(block), "exec"), names)


def test_the_decoder_of_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (block for block in of_language("python") if "@beanops.decoder" in block.text)
    fresh = registry.Registry()
    monkeypatch.setattr(registry, "registry", fresh)
    monkeypatch.setattr("beanops.jobs.bodies.layers.registry", fresh)
    exec(block.text, {})
    assert beanops.decode(b"row;a;b").data == ["a", "b"]
    assert beanops.decode(b"else").data == "else"


@pytest.mark.parametrize("block", of_language("ipython"), ids=name_of)
def test_ipython(block: Block, shop: Shop) -> None:
    shell_module = pytest.importorskip("IPython.core.interactiveshell")
    shell = shell_module.InteractiveShell()
    with beanops.connect(shop.address) as session:
        shell.user_ns["session"] = session
        shell.run_cell("%load_ext beanops")  # as the first example on the page does
        for cell in [block.text] if block.text.startswith("%%") else block.text.splitlines():
            result = shell.run_cell(cell)
            assert result.success, cell


def test_the_names_of_the_session_are_in_the_manual(shop: Shop) -> None:
    table = re.findall(r"^\| .+\|$", manual.page("python"), re.M)
    named = set(re.findall(r"`(\w+)[`(]", "\n".join(table)))
    with beanops.connect(shop.address) as session:
        assert {name for name in dir(session) if not name.startswith("_")} == named


@pytest.mark.parametrize("block", of_language("yaml"), ids=name_of)
def test_yaml(block: Block) -> None:
    """The tests of the exporter look at what they say."""
    assert isinstance(yaml.safe_load(block.text), dict)


@pytest.mark.parametrize("block", of_language("ini"), ids=name_of)
def test_unit(block: Block) -> None:
    """A unit of systemd, whose command beanops can read."""
    unit = ConfigParser(interpolation=None)
    unit.read_string(block.text)
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/beanops")
    check_arguments(words)


@pytest.mark.parametrize("block", of_language("toml"), ids=name_of)
def test_configuration(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "[project." in block.text:
        assert tomllib.loads(block.text)["project"]["entry-points"].keys() == {"beanops.decoders"}
        return
    if "[[rule]]" in block.text:
        _check_rules(block.text, tmp_path, monkeypatch)
        return
    configure(block.text)
    profiles()
    keymap(key_bindings(), catalogue.bindings())


def _check_rules(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r'{ env = "(\w+)" }', text):
        monkeypatch.setenv(name, "https://hooks.example.com/secret")
    (folder / "pagerduty").write_text("a key\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    (folder / "alerts.toml").write_text(text)
    read_rules(folder / "alerts.toml", RowPredicates())
