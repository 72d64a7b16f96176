"""Notebooks with views that have been run, as files: what is opened without the kernel that made them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from beanops.session.session import Session
from tests.notebook.lab import notebook_of

#: In the body of each job, and to be in no file.
SECRET = "hunter2"
_STATE = "application/vnd.jupyter.widget-state+json"


def two_views(server: Session) -> tuple[str, ...]:
    """Return cells that show a dashboard and the 61 jobs of the tube "mail", one of them hostile."""
    server.put_many([f'{{"user": {user}, "password": "{SECRET}"}}'.encode() for user in range(60)], tube="mail")
    server.put(b"<script>window.owned = 1</script>", tube="mail")
    server.bury([1, 2])
    return (
        f"import beanops\nsession = beanops.connect({str(server.address)!r}, redact=['password'])",
        "session.dashboard()",
        "session.browse('mail').wait()",
    )


def executed(folder: Path, *cells: str, to: str = "notebook") -> Path:
    """Run a notebook with nbconvert; return the file that it writes: a notebook with widget states, or HTML."""
    nbformat.write(notebook_of(*cells), folder / "source.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", to, "--output", "ran", "source.ipynb"]
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    ran = subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return folder / f"ran.{'html' if to == 'html' else 'ipynb'}"


def states(notebook: nbformat.NotebookNode) -> dict[str, tuple[object, list[object]]]:
    """Return the saved state of each view, as `BarePage.reopen` takes it."""
    saved = notebook.metadata["widgets"][_STATE]["state"]
    return {model: (each["state"], []) for model, each in saved.items() if each["model_name"] == "AnyModel"}


def states_in_html(html: str) -> dict[str, tuple[object, list[object]]]:
    """Return the same from an exported page, where a script of JSON has them."""
    text = html.split(f'<script type="{_STATE}">')[1].split("</script>")[0]
    saved = json.loads(text)["state"]
    return {model: (each["state"], []) for model, each in saved.items() if each["model_name"] == "AnyModel"}


def without_states(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook as JupyterLab saves it unless its user asks for widget states."""
    notebook = nbformat.from_dict(notebook)
    del notebook.metadata["widgets"]
    return notebook
