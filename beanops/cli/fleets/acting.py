"""Commands that act on several servers at once: one plan and one confirmation for all, and one run on each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from beanops.cli.confirm import confirm, must_ask
from beanops.cli.exits import Incomplete, Unreachable
from beanops.cli.fleets.opening import opened
from beanops.cli.ids import RefsOfServers
from beanops.cli.output import print_csv, print_json, print_table
from beanops.cli.plan import sample_rows
from beanops.cli.runs import ended_by_signals, run_rows, summary
from beanops.cli.selection import Chosen
from beanops.cli.streams import on_terminal
from beanops.fleet.fleet import Fleet
from beanops.fleet.fleet_run import FleetRun
from beanops.jobs.refs import JobRefs
from beanops.journal.records import Action
from beanops.protocol.errors import BeanopsError, ConnectionLost, ProtocolError, UsageError
from beanops.session.bars import bar_for
from beanops.session.config import Profile, strictest
from beanops.session.connect import connect
from beanops.text import plural, safe_text
from beanops.ui.confirmation import confirmation
from beanops.ui.runner import Runner

#: Makes a run on all servers; takes ``dry_run``, ``reason``, ``rate`` and ``progress``.
Act = Callable[..., FleetRun]

_OUTCOMES = ("done", "skipped", "failed", "unknown")
#: Servers that a question names.
_NAMED = 5


def act_on_jobs(verb: str, chosen: Chosen, how: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Carry out a command on the jobs of a tube on all servers: show it, or ask and do it.

    Parameters
    ----------
    verb : str
        The action.
    chosen : Chosen
        The jobs; those of ids only where these name their servers.
    how : mapping of str to object
        The arguments of the verb besides its jobs.
    asked : mapping of str to object
        The options of the command.
    """
    with ExitStack() as ends:
        fleet = ends.enter_context(opened(asked))
        jobs = _of_servers(chosen.jobs, fleet) if isinstance(chosen.jobs, JobRefs) else chosen.jobs
        if asked.get("to_server") is not None:
            there = connect(asked["to_server"], source="cli", read_only=asked["read_only"])
            how = {**how, "server": ends.enter_context(there)}
        act = partial(getattr(fleet, verb), **how)
        which = {name: chosen.which[name] for name in ("state", "where", "group") if name in chosen.which}
        _carry_out(
            fleet,
            verb,
            partial(act, jobs, **chosen.which, dry_run=True),
            lambda planned: partial(act, planned, **which),  # jobs that come later are left alone
            partial(act, jobs, **chosen.which),
            asked,
            chosen.words,
        )


def _of_servers(refs: JobRefs, fleet: Fleet) -> dict[str, JobRefs]:
    """Return the jobs of each server, where each job comes with the name of its server."""
    if not isinstance(refs, RefsOfServers):
        raise click.UsageError("--ids name jobs of one server: choose one with -s, or give rows with their server")
    return {fleet._dispatch.member(name).name: found for name, found in refs.by_server.items()}


