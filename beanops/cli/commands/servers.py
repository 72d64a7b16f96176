"""Commands about beanops itself: the servers that are configured, and what makes a shell complete commands."""

from __future__ import annotations

import click

from beanops.cli import options
from beanops.cli.output import print_csv, print_json, print_table
from beanops.session.config import config_path, profiles

_COLUMNS = ("name", "address", "read_only", "confirm", "label", "color")


@click.command()
@options.printing
def servers(output: str) -> None:
    """Show the servers of the configuration, which --server takes by name."""
    rows = [{name: getattr(known, name) for name in _COLUMNS} for known in profiles().values()]
    if output == "json":
        print_json(rows)
    elif output == "csv":
        print_csv(rows, _COLUMNS)
    else:
        print_table(_COLUMNS, [[*row.values()] for row in rows])
        if not rows:
            click.echo(f"none is configured: name them in {config_path()}", err=True)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, tubes, runs and servers.

    For bash: eval "$(beanops completion bash)"; the same for zsh; for fish: beanops completion fish | source
    """
    from beanops.cli.shells import SCRIPTS

    click.echo(SCRIPTS[shell], nl=False)
