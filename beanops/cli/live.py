"""Commands that take the whole terminal: the TUI, and the demo, a server with a workload under the TUI."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from types import FrameType

import click

from beanops.cli import options
from beanops.cli.demo.workload import running
from beanops.cli.look import show_tubes
from beanops.cli.streams import on_terminal
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import UsageError
from beanops.session.session import connect
from beanops.text import safe_text

#: Seconds between the two looks of a demo without a terminal.
_BETWEEN = 3.0


@click.command()
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=1.0, show_default=True, help="Seconds.")
@options.server
@options.read_only
def tui(interval: float, server: str, read_only: bool) -> None:
    """Watch the tubes live, open them, look at jobs and act on them. The key ? shows the keys."""
    if not on_terminal("stdin", "stdout"):
        raise click.UsageError("this needs a terminal; beanops tubes prints the tubes once")
    _show(server, read_only=read_only, interval=interval)


def _show(server: str, *, read_only: bool = False, interval: float = 1.0) -> None:
    try:
        from beanops.tui.app import run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise UsageError("the TUI needs textual: pip install 'beanops[tui]'") from None
    connect(server, source="tui").close()  # no server is told here, in one line
    run(server, read_only=read_only, interval=interval)


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def serve(ctx: click.Context, flags: tuple[str, ...]) -> None:
    """Run beanops' own server with the flags of beanstalkd; -h lists them."""
    from beanops.embedded import run

    ctx.exit(run(flags))


@click.command()
@click.option("--embedded", is_flag=True, help="Use beanops' own server even where beanstalkd is installed.")
def demo(embedded: bool) -> None:
    """Start a private server and a lively workload, and open the TUI on it; it all ends with the TUI.

    The server is beanstalkd where it is on PATH, else beanops' own. Without a terminal the tubes are printed twice,
    a few seconds apart.
    """
    with (
        _ending(signal.SIGTERM, signal.SIGHUP),
        TemporaryDirectory(prefix="beanops-demo-") as folder,
        _server(embedded) as (address, which),
    ):
        # What is tried out here is no part of the journal of real servers.
        os.environ["BEANOPS_JOURNAL"] = os.path.join(folder, "journal.sqlite")
        click.echo(f"beanops demo: {which} at {address}, with a made-up workload", err=True)
        with running(address):
            if on_terminal("stdin", "stdout"):
                _show(address)
            else:
                _print_twice(address)
    click.echo("beanops demo: the server has ended", err=True)


@contextmanager
def _server(embedded: bool) -> Iterator[tuple[str, str]]:
    """Choose and start the demo's server; give its address, and what it is."""
    if embedded or shutil.which("beanstalkd") is None:
        from beanops.embedded import serve

        with serve() as address:
            yield address, "beanops' own server (in memory)"
    else:
        with Beanstalkd() as server, connect(server.address, source="cli") as session:
            yield server.address, safe_text(f"a private beanstalkd {session.server().version}")


def _print_twice(address: str) -> None:
    with connect(address, source="cli") as session:
        show_tubes(session.tube_stats())
        time.sleep(_BETWEEN)
        click.echo(f"\n{_BETWEEN:g} seconds later:\n")
        show_tubes(session.tube_stats())


@contextmanager
def _ending(*signals: signal.Signals) -> Iterator[None]:
    """Let signals that would end the process at once end it as Ctrl-C does, so that no server is left behind."""
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        # What is set there knows how to stop an event loop, which an exception from here would tear apart.
        (interrupt if callable(interrupt) else signal.default_int_handler)(signal.SIGINT, frame)

    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            raise SystemExit(128 + received[0]) from None
