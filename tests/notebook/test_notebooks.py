"""The notebooks of the repository: each runs from top to bottom, on a server of its own and on the user's."""

from __future__ import annotations

import asyncio
import base64
import getpass
import io
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from PIL import Image

from beanops.embedded.process import Beanstalkd
from beanops.session.connect import connect
from tests.notebook.outputs import FOLDER, NOTEBOOKS, fingerprint, kinds, scrub

NAMES = [path.stem for path in NOTEBOOKS]
#: Notebooks that run at a time: most of their time they wait.
TOGETHER = 3
#: Makes a kernel as good as new, in another environment: to start one takes longer than most notebooks do.
FRESH = """get_ipython().reset(new_session=True)
import os
os.environ.clear()
os.environ.update({environment!r})
del os"""

Kernels = asyncio.Queue[AsyncKernelManager]

Ran = dict[str, tuple[nbformat.NotebookNode, Beanstalkd]]


@asynccontextmanager
async def kernels(environment: dict[str, str]) -> AsyncIterator[Kernels]:
    """Start the kernels in which notebooks run one after another."""
    idle = Kernels()
    started = [AsyncKernelManager(kernel_name="python3") for _ in range(TOGETHER)]
    try:
        for kernel in started:
            await kernel.start_kernel(env=environment)
            idle.put_nowait(kernel)
        yield idle
    finally:
        for kernel in started:
            await kernel.shutdown_kernel(now=True)


async def run(path: Path, environment: dict[str, str], idle: Kernels, tube: str | None = None) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    if tube is not None:
        for cell in notebook.cells:
            cell.source = cell.source.replace("TUBE = OWN ", f"TUBE = {tube!r} ")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FRESH.format(environment=environment)))
    kernel = await idle.get()
    client = NotebookClient(notebook, km=kernel, timeout=60)
    try:
        await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        idle.put_nowait(kernel)
    return notebook


