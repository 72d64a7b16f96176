"""The command that shows the manual in the terminal."""

from __future__ import annotations

from shutil import get_terminal_size

import click

from beanops.cli.one_of import OneOf
from beanops.cli.streams import on_terminal
from beanops.manual import page, terminal_page, topics

#: Lines longer than this are hard to read.
_WIDTH = 100


@click.command()
@click.argument("topic", required=False, type=OneOf([*topics()]), metavar="[TOPIC]")
def manual(topic: str | None) -> None:
    """Show a page of the manual, or the list of topics. It needs no network.

    On a terminal the page opens in your pager (PAGER, less by default); elsewhere the Markdown is printed.
    """
    name = topic or "index"
    if not on_terminal("stdout"):
        click.echo(page(name), nl=False)
        return
    text = _rendered(terminal_page(name), min(get_terminal_size().columns, _WIDTH))
    if topic is None:
        click.echo(text)
    else:
        click.echo_via_pager(text)


def _rendered(markdown: str, width: int) -> str:
    """Return Markdown as text with the terminal's styles."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=width, force_terminal=True)
    with console.capture() as captured:
        console.print(Markdown(markdown, hyperlinks=False, code_theme="ansi_dark"))
    return captured.get()
