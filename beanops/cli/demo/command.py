"""The demo: a server of its own with a workload, under the TUI. Nothing that is done there outlives it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from beanops.cli.commands.dashboard import show
from beanops.cli.commands.investigation.groups import show_groups
from beanops.cli.commands.tubes import show_tubes
from beanops.cli.demo.workload import running
from beanops.cli.streams import on_terminal
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.session.connect import connect
from beanops.text import safe_text

#: Seconds between the two looks of a demo without a terminal.
_BETWEEN = 3.0
#: What beanops keeps on disk, and what names another place for it. The demo must neither write to the user's own, nor
#: lead to the user's servers, for its journal is deleted.
_FILES = {
    "BEANOPS_CONFIG": "config.toml",
    "BEANOPS_JOURNAL": "journal.sqlite",
    "BEANOPS_SAMPLES": "samples",
    "BEANOPS_STATE": "tui.json",
}


@click.command()
@click.option("--embedded", is_flag=True, help="Use the embedded server even if beanstalkd is installed")
def demo(embedded: bool) -> int:
    """Start a private server with a sample workload and open the dashboard on it; both end with the dashboard.

    The server is beanstalkd if it is installed, else the embedded one. Without a terminal, the tubes are printed twice,
    a few seconds apart, and the causes of failed jobs.
    """
    code = 0
    with (
        TemporaryDirectory(prefix="beanops-demo-") as folder,
        _server(embedded) as (address, which),
    ):
        os.environ.update({name: os.path.join(folder, file) for name, file in _FILES.items()})
        Path(os.environ["BEANOPS_CONFIG"]).write_text(f'[servers.demo]\naddress = "{address}"\n')
        click.echo(f"beanops demo: {which} at {address}, with a made-up workload", err=True)
        with running(address):
            if on_terminal("stdin", "stdout"):
                code = show(address)
            else:
                _print_twice(address)
    click.echo("beanops demo: the server has ended", err=True)
    return code


@contextmanager
def _server(embedded: bool) -> Iterator[tuple[str, str]]:
    """Choose and start the demo's server; give its address, and what it is."""
    if embedded or shutil.which("beanstalkd") is None:
        from beanops.embedded import serve

        with serve() as address:
            yield address, "beanops' own server (in memory)"
    else:
        with Beanstalkd() as server:
            with Client(server.address) as client:
                version = client.stats().version
            yield server.address, safe_text(f"a private beanstalkd {version}")


def _print_twice(address: str) -> None:
    with connect(address, source="cli") as session:
        show_tubes(session._lookups.tube_stats())
        time.sleep(_BETWEEN)
        click.echo(f"\n{_BETWEEN:g} seconds later:\n")
        show_tubes(session._lookups.tube_stats())
        click.echo("\nThe buried jobs of billing, by cause:\n")
        show_groups(session, "billing", "buried")
