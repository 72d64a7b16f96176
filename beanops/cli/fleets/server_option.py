"""The option ``-s``: of commands on one server, and of those that take several, whose value is then a tuple.

Light, because every call imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from beanops.text import seconds_in

F = TypeVar("F", bound=Callable[..., Any])

#: One server, or several.
Servers = str | tuple[str, ...]
_PATIENCE = "beanops.patience"


def patience(function: F) -> F:
    """Add the option on silent servers to the group of all commands."""
    return _patience(function, hidden=False)


def patience_too(function: F) -> F:
    """Add it to a command, hidden: it may follow its name, whose help leaves it to that of `beanops` itself."""
    return _patience(function, hidden=True)


def _patience(function: F, hidden: bool) -> F:
    return click.option(
        "--patience",
        metavar="SECONDS",
        hidden=hidden,
        expose_value=False,
        callback=_keep,
        help="Of several servers: time that each may owe an answer, 10 by default",
    )(function)


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        seconds = seconds_in(value)
        if not seconds or seconds == float("inf"):
            raise click.BadParameter(f"{value!r} is no time such as 10 or 500ms", ctx, param)
        ctx.meta[_PATIENCE] = seconds


def patience_of(ctx: click.Context) -> float | None:
    """Return the seconds that were given, None where none were."""
    return ctx.meta.get(_PATIENCE)


class OneServer(click.Option):
    """The option of a command on one server; several, a group or a glob are refused in one line."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, Any]:
        """Return the server, also where several may be given before the command's name."""
        value, source = super().consume_value(ctx, opts)
        given = value if isinstance(value, tuple) else (value,)
        if not isinstance(given[0], str) or ctx.resilient_parsing or not names_several(given):
            return given[0], source
        from beanops.fleet.servers import servers_of

        names = [one.name for one in servers_of(given)]
        if len(names) == 1:
            return names[0], source
        few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        said = " ".join(f"-s {one}" for one in given)
        raise click.UsageError(f"it takes one server, and {said} names {len(names)}: choose one of {few}", ctx)


class OneOrMore(click.Option):
    """The option of a command on one server or several, given several times."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "multiple": True})

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the variable as one name: the path of a socket may have blanks."""
        value = self.resolve_envvar_value(ctx)
        return None if value is None else (value,)

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, Any]:
        """Return the servers, also where one is given before the command's name."""
        value, source = super().consume_value(ctx, opts)
        return ((value,) if isinstance(value, str) else value), source

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return one server as text, and several, a group or a glob as a tuple."""
        given = super().type_cast_value(ctx, value)
        if not isinstance(given, tuple):
            return given  # there is none
        several = len(given) > 1 or (not ctx.resilient_parsing and names_several(given))
        return given if several else given[0] if given else None


def names_several(given: tuple[str, ...]) -> bool:
    """Whether a command is about several servers, without reading the configuration for an address."""
    if len(given) != 1:
        return len(given) > 1
    if any(sign in given[0] for sign in ":/"):
        return False
    from beanops.fleet import servers

    return servers.names_several(given[0])
