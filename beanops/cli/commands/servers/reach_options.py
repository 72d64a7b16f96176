"""Options that say how the servers of ``--server`` are reached: TLS and the token.

They can be before or after a command's name; its help leaves them to that of `beanops` itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

#: Names with metavar and help. None takes a token itself: others could read it in the list of processes.
OPTIONS = {
    "tls_ca": ("FILE", "Trusted certificates, for beanstalks:// (or a folder)"),
    "tls_cert": ("FILE", "Client certificate"),
    "tls_key": ("FILE", "Private key of the client certificate"),
    "tls_server_name": ("NAME", "Name in the server's certificate"),
    "tls_min_version": ("VERSION", "Oldest TLS version: 1.2 or 1.3"),
    "token_file": ("FILE", "File with the server's token"),
    "token_command": ("COMMAND", "Command that prints the server's token"),
    "token_keyring": ("SERVICE/USER", "Keyring entry of the server's token"),
}
_KEY, _VARIABLES = "beanops.reach", "beanops.reach.variables"


def reaching(function: F) -> F:
    """Add the options to a command, hidden."""
    return _added(function, hidden=True)


def reaching_all(function: F) -> F:
    """Add the options to the group of all commands, with their variables."""
    return _added(function, hidden=False)


def _added(function: F, hidden: bool) -> F:
    for name, (metavar, help) in reversed(OPTIONS.items()):
        variable = f"BEANOPS_{name.upper()}"
        function = click.option(
            f"--{name.replace('_', '-')}",
            name,
            metavar=metavar,
            help=f"{help} [env: {variable}]",
            envvar=None if hidden else variable,
            hidden=hidden,
            expose_value=False,
            callback=_keep,
        )(function)
    return function


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    name, options, variables = str(param.name), given(ctx), ctx.meta.setdefault(_VARIABLES, set())
    if name.startswith("token_"):
        # A token has one source, and one on the command line is stronger than a variable.
        others = {other for other in options if other.startswith("token_")} - {name}
        if ctx.get_parameter_source(name) is click.core.ParameterSource.ENVIRONMENT:
            if others - variables:
                return
            variables.add(name)
        else:
            variables.discard(name)
            for other in others & variables:
                del options[other]
    options[name] = value


def given(ctx: click.Context) -> dict[str, str]:
    """Return the options that are given, those after a command's name over those before it."""
    options: dict[str, str] = ctx.meta.setdefault(_KEY, {})
    return options


def take(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Have the options apply to the servers of an option."""
    from beanops.session.reaching import give

    for target in (value,) if isinstance(value, str) else value or ():
        # The same mapping, for an option may still follow.
        give(target, given(ctx))
    return value
