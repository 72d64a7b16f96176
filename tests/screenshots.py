"""Take the pictures of the manual: ``python -m tests.screenshots`` runs the dashboard on the demo."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from beanops import connect, manual
from beanops.cli.demo.workload import running
from beanops.embedded.process import Beanstalkd
from beanops.tui.app import Dashboard

PICTURES = Path(manual.__file__).parent / "pictures"
#: Seconds that the workload runs before a picture is taken: rates need a while.
PATIENCE = 12.0


def keep(app: Dashboard, name: str) -> None:
    """Write what the app shows as a picture that loads nothing from anywhere."""
    picture = app.export_screenshot(title="beanops demo")
    # Another server may have the usual port here; the picture shows what a reader will see.
    picture = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:11300", picture)
    picture = re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", picture, flags=re.DOTALL)
    picture = re.sub(r"\n[ \n]*\n", "\n", picture)
    (PICTURES / name).write_text(picture)
    print(f"{PICTURES.name}/{name}: {len(picture):,} bytes")


async def take() -> None:
    """Take a picture of the tubes, one of a tube with its jobs, and one of the command line."""
    with Beanstalkd() as server, running(server.address), connect(server.address, source="tui") as session:
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


if __name__ == "__main__":
    asyncio.run(take())
