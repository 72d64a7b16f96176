"""Take the pictures of the manual: ``python -m tests.screenshots`` shows the demo in the terminal and in a notebook."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from beanops import connect, manual, plots
from beanops.cli.demo.workload import running
from beanops.embedded.process import Beanstalkd
from beanops.tui.app import Dashboard
from tests.needs import chromium
from tests.notebook.lab import headless, jupyter_lab

PICTURES = Path(manual.__file__).parent / "pictures"
#: Seconds that the workload runs before a picture is taken: rates need a while.
PATIENCE = 12.0
#: Another server may have the usual port here; the picture shows what a reader will see.
ADDRESS, USUAL = r"127\.0\.0\.1:\d+", "127.0.0.1:11300"

#: Replaces the address in the page, now and after each refresh.
_SHOW_USUAL_ADDRESS = """([address, usual]) => {
  const replace = () => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode, shown = text.data.replace(new RegExp(address, "g"), usual);
      if (text.data !== shown) text.data = shown;
    }
  };
  new MutationObserver(replace).observe(document.body, { subtree: true, childList: true, characterData: true });
  replace();
}"""


def keep(app: Dashboard, name: str) -> None:
    """Write what the app shows as a picture that loads nothing from anywhere."""
    picture = app.export_screenshot(title="beanops demo")
    picture = re.sub(ADDRESS, USUAL, picture)
    picture = re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", picture, flags=re.DOTALL)
    picture = re.sub(r"\n[ \n]*\n", "\n", picture)
    (PICTURES / name).write_text(picture)
    print(f"{PICTURES.name}/{name}: {len(picture):,} bytes")


async def take(address: str) -> None:
    """Take a picture of the tubes, one of a tube with its jobs, and one of the command line."""
    with connect(address, source="tui") as session:
        app = Dashboard(session)
        async with app.run_test(size=(116, 22)) as pilot:
            await asyncio.sleep(PATIENCE)
            keep(app, "tubes.svg")
            await pilot.press("enter")
            await asyncio.sleep(2)
            keep(app, "tube.svg")
            await pilot.press("escape", "colon", *"t")
            await asyncio.sleep(1)
            keep(app, "command.svg")


def take_notebook(address: str, name: str, program: str) -> None:
    """Take a picture of the dashboard in JupyterLab."""
    with headless(program) as browser, tempfile.TemporaryDirectory() as folder:
        open_session = f'import beanops\n\nsession = beanops.connect("{address}")'
        with (
            jupyter_lab(Path(folder), browser) as lab,
            lab.notebook(open_session, "session.dashboard()") as notebook,
        ):
            notebook.command("notebook:run-all-cells")
            notebook.row(0, "billing").click()
            notebook.page.wait_for_timeout(PATIENCE * 1000)
            notebook.page.evaluate(_SHOW_USUAL_ADDRESS, [ADDRESS, USUAL])
            output = notebook.page.locator(".jp-OutputArea-child:has(.beanops)").first
            output.screenshot(path=PICTURES / name)
    print(f"{PICTURES.name}/{name}: {(PICTURES / name).stat().st_size:,} bytes")


def take_plots(address: str) -> None:
    """Draw the plot of the manual, as a notebook shows it."""
    with connect(address) as session:
        figure = plots.groups(session.groups("billing", state="buried"), name="billing")
        packed = figure._repr_mimebundle_()[0]["image/png"]
    (PICTURES / "plot-groups.png").write_bytes(packed)
    print(f"{PICTURES.name}/plot-groups.png: {len(packed):,} bytes")


if __name__ == "__main__":
    with Beanstalkd() as server, running(server.address):
        take_plots(str(server.address))
        asyncio.run(take(str(server.address)))
        if browser := chromium():
            take_notebook(str(server.address), "notebook.png", browser)
        else:
            print(f"{PICTURES.name}/notebook.png: not taken, chromium is not installed")
