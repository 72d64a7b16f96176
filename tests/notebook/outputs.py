"""Make the outputs of the repository's notebooks: ``python -m tests.notebook.outputs [NAME ...]`` runs them.

Each runs from top to bottom in a kernel, a folder and a journal of its own. What remains is what a reader needs on a
page without a kernel: text, tables, plots, and pictures in place of live views, without traces of this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.notebook.view_pictures import WIDTH, SavedView, output_of, pictures

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: The kind of output that only a kernel can show.
_WIDGET = "application/vnd.jupyter.widget-view+json"
#: What the table begins with that a view keeps for pages without a kernel.
_STATIC = '<div class="beanops-static'
#: What an output may show of the machine, and what is shown in its place.
_TRACES = (
    (re.compile(r" at 0x[0-9a-f]{6,}"), ""),
    (re.compile(r"(?:/[\w.+-]+)+/(?=[\w.-]+\.(?:py|sqlite|jsonl|parquet)\b)"), ""),
)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which a notebook knows nothing of the user's servers, journal and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BEANOPS_", "MPL"))}
    return kept | {
        "BEANOPS_JOURNAL": str(folder / "journal.sqlite"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "TMPDIR": str(folder),
        "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "beanops-matplotlib"),
    }


def fingerprint(notebook: nbformat.NotebookNode) -> str:
    """Return what changes with the code of any cell; the outputs of another code are out of date."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def scrub(notebook: nbformat.NotebookNode) -> None:
    """Remove what only a kernel can show, and traces of the machine and the kernel."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _keep(output)]


def _keep(output: nbformat.NotebookNode) -> bool:
    """Scrub one output; return whether a reader sees anything in it."""
    if output.output_type == "stream":
        output.text = _clean(output.text)
        # Progress bars, and lines that were written over.
        output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
        return output.name == "stdout" and bool(output.text.strip())
    if output.output_type == "error":
        raise AssertionError(f"{output.ename}: {output.evalue}")
    data = output.data
    for kind in ("text/plain", "text/html", "text/markdown"):
        if kind in data:
            data[kind] = _clean(data[kind])
    return data.pop(_WIDGET, None) is None


def _clean(text: str) -> str:
    for trace, place in _TRACES:
        text = trace.sub(place, text)
    return text


def kinds(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """Return what kinds of output each cell of code has, after `scrub`."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[_kind(output) for output in cell.outputs] for cell in cells]


def _kind(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return "text"
    if "view" in output.metadata or _STATIC in output.data.get("text/html", ""):
        return "view"
    return ",".join(sorted(output.data))


def make(path: Path) -> None:
    """Run a notebook, and write it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    views: dict[int, SavedView] = {}
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=120, kernel_name="python3", record_timing=False,
            resources={"metadata": {"path": folder}},
        )  # fmt: skip

        def keep_view(cell: nbformat.NotebookNode, cell_index: int, execute_reply: object) -> None:
            """Keep the state of the view that a cell shows, before later cells change or close it."""
            for output in cell.get("outputs", ()):
                model = output.get("data", {}).get(_WIDGET, {}).get("model_id")
                if "snapshot" in client.widget_state.get(model, {}):
                    buffers = client.widget_buffers.get(model, {}).values()
                    paths = [(one["path"], one["data"]) for one in buffers]
                    views[cell_index] = SavedView(model, deepcopy(client.widget_state[model]), paths)

        client.on_cell_executed = keep_view
        client.execute(env=environment(Path(folder)))
    scrub(notebook)
    for place, picture in zip(views, pictures(list(views.values())), strict=True):
        _show(notebook.cells[place], picture)
    notebook.metadata["beanops"] = {"outputs_of": fingerprint(notebook)}
    nbformat.write(notebook, path)
    print(f"{path.parent.name}/{path.name}: {path.stat().st_size:,} bytes", flush=True)


def _show(cell: nbformat.NotebookNode, picture: bytes) -> None:
    """Show a picture in place of the table that a view keeps, whose text stays."""
    for output in cell.outputs:
        if _kind(output) == "view":
            output.data = nbformat.from_dict(output_of(picture, output.data["text/plain"]))
            output.metadata = nbformat.from_dict({"view": True, "image/png": {"width": WIDTH}})


def main(names: Sequence[str]) -> None:
    """Make the named notebooks, or all."""
    for path in NOTEBOOKS:
        if not names or path.stem in names:
            make(path)


if __name__ == "__main__":
    main(sys.argv[1:])
