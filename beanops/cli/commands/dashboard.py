"""Commands that open the dashboard in the terminal or serve it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from beanops.cli import options
from beanops.cli.plain_tubes import print_tubes, why_plain
from beanops.cli.streams import on_terminal, standard_input
from beanops.fleet.servers import names_several
from beanops.protocol.errors import UsageError
from beanops.session.connect import connect
from beanops.ui.defaults import INTERVAL


@click.command()
@options.interval
@options.redact
@click.option(
    "--replay", "file", metavar="FILE", type=click.Path(path_type=Path), help="Show a recording instead of a server"
)
@click.option("--at", metavar="TIME", help="Start of the replay (UTC), such as 14:30")
@click.option("--speed", type=click.FloatRange(0.01, 86_400), metavar="FACTOR", help="Speed of the replay [default: 1]")
@options.servers
@options.read_only
@click.pass_context
def tui(
    ctx: click.Context,
    interval: float,
    redact: tuple[str, ...],
    file: Path | None,
    at: str | None,
    speed: float | None,
    server: tuple[str, ...],
    read_only: bool,
) -> int:
    """Open the terminal dashboard: watch tubes, inspect jobs and act on them. The key ? shows all keys.

    Several servers, by a glob, a group or a repeated -s, are shown with the tubes of all in one list.

    Where no dashboard can be shown (TERM is dumb, or the output is redirected) it prints the tubes once, the worst
    first, and with --interval again and again.
    """
    if file is None and (at is not None or speed is not None):
        raise click.UsageError("--at and --speed need --replay FILE")
    if plain := why_plain():
        if file is not None:
            raise click.UsageError(f"--replay needs a terminal: {plain}")
        return print_tubes(among(server), plain, interval if _is_given(ctx, "interval") else None)
    if file is not None:
        with _needing_textual():
            from beanops.tui.replay import run
        if len(server) > 1 or names_several(server[0]):
            raise click.UsageError("--replay shows one server: pass one -s")
        return run(file, server[0] if options.is_given(ctx) else None, at=at, speed=speed or 1.0, interval=interval)
    return show(among(server), read_only=read_only, interval=interval, redact=redact)


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


@contextmanager
def _needing_textual() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise UsageError("the TUI needs textual: pip install 'beanops[tui]'") from None


def among(servers: tuple[str, ...]) -> str | tuple[str, ...]:
    """Return the only server that was named, or all of them."""
    return servers[0] if len(servers) == 1 else servers


def show(
    server: str | tuple[str, ...],
    *,
    read_only: bool = False,
    interval: float = INTERVAL,
    redact: tuple[str, ...] = (),
) -> int:
    """Show the TUI until it is left, and return the exit code."""
    with _needing_textual():
        from beanops.tui.app import run
    return run(server, read_only=read_only, interval=interval, redact=redact)


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Listening address; any other is reachable by others"
)
@click.option(
    "--port", type=options.Number(0, 65535), default=8000, show_default=True, help="Listening port; 0 for any"
)
@click.option("--url", help="Public URL, behind a proxy or on another host")
@click.option(
    "--max-visitors", type=options.Number(1, 1000), default=8, show_default=True, help="Maximum concurrent visitors"
)
@click.option("--allow-actions", is_flag=True, help="Allow everybody to act, where nobody logs in")
@click.option("--hash-password", is_flag=True, help="Print the hash of a password for config.toml and exit")
@options.interval
@options.redact
@options.server
@options.read_only
def web(
    host: str,
    port: int,
    url: str | None,
    max_visitors: int,
    allow_actions: bool,
    hash_password: bool,
    interval: float,
    redact: tuple[str, ...],
    server: str,
    read_only: bool,
) -> None:
    """Serve the dashboard over HTTP, by default to this machine and read-only.

    Who may log in, and what for, is in [web] of config.toml.
    """
    if hash_password:
        _print_hash()
        return
    try:
        from beanops.tui.web.server import serve as serve_page
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("textual", "textual_serve", "aiohttp"):
            raise
        raise UsageError("the page needs textual-serve: pip install 'beanops[web]'") from None
    from beanops.session.web_access import web_access

    access = web_access()
    if access.asked and allow_actions:
        raise click.UsageError("--allow-actions is for a page without login; roles say who may act")
    # A missing server or a wrong pattern is reported here, in one line, and not to each visitor.
    connect(server, source="web", redact=redact).close()
    serve_page(
        server,
        host=host,
        port=port,
        url=url,
        read_only=read_only or not (allow_actions or access.asked),
        interval=interval,
        redact=redact,
        visitors=max_visitors,
        access=access,
    )


def _print_hash() -> None:
    """Ask for a password, twice at a terminal, and print its hash."""
    from beanops.tui.web.passwords import hash_password

    if on_terminal("stdin"):
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = standard_input().readline().decode().rstrip("\r\n")
    if not password:
        raise click.UsageError("the password is empty")
    click.echo(hash_password(password))
