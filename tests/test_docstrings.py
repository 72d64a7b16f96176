"""Every example in a docstring runs, on a server with a few jobs. An example without output may return anything."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import beanops
from beanops import Client, Fleet, connect
from beanops.embedded.process import Beanstalkd
from beanops.session.options import GroupOptions, Options, ScanOptions
from beanops.session.session import Session
from tests.binlog.logs import record, version, write

PACKAGE = Path(beanops.__file__).parent
#: What examples call the server.
SERVER = "127.0.0.1:11300"
#: The faces have examples that need a page or a screen; tests of their own run them.
FACES = ("notebook", "tui", "cli")
#: Examples that take a minute or draw a plot, and views that the tests of the notebook show.
ELSEWHERE = (
    "Session.rates", "Session.job_times", "Session.job_classes", "Fleet.rates", "Fleet.job_times", "Fleet.job_classes",
    "accessors.dashboard", "accessors.browse", "accessors.reserve_widget", "accessors.replay",
)  # fmt: skip
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in FACES and ">>> " in path.read_text()
)
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class _Finder(doctest.DocTestFinder):
    """Finds the examples of decorated functions too, whose module is that of what they decorate."""

    def _from_module(self, module: object, object: Any) -> bool:
        return super()._from_module(module, inspect.unwrap(object))  # type: ignore[misc, no-any-return]


class _Checker(doctest.OutputChecker):
    """Compares output where the example shows some; ids of runs differ each time."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if not want:
            return True
        return super().check_output(_RUN.sub("RUN", want), _RUN.sub("RUN", got), optionflags)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(
    module: str, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    staging = start_beanstalkd()
    monkeypatch.setenv("BEANOPS_CONFIG", str(tmp_path / "config.toml"))
    write(tmp_path / "binlog", version() + record(1, b"{}"))
    (tmp_path / "config.toml").write_text(f'[servers.staging]\naddress = "{staging.address}"\n')
    examples = _Finder().find(importlib.import_module(module))
    for number, example in enumerate(examples):
        if example.examples and not example.name.endswith(ELSEWHERE):
            monkeypatch.setenv("BEANOPS_JOURNAL", str(tmp_path / f"journal{number}.sqlite"))
            _run(example, start_beanstalkd().address)


def _run(example: doctest.DocTest, address: str) -> None:
    """Run an example on a server with 18 jobs in tube mail, 16 to 18 buried; the buried ones are in a file too."""
    body = b'{"user": "%d", "error": "timeout", "displayName": "Mail"}'
    with Client(address) as client, connect(address) as session, ExitStack() as opened:
        for number in range(1, 19):
            client.put(body % number, tube="mail")
        for number in range(15, 19):
            client.bury(client.reserve_job(number))
        Path("poison.jsonl").unlink(missing_ok=True)
        example.globs |= {"beanops": beanops, "session": session, "client": client, "ids": [17, 18]}
        example.globs["run"] = session.kick([15])
        if "fleet" in example.name:
            example.globs["fleet"] = opened.enter_context(connect([address, "staging"]))
        if "import_" in example.name:
            session.export("poison.jsonl", "mail", state="buried")
        for one in example.examples:
            one.source = one.source.replace(SERVER, address).replace("/var/lib/beanstalkd", "binlog")
        told: list[str] = []
        result = doctest.DocTestRunner(_Checker(), optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert result.failed == 0, "".join(told)


@pytest.mark.parametrize(
    "method",
    [
        value
        for kind in (Session, Fleet)
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and not name.startswith("_")
    ],
)
def test_a_method_of_a_session_describes_each_argument(method: Callable[..., Any]) -> None:
    parameters = set(inspect.signature(method).parameters)
    parameters -= {"self", "session", "fleet", "options", "selection", "which"}
    kinds = {"options": Options, "selection": ScanOptions, "which": GroupOptions}
    for name, options in kinds.items():
        if name in inspect.signature(method).parameters:
            parameters |= options.__annotations__.keys()
    if method.__name__ not in ("move", "copy"):
        parameters -= {"buried_as"} & Options.__annotations__.keys() - inspect.signature(method).parameters.keys()
    section = inspect.getdoc(method).partition("Parameters\n")[2]  # type: ignore[union-attr]
    named = {word for line in re.findall(r"^(\w[\w, ]*) : ", section, re.M) for word in line.split(", ")}
    assert parameters - named == set()
