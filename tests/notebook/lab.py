"""JupyterLab on loopback with a real browser in front of it: what a test needs to see and touch a notebook."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.sign import NotebookNotary

from beanops.embedded.process import free_port
from tests.waits import PATIENCE

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--no-first-run",
]

_SESSION = "window.jupyterapp.shell.currentWidget.context.sessionContext"
_KERNEL = f"{_SESSION}.session.kernel"

_RUN = """async (code) => {
  const future = KERNEL.requestExecute({ code, store_history: false });
  let text = "";
  future.onIOPub = ({ content, header }) => {
    if (header.msg_type === "stream") text += content.text;
    if (header.msg_type === "error") text += content.evalue;
  };
  await future.done;
  return text;
}""".replace("KERNEL", _KERNEL)


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    """Return a notebook with these cells, not yet run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


class Lab:
    """A JupyterLab and a browser."""

    def __init__(self, url: str, token: str, folder: Path, browser: Any) -> None:
        self.url, self.token, self.folder, self.browser = url, token, folder, browser

    @contextmanager
    def notebook(self, *cells: str) -> Iterator[Notebook]:
        """Open a notebook with these cells; its kernel ends with the block."""
        with self.open(notebook_of(*cells)) as opened:
            opened.ready()
            yield opened
            opened.shut_down()

    @contextmanager
    def open(self, notebook: nbformat.NotebookNode, *, trusted: bool = True) -> Iterator[Notebook]:
        """Open a notebook as it is; it is untrusted where this machine does not know that its user ran it."""
        name = f"{secrets.token_hex(4)}.ipynb"
        nbformat.write(notebook, self.folder / name)
        if trusted:
            NotebookNotary(data_dir=str(self.folder.parent / "data")).sign(notebook)
        page = self.browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        try:
            page.goto(f"{self.url}/doc/tree/{name}?token={self.token}")
            yield Notebook(page)
        finally:
            page.close()


class Shown:
    """Views on a page, whatever shows them.

    Attributes
    ----------
    errors : list of str
        What went wrong on the page, and what asked for attention there.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def grid(self, which: int) -> Any:
        """Return one of the tables of the page, in order."""
        return self.page.locator(".beanops-part:has(.beanops-view)").nth(which)

    def row(self, which: int, key: str) -> Any:
        """Return a row of a table by its key."""
        return self.grid(which).locator(f'.beanops-body .beanops-row[data-key="{key}"]:not([hidden])')

    def keys(self, which: int) -> list[str]:
        """Return the keys of the rows that a table shows, from top to bottom."""
        rows = self.grid(which).locator(".beanops-body .beanops-row:not([hidden])")
        return list(
            rows.evaluate_all(
                "rows => rows.sort((a, b) => parseInt(a.style.top) - parseInt(b.style.top)).map(r => r.dataset.key)"
            )
        )

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for `condition`, while the page goes on."""
        give_up = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < give_up, f"it did not happen within {PATIENCE:.0f} seconds"
            self.page.wait_for_timeout(50)

    def picture(self, name: str) -> None:
        """Save a picture of the page where BEANOPS_PICTURES says."""
        folder = os.environ.get("BEANOPS_PICTURES")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png")


class Notebook(Shown):
    """An open notebook."""

    def ready(self) -> None:
        """Wait until its kernel is there."""
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'",
            timeout=PATIENCE * 1000,
        )

    def shut_down(self) -> None:
        """End its kernel."""
        self.ready()
        self.page.evaluate(f"() => {_SESSION}.shutdown()")

    def restart(self) -> None:
        """Restart its kernel, as the user does who has confirmed that."""
        self.page.evaluate(f"() => {_KERNEL}.restart()")
        self.ready()

    def command(self, name: str, **arguments: Any) -> None:
        """Run a command of JupyterLab."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])

    def reload(self) -> None:
        """Reload the page, as the user does with F5; saved first, or the browser asks."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.reload()
        self.ready()

    def run(self, code: str) -> str:
        """Run code in the kernel, beside the cells; return what it printed."""
        return str(self.page.evaluate(_RUN, code)).strip()

    @contextmanager
    def busy(self, code: str) -> Iterator[None]:
        """Start code and leave it running; the end of the block waits for it."""
        self.page.evaluate(f"(code) => {{ window.running = {_KERNEL}.requestExecute({{ code }}).done; }}", code)
        self.page.wait_for_function(f"() => {_KERNEL}.status === 'busy'")
        yield
        self.page.evaluate("() => window.running.then(() => null)")

    def run_json(self, expression: str) -> Any:
        """Return the value of a Python expression."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))"))


@contextmanager
def headless(program: str, *flags: str) -> Iterator[Any]:
    """Start a chromium without a window, with more flags; return the browser of Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *flags], timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@contextmanager
def jupyter_lab(folder: Path, browser: Any) -> Iterator[Lab]:
    """Start a JupyterLab that shares nothing with the user's, for this browser."""
    port, token = free_port(), secrets.token_hex(16)
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    own |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    own |= {"BEANOPS_ALERTS": "alerts.json"}
    environment = {**os.environ, **{name: str(folder / place) for name, place in own.items()}, "JUPYTER_TOKEN": token}
    log = folder / "lab.log"
    arguments = ["--no-browser", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    arguments += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={notebooks}", "--allow-root"]
    settings = folder / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    quiet = '{"fetchNews": "false", "checkForUpdates": false}'
    (settings / "notification.jupyterlab-settings").write_text(quiet)
    # A subshell would handle clicks beside a busy cell, but JupyterLab makes it at its leisure: which of the two
    # meets a click would be luck. Both are tested in `test_kernels`.
    (settings / "kernels-settings.jupyterlab-settings").write_text('{"commsOverSubshells": "disabled"}')
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            wait_until_up(process, f"{url}/api?token={token}", log)
            yield Lab(url, token, notebooks, browser)
        finally:
            process.terminate()
            process.wait(PATIENCE)


@contextmanager
def voila(folder: Path, notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Serve a notebook as a page, with Voila; yield its address."""
    path = folder / "page.ipynb"
    nbformat.write(notebook, path)
    port = free_port()
    arguments = [str(path), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1", "--port_retries=0"]
    log = folder / "voila.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "voila", *arguments], stdout=out, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            wait_until_up(process, f"http://127.0.0.1:{port}/voila/static/favicon.ico", log)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a server answers; fail with its log when it ends."""
    give_up = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < give_up:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the server did not come up: {log.read_text()[-2000:]}")