async def run_all(folder: Path, servers: ExitStack) -> Ran:
    common = {name: value for name, value in os.environ.items() if name != "BEANOPS_SERVER"}
    names: list[tuple[str, Beanstalkd]] = []
    environments: list[tuple[Path, dict[str, str]]] = []
    for path in NOTEBOOKS:
        own = common | {
            "BEANOPS_JOURNAL": str(folder / f"{path.stem}.sqlite"),
            "MPLBACKEND": "agg",
            "TMPDIR": str(folder),
        }
        server = servers.enter_context(Beanstalkd())
        names += [(f"{path.stem} alone", server), (path.stem, server)]
        environments += [(path, own), (path, own | {"BEANOPS_SERVER": server.address})]
    async with kernels(common | {"MPLBACKEND": "agg", "TMPDIR": str(folder)}) as idle:
        done = await asyncio.gather(*(run(path, environment, idle) for path, environment in environments))
    return {name: (notebook, server) for (name, server), notebook in zip(names, done, strict=True)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run each notebook twice, side by side: on a private server, and on a real one in place of the user's."""
    folder = tmp_path_factory.mktemp("notebooks")
    # In a thread: the browser's tests leave an event loop running in this one.
    with ExitStack() as servers, ThreadPoolExecutor(1) as thread:
        yield thread.submit(lambda: asyncio.run(run_all(folder, servers))).result()


def texts(notebook: nbformat.NotebookNode, kind: str = "text/plain") -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(str(output.get("data", {}).get(kind) or output.get("text", "")) for output in outputs)


def committed(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NAMES)
def test_its_outputs_are_those_of_its_code(name: str) -> None:
    notebook = committed(name)
    assert notebook.metadata["beanops"]["outputs_of"] == fingerprint(notebook), "run `make notebooks`"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_its_outputs_are_those_of_this_beanops(ran: Ran, name: str) -> None:
    """What a reader sees on a page is what one sees who runs the notebook."""
    again = deepcopy(ran[f"{name} alone"][0])
    del again.cells[0]  # makes the kernel new
    scrub(again)
    assert kinds(committed(name)) == kinds(again), "run `make notebooks`"


@pytest.mark.parametrize("name", NAMES)
def test_its_outputs_say_nothing_of_the_machine_that_made_them(name: str) -> None:
    shown = json.dumps([cell.get("outputs", []) for cell in committed(name).cells])
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", shown)
    home, host = str(Path.home()), socket.gethostname()
    for trace in (
        str(FOLDER.parent),
        f"{getpass.getuser()}@",
        host,
        home,
        "/tmp/",
        "/dev/shm",
        " at 0x",
        "widget-view",
    ):
        assert trace not in without_pictures
    assert set(committed(name).metadata) == {"kernelspec", "language_info", "beanops"}


def test_each_has_a_picture_and_all_are_small() -> None:
    for name in NAMES:
        assert any("image/png" in kind or kind == "view" for cell in kinds(committed(name)) for kind in cell)
    assert sum(path.stat().st_size for path in NOTEBOOKS) < 1_500_000


def test_pictures_of_a_notebook_are_whole_and_not_empty() -> None:
    for name in NAMES:
        for cell in committed(name).cells:
            for output in cell.get("outputs", ()):
                if "image/png" in output.get("data", {}):
                    picture = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
                    picture.load()
                    assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 4


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_with_a_private_server(ran: Ran, name: str) -> None:
    assert texts(ran[f"{name} alone"][0])


#: Texts that each notebook shows.
SHOWN = {
    "bulk_ops": ["bury: 250 would be done", "stopped: cancelled", "it is ready", "undo: 250 done"],
    "capacity": ["would empty the tube in two seconds", "fewer a second: empty in about", "ready < 20 is true"],
    "causes": ["KeyError: 'vat_id'", "edit: 108 would be done", "no jobs left to kick", "142 buried"],
    "fleet": ["kick: 35 would be done on 3 servers", "undo: 27 done on 1 server", "without an answer: shop-asia"],
    "first_look": ["first-look-mail", "unpause: 1 done", "kick: 2 done"],
    "incident": [
        "kick: 20 would be done",
        "move: 12 done",
        "undo: 12 done",
        "[redacted]",
        "no such template: wellcome",
    ],
}


@pytest.mark.parametrize("name", NAMES)
def test_it_leaves_a_server_of_the_users_as_it_was(ran: Ran, name: str) -> None:
    done, server = ran[name]
    shown = texts(done)
    for words in SHOWN[name]:
        assert words in shown
    with connect(server.address) as session:
        assert {tube.name for tube in session._lookups.tube_stats()} == {"default"}
        stats = session.server()
    assert stats.total_jobs > 10
    assert stats.current_jobs_ready + stats.current_jobs_buried + stats.current_jobs_delayed == 0


#: Tubes of the user's with the names that the notebooks choose.
TAKEN = ["first-look-mail", "incident-quarantine", "bulk-exports", "capacity-orders", "causes-billing", "fleet-mail"]


def test_they_leave_the_jobs_of_the_user_alone(tmp_path: Path, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    with connect(server.address) as session:
        for tube in [*TAKEN, "orders"]:
            session.put(b"theirs", tube=tube)
            session.bury(session.put(b"theirs", tube=tube).ids)
    common = {**os.environ, "BEANOPS_SERVER": server.address, "MPLBACKEND": "agg", "TMPDIR": str(tmp_path)}

    async def run_them() -> list[Any]:
        (capacity,) = (path for path in NOTEBOOKS if path.stem == "capacity")
        async with kernels(common) as idle:
            measured = run(capacity, common, idle, tube="orders")
            return await asyncio.gather(
                measured, *(run(path, common, idle) for path in NOTEBOOKS), return_exceptions=True
            )

    with ThreadPoolExecutor(1) as thread:
        measured, *refused = thread.submit(lambda: asyncio.run(run_them())).result()
    assert "1 jobs, and not getting fewer" in texts(measured)
    for error in refused:
        assert "already" in str(error)
        assert "AssertionError" in str(error)
    with connect(server.address) as session:
        assert session.server().cmd_delete == 0
        assert session.server().total_jobs == 2 * (len(TAKEN) + 1)
        assert session.server().cmd_reserve_with_timeout + session.server().cmd_reserve == 0


def test_a_notebook_file_keeps_a_view_as_a_table(
    ran: Ran,
) -> None:
    assert "<td>first-look-mail</td>" in texts(ran["first_look"][0], "text/html")
    outputs = texts(ran["incident"][0], "text/html").split("\n<p>")
    browsed = next(output for output in outputs if "jobs of incident-mail, buried" in output)
    assert "<td>incident-mail</td>" in browsed
    assert "[redacted]" in browsed
    assert "hunter2" not in browsed
