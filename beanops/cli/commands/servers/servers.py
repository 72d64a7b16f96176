"""Commands on the setup of beanops: configured servers, and completion scripts."""

from __future__ import annotations

from typing import Any

import click

from beanops.cli import options
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_csv, print_json, print_table
from beanops.fleet.servers import groups, servers_of
from beanops.session.config import Profile, config_path, profiles

_COLUMNS = ("name", "address", "others", "groups", "token", "read_only", "confirm", "label", "color")


@click.command()
@options.printing
def servers(output: str) -> None:
    """List the servers of the configuration; --server takes their names, and those of their groups."""
    members = {group: {one.name for one in servers_of(group)} for group in groups()}
    rows = [
        _row(known, ", ".join(group for group, names in members.items() if known.name in names))
        for known in profiles().values()
    ]
    if output == "json":
        print_json(rows)
    elif output == "csv":
        print_csv(rows, _COLUMNS)
    else:
        print_table(_COLUMNS, [[*row.values()] for row in rows])
        if not rows:
            click.echo(f"no servers configured; add them to {config_path()}", err=True)


def _row(known: Profile, grouped: str) -> dict[str, Any]:
    """Return a row; of a token what it comes from, and no more."""
    texts = {"others": ", ".join(known.others), "token": known.token.kind if known.token is not None else ""}
    texts["groups"] = grouped
    return {name: texts[name] if name in texts else getattr(known, name) for name in _COLUMNS}


@click.command()
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for SHELL: commands, tubes, runs and servers.

    For bash: eval "$(beanops completion bash)"; the same for zsh; for fish: beanops completion fish | source
    """
    from beanops.cli.shells import SCRIPTS

    click.echo(SCRIPTS[shell], nl=False)
