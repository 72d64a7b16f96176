"""The notebooks of the repository: each runs from top to bottom, on a server of its own and on the user's."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from beanops.embedded.process import Beanstalkd
from beanops.session.session import connect

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_with_a_private_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEANOPS_SERVER", raising=False)
    run(path)


def test_first_look_on_a_server_of_the_users_leaves_nothing_behind(
    beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)
    notebook = run(NOTEBOOKS[0])
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = next(
        output.data for output in outputs if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    )
    assert "first-look-mail" in shown["text/html"]
    assert "first-look-mail" in shown["text/plain"]
    record = next(output.data["text/plain"] for output in outputs if "resume" in str(output.get("data", {})))
    assert "resume: 1 done" in record
    with connect(beanstalkd.address) as session:
        assert session.server().total_jobs == 12
        assert {tube.name for tube in session.tube_stats()} == {"default"}
