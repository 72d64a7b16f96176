"""The command that runs the embedded server of `beanops.embedded`."""

from __future__ import annotations

import click

from beanops.embedded import run


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def serve(ctx: click.Context, flags: tuple[str, ...]) -> None:
    """Run the embedded server with the flags of beanstalkd; -h lists them."""
    ctx.exit(run(flags))
