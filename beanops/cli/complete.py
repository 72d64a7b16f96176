"""Completions for the Tab key: tubes, actions, runs, profiles, samples, predicates. Fast, and silent on errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from beanops.session.investigation.last_shown import LastPath

#: Seconds that a server may take; a shell that hangs on Tab is worse than one that offers nothing.
_PATIENCE = 0.5
#: Runs to offer, the newest.
_RUNS = 50

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _quietly(candidates: Callable[[click.Context], Iterable[str]]) -> Completer:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            return [name for name in candidates(ctx) if name.startswith(incomplete) and name.isprintable()]
        except Exception:  # an error message would break the command line being typed
            return []

    return complete


def _server(ctx: click.Context) -> str:
    from beanops.fleet.servers import names_several, servers_of

    named = ctx.params.get("server") or ctx.find_root().params.get("server") or "127.0.0.1:11300"
    return servers_of(named)[0].name if names_several(named) else str(named)  # of several the first


def _tubes(ctx: click.Context) -> Iterable[str]:
    from beanops.client.sync import Client
    from beanops.session.config import profile

    with Client(profile(_server(ctx)).reach, connect_timeout=_PATIENCE, read_timeout=_PATIENCE) as client:
        return sorted(client.list_tubes())


def _runs(ctx: click.Context) -> Iterable[str]:
    from beanops.journal.journal import Journal
    from beanops.session.config import default_journal, profile

    address = profile(_server(ctx)).address
    return [run.id for run in Journal(default_journal()).runs(address, limit=_RUNS)]


def _servers(ctx: click.Context) -> Iterable[str]:
    from beanops.fleet.servers import groups
    from beanops.session.config import profiles

    return [*sorted(profiles()), *sorted(groups())]


def _samples(ctx: click.Context) -> Iterable[str]:
    from beanops.session.files.samples import names

    return names()


def _actions(ctx: click.Context) -> Iterable[str]:
    from beanops.session.execution.verbs import ACTIONS

    return ACTIONS


def _groups(ctx: click.Context) -> Iterable[str]:
    from beanops.session.config import profile
    from beanops.session.investigation.last_shown import last_groups

    return [group.name for group in last_groups(profile(_server(ctx)).address)]


def _columns() -> list[str]:
    from beanops.jobs.sql.jobs_table import TABLE

    return list(TABLE)


def _last_paths(ctx: click.Context) -> list[LastPath]:
    from beanops.session.config import profile
    from beanops.session.investigation.last_shown import last_paths

    return last_paths(profile(_server(ctx)).address, _tube(ctx))


def _tube(ctx: click.Context) -> str | None:
    named: str | None = ctx.params.get("tube")
    arguments = [param.name for param in ctx.command.params if isinstance(param, click.Argument)]
    if named is None and "tube" in arguments:
        # While the value of an option is typed click leaves the arguments unnamed.
        named = dict(zip(arguments, ctx.args, strict=False)).get("tube")
    return named


def predicates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer columns, and paths and values of the last facets, for the last term of a predicate."""
    from beanops.ui.predicates import complete_predicate

    return _quietly(lambda ctx: complete_predicate(incomplete, _last_paths(ctx)))(ctx, param, incomplete)


def _expressions(ctx: click.Context) -> Iterable[str]:
    return [*_columns(), *(path.sql for path in _last_paths(ctx))]


actions = _quietly(_actions)
groups = _quietly(_groups)
expressions = _quietly(_expressions)
tubes = _quietly(_tubes)
runs = _quietly(_runs)
_named_servers = _quietly(_servers)
samples = _quietly(_samples)


def servers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the servers of the configuration, and paths of sockets where a path was begun."""
    from click.shell_completion import CompletionItem

    if incomplete.startswith("/"):
        return [CompletionItem(incomplete, "file")]
    return [CompletionItem(name) for name in _named_servers(ctx, param, incomplete)]
