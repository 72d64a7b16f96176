"""The handlers of the widgets under several ipykernels, which differ in the thread that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from beanops.embedded.process import Beanstalkd
from beanops.session.connect import connect
from beanops.session.session import Session
from tests.needs import missing
from tests.waits import PATIENCE, until

VERSIONS = ["6.31", "7.3", "7.4"]
#: A cell that runs until a file appears.
BUSY = "while not __import__('pathlib').Path({over!r}).exists(): __import__('time').sleep(0.02)"


def overlay(version: str) -> Path:
    """Return a folder with that ipykernel and nothing else, made when it is first needed."""
    folder = Path(sys.prefix) / f"ipykernel-{version}"
    if not folder.exists():
        # Made beside its place and moved there whole: what was cut off must not stand for it ever after.
        with tempfile.TemporaryDirectory(dir=sys.prefix) as unfinished:
            # The virtual environment has no pip of its own.
            pip = [getattr(sys, "_base_executable", sys.executable), "-m", "pip", "--disable-pip-version-check"]
            what = ["install", "-q", "--no-deps", "--target", f"{unfinished}/made", f"ipykernel=={version}.*"]
            made = subprocess.run([*pip, *what, "nest-asyncio"], capture_output=True, text=True)
            if made.returncode:
                missing(f"ipykernel {version} could not be installed: {made.stderr.strip().splitlines()[-1:]}")
            with suppress(OSError):  # another run of the tests was faster
                Path(unfinished, "made").rename(folder)
    return folder


class Kernel:
    """A kernel, and what a page would send to it."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.subshell: str | None = None

    def run(self, code: str) -> str:
        """Run code; return what it printed."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["header"]["msg_type"] in ("stream", "error"):
                said.append(message["content"].get("text") or message["content"]["evalue"])

        self.client.execute_interactive(code, output_hook=hear, timeout=PATIENCE, store_history=False)
        return "".join(said).strip()

    def open_subshell(self) -> None:
        """Have the page's messages handled beside the cells, as JupyterLab does where the kernel can."""
        request = self.client.session.msg("create_subshell_request")
        self.client.control_channel.send(request)
        self.subshell = self.client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]

    def says(self, model: str, kind: str, **content: Any) -> None:
        """Send what the page of the browser would."""
        self._send(model, {"method": "custom", "content": {"kind": kind, "part": "jobs", **content}})

    def sets(self, model: str, **state: Any) -> None:
        """Set synced traits, as that page would."""
        self._send(model, {"method": "update", "state": state, "buffer_paths": []})

    def _send(self, model: str, data: dict[str, Any]) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        if self.subshell:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def hears(self, *words: str) -> bool:
        """Whether one of these words is in the next thing that a widget said; that is taken from the queue."""
        try:
            said = str(self.client.get_iopub_msg(timeout=0.2)["content"].get("data"))
        except Exception:  # an empty queue; its class is not part of the interface
            return False
        return any(word in said for word in words)


@pytest.fixture(params=VERSIONS)
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    places = [str(overlay(request.param)), *sys.path]
    manager.start_kernel(env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def server(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address) as session:
        for _ in range(4):
            session.put(b"x", tube="mail")
        session.bury([1, 2, 3])
        yield session


def test_clicks_act_and_updates_come_whichever_thread_runs_them(
    kernel: Kernel, server: Session, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    version = request.node.callspec.params["kernel"]
    assert kernel.run("import ipykernel; print(ipykernel.__version__)").startswith(version)
    setup = f"import beanops; session = beanops.connect({str(server.address)!r}); view = session.browse('mail').wait()"
    model = kernel.run(f"{setup}; print(view.widget.model_id)")
    if version > "7":
        kernel.open_subshell()
    kernel.says(model, "hello", page="1")
    kernel.sets(model, selected={"jobs": {"keys": ["1", "2"], "focus": "2"}})
    kernel.says(model, "action", name="kick", keys=["1", "2"], amount=None, text=None, clicked=time.monotonic())
    until(lambda: server.tube("mail").current_jobs_buried == 1)
    until(lambda: kernel.hears("kick: 2 done"))

    over = tmp_path / "over"
    kernel.client.execute(BUSY.format(over=str(over)), store_history=False)
    kernel.says(model, "action", name="kick", keys=["3"], amount=None, text=None, clicked=time.monotonic())
    server.bury([1])  # the thread that polls tells of it while the cell runs
    until(lambda: kernel.hears("'list': ['buried', 'ready']"))
    if kernel.subshell:
        until(lambda: server.job(3).stats.state == "ready")
    over.touch()
    until(lambda: server.job(3).stats.state == "ready")
    assert kernel.run("print(len(session.actions.query(\"source == 'notebook' and outcome == 'done'\")))") == "3"
    assert kernel.run("view.close(); session.close()") == ""
