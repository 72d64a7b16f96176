"""The command that edits jobs: values by their paths, settings, or one body after the other in an editor."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from beanops.cli import complete, ids, options
from beanops.cli.commands.bulk import check_states
from beanops.cli.commands.tubes import check_tube_exists
from beanops.cli.confirm import confirm
from beanops.cli.diffs import print_diff
from beanops.cli.editor import in_editor
from beanops.cli.exits import Incomplete
from beanops.cli.plan import confirmed, preview
from beanops.cli.runs import report, underway
from beanops.cli.selection import Chosen, choose
from beanops.jobs.bodies.edits import EditRefused, differences, parse_set, parse_unset
from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.identity import JobRef
from beanops.jobs.refs import JobRefs
from beanops.protocol.errors import BeanopsError
from beanops.session.editing.by_hand import job_to_edit, put_edited
from beanops.session.editing.schema import Schema
from beanops.session.execution.run import UNCHANGED, Run
from beanops.session.execution.verbs import EDIT
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.ui.confirmation import confirmation

_SETTINGS = ("priority", "ttr", "delay", "to")


@click.command()
@options.tube
@ids.jobs()
@click.option("--set", "set_", metavar="PATH=VALUE", multiple=True, help="Set a value: $.customer=7; repeatable")
@click.option("--unset", metavar="PATH", multiple=True, help="Remove a value: $.token; repeatable")
@click.option("--priority", type=options.NUMBER, help="New priority; unchanged by default")
@click.option("--ttr", type=options.SECONDS, help="New time to run; unchanged by default")
@click.option("--delay", type=options.SECONDS, help="Time until the jobs are ready; unchanged by default")
@click.option("--to", metavar="TUBE", shell_complete=complete.tubes, help="Destination tube; its own by default")
@click.option("--kick", is_flag=True, help="Put buried and delayed jobs ready")
@options.schema
@click.option("--editor", is_flag=True, help="Edit each body of --ids in $EDITOR")
@options.buried_as
@options.bulk_all
def edit(**asked: Any) -> None:
    """Change the bodies and settings of jobs.

    Takes ready, delayed and buried jobs of TUBE (a name or a glob), or those of --ids, oldest first. beanops puts each
    changed job with all that is not changed, then deletes the old one. VALUE is JSON, or else text.

    --ids alone opens each body in $VISUAL or $EDITOR, shows the difference, and asks.
    """
    chosen = choose(asked)
    changes, unset = _values(asked["set_"]), [spell_path(parse_unset(path).path) for path in asked["unset"]]
    how = {name: asked[name] for name in (*_SETTINGS, "schema", "buried_as") if asked[name] is not None}
    how |= {"kick": True} if asked["kick"] else {}
    nothing = not (changes or unset or how.keys() - {"schema", "buried_as"})
    if nothing and not asked["editor"] and (chosen.which or not isinstance(chosen.jobs, JobRefs)):
        raise click.UsageError("nothing to change: give --set, --unset, --priority, --ttr, --delay, --to or --kick")
    in_an_editor = asked["editor"] or nothing
    if in_an_editor and (changes or unset or chosen.which or asked["rate"] or not isinstance(chosen.jobs, JobRefs)):
        raise click.UsageError("--editor takes the jobs of --ids, and no --set, --unset, --rate or --where")
    if in_an_editor and isinstance(asked["server"], tuple):
        raise click.UsageError("--editor takes one server: choose it with -s")
    check_states(EDIT, chosen.which.get("state"))
    if "schema" in how:
        how["schema"] = Schema.of(how["schema"])
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_jobs

        act_on_jobs("edit", chosen, {"changes": changes, "unset": unset, **how}, asked)
        return
    with options.opened(asked) as session:
        if in_an_editor:
            assert isinstance(chosen.jobs, JobRefs)
            _in_editor(session, chosen.jobs, how, asked)
            return
        check_tube_exists(session, asked["tube"])
        chosen = chosen.whole(session._lookups)
        act = partial(session.edit, changes=changes, unset=unset, **how)
        _act(session, chosen, act, asked)


def _values(texts: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for change in map(parse_set, texts):
        path = spell_path(change.path)
        if path in values:
            raise click.UsageError(f"--set has {path} twice")
        values[path] = change.value
    return values


def _act(session: Session, chosen: Chosen, act: partial[Run], asked: dict[str, Any]) -> None:
    plans: list[Run] = []

    def plan() -> Run:
        plans.append(act(chosen.jobs, **chosen.which, dry_run=True))
        return plans[-1]

    if asked["dry_run"]:
        preview(session, plan, asked, "edit")
        return
    going = chosen
    if not (asked["yes"] or session.read_only):
        going = confirmed("edit", chosen, plan, session.profile)
    how = {name: asked[name] for name in ("reason", "rate") if asked[name] is not None}
    total = len(going.jobs) if isinstance(going.jobs, JobRefs) else None
    with underway("edit", total) as progress:
        run = act(going.jobs, **how, **going.which, progress=progress)
    # Those that needed no change when the user confirmed were left out.
    left_out = sum(plan.unchanged for plan in plans) - run.unchanged
    if left_out > 0:
        run.count(UNCHANGED, jobs=left_out)
    report(run, asked["output"], missing=going.missing)


# -- in an editor ----------------------------------------------------------------------------------------------------


def _in_editor(session: Session, refs: JobRefs, how: dict[str, Any], asked: dict[str, Any]) -> None:
    """Edit one body after the other; a job that is not done does not keep the others from it."""
    problems: list[BeanopsError] = []
    for ref in refs:
        try:
            _edit_one(session, ref, how, asked)
        except BeanopsError as error:
            problems.append(error)
            if len(refs) > 1:
                click.echo(f"beanops: {safe_text(str(error))}", err=True)
    if len(refs) == 1 and problems:
        raise problems[0]
    if problems:
        raise Incomplete(f"{len(problems):,} of {len(refs):,} jobs could not be edited")


def _edit_one(session: Session, ref: JobRef, how: dict[str, Any], asked: dict[str, Any]) -> None:
    job = job_to_edit(session._executor, ref)
    body, patterns, schema = job.body or b"", session._context.redact, how.get("schema")
    try:
        new = in_editor(body, patterns, lambda new: schema and schema.problem(new))
    except EditRefused as error:
        raise Incomplete(f"job {job.id} cannot be edited: {error}") from None
    if new is None:
        click.echo(f"job {job.id}: nothing changed", err=True)
        return
    print_diff(differences(body, new, patterns), err=not asked["dry_run"])
    if asked["dry_run"]:
        return
    if not asked["yes"]:
        confirm(confirmation("edit", 1, session.profile, at_least="yes"), "edit", f"job {job.id}", session.profile)
    settings = {name: value for name, value in how.items() if name != "buried_as"}
    given = Options(reason=asked["reason"], buried_as=asked["buried_as"])
    report(put_edited(session._executor, job, new, options=given, **settings), asked["output"])
