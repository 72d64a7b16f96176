"""What a command would do, by a dry run: printed for --dry-run, or part of the question before the command runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import click

from beanops.cli.confirm import confirm, must_ask
from beanops.cli.diffs import print_edits
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_csv, print_json, print_table
from beanops.cli.runs import summary
from beanops.cli.selection import Chosen
from beanops.jobs.refs import JobRefs, refs_of
from beanops.journal.records import Intent
from beanops.session.config import Profile
from beanops.session.execution.run import Run
from beanops.session.execution.targets import NotAllFound
from beanops.session.session import Session
from beanops.text import inflected, plural, safe_text
from beanops.ui.confirmation import confirmation
from beanops.ui.edits import difference

#: Makes the dry run of a command.
Plan = Callable[[], Run]

#: Jobs, and tubes of others, that are shown before a question.
_SHOWN = 3
_COLUMNS = ("id", "tube", "state", "priority", "age", "body")


def planned(plan: Plan) -> Run:
    """Make a dry run; raise what ended it early, unless it is that jobs may be missing."""
    run = plan()
    if run.cause is not None and not isinstance(run.cause, NotAllFound):
        raise run.cause
    return run


def confirmed(action: str, chosen: Chosen, plan: Plan, known: Profile) -> Chosen:
    """Ask about the selected jobs, and return those that were confirmed: jobs that come later are left alone.

    Parameters
    ----------
    action : str
        As in `beanops.ui.confirmation`.
    chosen : Chosen
        The jobs.
    plan : callable
        Makes the dry run.
    known : Profile
        The server.

    Raises
    ------
    Refused
        It was not confirmed.
    """
    named = isinstance(chosen.jobs, JobRefs) and not chosen.which
    count = len(chosen.jobs) if isinstance(chosen.jobs, JobRefs) and named else 0
    if confirmation(action, count, known).kind != "nothing":
        must_ask(action, chosen.words)  # before a search that may take long
    elif named:
        return chosen
    if isinstance(chosen.jobs, JobRefs) and named:
        run = planned(plan)
        _show_which(run)
        ask(action, chosen.words, run, known, count=count)
        # As they were when the user confirmed; the run reports jobs that do not exist or are reserved.
        shown = set(run.refs.ids)
        return chosen._replace(jobs=refs_of([*run.refs, *(ref for ref in chosen.jobs if ref.id not in shown)]))
    run = planned(plan)
    left_out = Incomplete(f"{run.skipped:,} were left out, {_reasons(run)}") if run.skipped else None
    if left_out is not None and not run.done:
        raise Incomplete(f"nothing was done: {run.summary}")
    if run.done:
        ask(action, f"{run.done:,} of {chosen.words}", run, known, count=run.done)
    kept = ("state", "where", "group", "order")
    same: dict[str, Any] = {name: chosen.which[name] for name in kept if name in chosen.which}
    return Chosen(run.refs, same, run.cause or left_out)


def _reasons(run: Run) -> str:
    """Return why jobs are left out: all reasons of a few, each with its number of jobs."""
    if len(run.reasons) == 1:
        return next(iter(run.reasons))
    most = sorted(run.reasons.items(), key=lambda reason: -reason[1][0])
    more = f"; and {plural(len(most) - _SHOWN, 'other reason')}" if len(most) > _SHOWN else ""
    return "; ".join(f"{times:,}: {reason}" for reason, (times, _) in most[:_SHOWN]) + more


def _show_which(run: Run) -> None:
    """Print the state and tube of the first jobs that --ids names, and the tubes of the others."""
    for intent in run.sample[:_SHOWN]:
        click.echo(safe_text(f"job {intent.job_id}: {intent.state_before} in tube {intent.tube}"), err=True)
    tubes = list(dict.fromkeys(run.refs.facts["tube"][_SHOWN:]))
    if tubes:
        others = f" and {len(tubes) - _SHOWN:,} others" if len(tubes) > _SHOWN else ""
        of = f"{inflected(len(tubes), 'tube')} {', '.join(tubes[:_SHOWN])}{others}"
        click.echo(safe_text(f"and {len(run.refs) - _SHOWN:,} more in {of}"), err=True)


def ask(
    action: str, which: str, run: Run, known: Profile, *, count: int, verb: str | None = None, undoes: str = ""
) -> None:
    """Ask about a dry run, with what it skips and the tubes that it would pause.

    Parameters
    ----------
    action, count, known, undoes
        As in `beanops.ui.confirmation`.
    which : str
        The jobs in words.
    run : Run
        The dry run.
    verb : str or None
        The action in words, None for its name.
    """
    besides = f", {run.pausing}" if run.pauses else ""
    besides += f"; {run.skipped:,} are left out, {next(iter(run.reasons))}" if run.skipped and run.reasons else ""
    besides += f"; {run.caution}" if run.caution else ""
    if run.cause is not None:
        besides += f" ({run.cause})"
    confirm(confirmation(action, count, known, undoes=undoes), verb or action, which, known, besides=besides)


def preview(
    session: Session, plan: Plan, asked: dict[str, Any], action: str, *, undoes: str = "", heads: Iterable[int] = ()
) -> None:
    """Print what a command would do: how many jobs, the first of them, and what that takes.

    Parameters
    ----------
    session : Session
        Where the jobs are.
    plan : callable
        Makes the dry run.
    asked : dict
        The command's options, of which ``output`` and ``rate`` count.
    action, undoes : str
        As in `beanops.ui.confirmation`, which knows what cannot be undone.
    heads : iterable of int
        The next jobs, where the server itself chooses them.

    Raises
    ------
    Incomplete
        Some of the selected jobs may not have been found.
    """
    started = time.monotonic()
    run = planned(plan)
    looking = round(time.monotonic() - started, 3)
    rate = asked["rate"]
    at_rate = None if rate is None else round(run.done / rate, 1)
    rows = sample_rows(session, run.sample, heads)
    edited = [intent for intent in run.sample if intent.action == "edit"]
    final = confirmation(action, run.done, session.profile, undoes=undoes).warning if run.done else ""
    if asked["output"] == "table":
        click.echo(safe_text(run.summary))
        if edited:
            print_edits(edited, run.done)
        elif rows:
            click.echo(f"\n{'such as ' if len(rows) < run.done else ''}these:")
            print_table(_COLUMNS, [[*row.values()] for row in rows])
        duration = "" if at_rate is None else f", {at_rate:g} s at this rate"
        click.echo()
        click.echo(safe_text(f"cost: {run.cost}{duration}; looking took {looking:g} s"))
        if final:
            click.echo(final)
    elif asked["output"] == "csv":
        print_csv(rows, _COLUMNS)
    else:
        cost = {
            "commands": run.commands,
            "pauses": run.pauses,
            "seconds_looking": looking,
            "seconds_at_rate": at_rate,
        }
        if edited:
            rows = [row | {"diff": difference(intent)} for row, intent in zip(rows, run.sample, strict=True)]
        print_json({**summary(run), "dry_run": True, "sample": rows, "cost": cost, "caution": final or run.caution})
    if run.cause is not None:
        raise Incomplete(str(run.cause))


def sample_rows(session: Session, sample: list[Intent], heads: Iterable[int]) -> list[dict[str, Any]]:
    """Return the jobs of a dry run's sample, or the next jobs of a tube, with one line of each body."""
    known: list[dict[str, Any]] = [
        {
            "id": intent.job_id,
            "tube": intent.tube,
            "state": intent.state_before,
            "priority": intent.priority_before,
            "body": None if intent.body is None else session._context.decode(intent.body).summary,
        }
        for intent in sample
    ]
    rows = [{"id": id} for id in heads] or known
    for row, job in zip(rows, session._lookups.jobs_by_id(row["id"] or 0 for row in rows), strict=True):
        if job is not None and row.get("body") is None:
            row |= {name: getattr(job.stats, name) for name in _COLUMNS[1:-1]}
            row["body"] = session._context.decode(job.body or b"").summary
    return [dict.fromkeys(_COLUMNS) | row for row in rows]