def act_on_past(verb: str, run: str, how: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Undo or resume the runs of a call on several servers, or show what that would do."""
    from beanops.fleet.past_runs import rows_of

    with opened(asked) as fleet:
        rows = rows_of(fleet._dispatch.record(), run)
        act = partial(getattr(fleet, verb), run, fleet.servers, **how)  # -s chooses some of its servers
        action = rows[0].action
        undoes = action if verb == "undo" else ""
        words = f"the {action} of run {run}" if undoes else f"run {run}"
        name = "undo" if undoes else action
        _carry_out(
            fleet, name, partial(act, dry_run=True), lambda planned: act, act, asked, words, undoes=undoes,
            verb="undo" if undoes else f"resume {action}",
        )  # fmt: skip


def act_on_tube(verb: str, tube: str, arguments: tuple[Any, ...], asked: Mapping[str, Any]) -> None:
    """Pause a tube on all servers, or end its pause."""
    with opened(asked) as fleet:
        report(getattr(fleet, verb)(tube, *arguments, reason=asked["reason"]), asked)


def _carry_out(
    fleet: Fleet,
    action: str,
    plan: Callable[[], FleetRun],
    confirmed: Callable[[FleetRun], Act],
    at_once: Act,
    asked: Mapping[str, Any],
    words: str,
    *,
    undoes: str = "",
    verb: str = "",
) -> None:
    """Make a plan, show it or ask about it as the strictest profile demands, and carry it out."""
    asks_as = "delete" if action == "drain" else action
    known = profile_of(fleet)
    if asked["dry_run"]:
        _preview(fleet, plan, asked, asks_as, known, undoes)
        return
    act, total = at_once, None
    missing: dict[str, BeanopsError] = {}
    doubts: list[str] = []
    if not (asked["yes"] or all(one.read_only for one in fleet.profiles.values())):
        if confirmation(asks_as, 0, known, undoes=undoes).kind != "nothing":
            must_ask(verb or asks_as, words)  # before a search that may take long
        planned = plan()
        doubts = _doubts_of(planned)
        known = profile_of(fleet)  # which the sessions know better
        if planned.done:
            _ask(planned, asks_as, verb or asks_as, words, known, undoes)
        act, missing, total = confirmed(planned), planned.errors, planned.done
    how = {name: asked[name] for name in ("reason", "rate") if asked.get(name) is not None}
    with bar_for(None, True, "jobs", action, total) as bar:
        runner = Runner(None if bar is None else bar.show_run)
        with ended_by_signals(action, runner):
            run = act(**how, progress=runner.progress)
    for name, error in missing.items():
        run.errors.setdefault(name, error)
    report(run, asked, doubts)


def profile_of(fleet: Fleet) -> Profile:
    """Return a profile for all servers: their strictest rules, under the name by which they were asked for."""
    names = ", ".join(fleet.servers[:_NAMED]) + (", ..." if len(fleet.servers) > _NAMED else "")
    whole = Profile(fleet._name, f"{plural(len(fleet.servers), 'server')}: {names}")
    members = fleet._dispatch.members.values()
    of_servers = [one.profile if one.session is None else one.session.profile for one in members]
    known = strictest(whole, of_servers)
    return known._replace(name=fleet._name, keep_bodies=all(one.keep_bodies for one in of_servers))


def _doubts_of(planned: FleetRun) -> list[str]:
    """Return why a plan may lack jobs; raise where that leaves none.

    Raises
    ------
    Incomplete
        All jobs were left out.
    """
    causes = {name: run.cause for name, run in planned.runs.items() if run.cause is not None}
    for cause in causes.values():
        if not planned.done:
            raise cause
    if planned.skipped and not planned.done:
        raise Incomplete(f"nothing was done: {planned.summary}")
    left_out = [f"{planned.skipped:,} were left out, {next(iter(planned.reasons))}"] if planned.reasons else []
    return [*(f"{name}: {cause}" for name, cause in causes.items()), *left_out]


def _ask(planned: FleetRun, action: str, verb: str, words: str, known: Profile, undoes: str) -> None:
    """Ask about what a dry run found on all servers."""
    counts = {name: run.done for name, run in planned.runs.items() if run.done}
    few = [f"{name}: {count:,}" for name, count in list(counts.items())[:_NAMED]]
    more = ", ..." if len(counts) > _NAMED else ""
    besides = f" ({', '.join(few)}{more})"
    pausing = {name: run.pausing for name, run in planned.runs.items() if run.pauses}
    besides += "".join(f"; on {name} {words}" for name, words in list(pausing.items())[:_NAMED])
    if planned.skipped and planned.reasons:
        besides += f"; {planned.skipped:,} are left out, {next(iter(planned.reasons))}"
    besides += "".join(f"; {name}: {run.cause}" for name, run in planned.runs.items() if run.cause is not None)
    besides += "".join(f"; {name} is left out: {error}" for name, error in planned.errors.items())
    needed = confirmation(action, planned.done, known, undoes=undoes)
    confirm(needed, verb, f"{planned.done:,} of {words}", known, besides=besides)


def _preview(
    fleet: Fleet, plan: Callable[[], FleetRun], asked: Mapping[str, Any], action: str, known: Profile, undoes: str
) -> None:
    """Print what a command would do on each server, with the first jobs, and what that takes."""
    started = time.monotonic()
    run = plan()
    looking = round(time.monotonic() - started, 3)
    final = confirmation(action, run.done, known, undoes=undoes).warning if run.done else ""
    rows = [
        {"server": name, **row} for name, one in run.runs.items() for row in sample_rows(fleet[name], one.sample, ())
    ][:10]
    if asked["output"] == "table":
        click.echo(safe_text(run.summary))
        if rows:
            click.echo(f"\n{'such as ' if len(rows) < run.done else ''}these:")
            print_table(list(rows[0]), [[*row.values()] for row in rows])
        click.echo()
        click.echo(safe_text(f"cost: up to {plural(run.commands, 'command')}; looking took {looking:g} s"))
        if final:
            click.echo(final)
    elif asked["output"] == "csv":
        print_csv(rows, rows[0] if rows else ["server"])
    else:
        cost = {"commands": run.commands, "seconds_looking": looking}
        print_json({**_summary(run), "dry_run": True, "sample": rows, "cost": cost, "caution": final or None})
    causes = [f"{name}: {one.cause}" for name, one in run.runs.items() if one.cause is not None]
    if causes or run.errors:
        raise Incomplete("; ".join([*causes, *(f"{name}: {error}" for name, error in run.errors.items())]))


def report(run: FleetRun, asked: Mapping[str, Any], doubts: Sequence[str] = ()) -> None:
    """Print the results of a call on several servers; raise if they are not complete.

    Parameters
    ----------
    run : FleetRun
        What was done.
    asked : mapping of str to object
        The options of the command.
    doubts : sequence of str
        Why some of the selected jobs may not be among these.

    Raises
    ------
    Incomplete
        Some of it was not done, or a server did not answer.
    Unreachable
        All servers were lost before anything was done.
    """
    output = asked["output"]
    if output == "json":
        print_json(_summary(run))
    elif output == "csv":
        rows = [{**row._asdict(), "server": name} for name, one in run.runs.items() for row in run_rows(one) or ()]
        print_csv(rows, ["server", *(name for name in Action._fields if name != "server")])
    elif run.complete:
        click.echo(safe_text(run.summary))
    if output == "table" and run.done and not run.dry and on_terminal("stderr"):
        click.echo(f"recorded as fleet run {run.id}{_how_to_undo(run, asked)}", err=True)
    if run.complete and not doubts:
        return
    causes: list[BeanopsError] = [*run.errors.values(), *(one.cause for one in run.runs.values() if one.cause)]
    if not (run.done or run.unknown or run.skipped) and causes:
        if all(isinstance(cause, ConnectionLost | ProtocolError) for cause in causes):
            raise Unreachable(run.summary)
        if all(isinstance(cause, UsageError) for cause in causes):
            raise UsageError(run.summary)
    raise Incomplete(
        "; ".join([run.summary, *doubts])
        + (f"; to continue: beanops{_servers(asked)} resume {run.id}" if run.resumable else "")
    )


def _servers(asked: Mapping[str, Any]) -> str:
    from shlex import quote

    return "".join(f" -s {quote(one)}" for one in asked["server"])


def _how_to_undo(run: FleetRun, asked: Mapping[str, Any]) -> str:
    lasting = [one.lasting for one in run.runs.values() if one.done]
    if lasting and all(lasting):
        return f"; this cannot be undone: {lasting[0]}"
    return f"; beanops{_servers(asked)} undo {run.id} undoes what can be undone"


def _summary(run: FleetRun) -> dict[str, Any]:
    """Return the results for JSON."""
    return {
        "fleet_run": None if run.dry else run.id,
        "action": run.action,
        **{outcome: getattr(run, outcome) for outcome in _OUTCOMES},
        "servers": {name: summary(one) for name, one in run.runs.items()},
        "unanswered": run.unanswered,
    }
