"""The options --canary, --watch, --promote-if and --waves of kick, and what it does with them."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from beanops.cli import options
from beanops.cli.commands.tubes import check_tube_exists
from beanops.cli.confirm import confirm
from beanops.cli.ending import gently
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_csv, print_json, print_table
from beanops.cli.plan import ask, confirmed, planned, preview
from beanops.cli.runs import conclude, ended_by_signals, note_missing, summary
from beanops.cli.selection import Chosen
from beanops.cli.streams import on_terminal
from beanops.journal.records import Refused
from beanops.protocol.limits import U32_MAX
from beanops.session.investigation.canary import LENGTH, CanaryRun, Hooks, Stages, Wave, canary, stages_of
from beanops.session.investigation.verdicts import COUNTERS, KickedJob
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.columns.canary import VERDICT_COLUMNS, verdict_rows
from beanops.ui.confirmation import confirmation
from beanops.ui.runner import Runner


class _Numbers(click.ParamType[list[int]]):
    """Numbers, separated by commas."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        parts = value.split(",") if isinstance(value, str) else []
        if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
            self.fail(f"{value!r} is no list of numbers such as 100,1000", param, ctx)
        return [int(part) for part in parts]


#: The options of `kick`.
CANARY_OPTIONS = (
    click.option("--canary", type=options.Number(1, U32_MAX), metavar="N", help="Kick N jobs first, and watch them"),
    click.option("--watch", type=options.SPAN, help=f"Maximum time to watch a wave, {LENGTH:g} by default"),
    click.option("--promote-if", metavar="CONDITION", help='Go on if this is true of a wave, such as "buried = 0"'),
    click.option("--waves", type=_Numbers(), metavar="N,N", help="Jobs in each of the next waves, such as 100,1000"),
)
#: Those that say nothing without ``--canary``.
OF_WAVES = ("watch", "promote_if", "waves")
#: Characters of a cell.
_WIDEST = 100
_JOB_COLUMNS = ("id", "tube", "wave", "verdict", "seconds", *COUNTERS, "instance")


def kick_canary(chosen: Chosen, asked: dict[str, Any]) -> None:
    """Kick the selected jobs in waves."""
    watch = LENGTH if asked["watch"] is None else asked["watch"]
    stages = stages_of(asked["canary"], watch, asked["promote_if"], asked["waves"])
    with options.opened(asked) as session:
        check_tube_exists(session, asked["tube"])
        chosen = chosen.whole(session._lookups)
        jobs: Any = chosen.jobs
        plan = partial(session.kick, jobs, **chosen.which, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, "kick")
            return
        if not (asked["yes"] or session.read_only):
            if stages.promote_if is not None:
                chosen = confirmed("kick", chosen, plan, session.profile)
            elif confirmation("kick", stages.first, session.profile).kind != "nothing":
                _confirm_first(session, chosen, stages, plan)
        jobs = chosen.jobs
        how = {name: asked[name] for name in ("reason", "rate") if asked[name] is not None}
        runner = Runner()
        hooks = Hooks(
            runner.progress,
            _show if asked["output"] == "table" else lambda wave: None,
            partial(_ask, session, chosen) if on_terminal("stdin", "stderr") else None,
            watched=True,
        )
        with ended_by_signals("kick", runner):
            found = canary(session._executor, jobs, stages, Options(**how, **chosen.which), hooks)  # type: ignore[typeddict-item]
        note_missing(found.run, found.missing or chosen.missing)
        _report(found, asked["output"])


def _confirm_first(session: Session, chosen: Chosen, stages: Stages, plan: Any) -> None:
    """Ask about the first wave, which is large."""
    run = planned(plan)
    count = min(stages.first, run.done)
    ask("kick", f"the first {count:,} of {run.done:,} of {chosen.words}", run, session.profile, count=count)


def _ask(session: Session, chosen: Chosen, wave: Wave, size: int, left: int) -> bool:
    """Ask whether to go on with the next wave; Ctrl-C is no."""
    which = f"the other {plural(left, 'job')}" if size == left else f"the next {size:,} of {plural(left, 'other job')}"
    needed = confirmation("kick", size, session.profile, at_least="yes")
    try:
        with gently(_interrupt):
            confirm(needed, "kick", which, session.profile)
    except (Refused, KeyboardInterrupt):
        return False
    return True


def _interrupt(number: int) -> None:
    raise KeyboardInterrupt


def _show(wave: Wave) -> None:
    """Print the verdicts of a wave."""
    click.echo(f"wave {wave.number}: {plural(len(wave.jobs), 'job')}, watched for {wave.length}")
    if wave.jobs:
        rows = [[column.text(row, _WIDEST) for column in VERDICT_COLUMNS] for row in verdict_rows(wave.jobs)]
        print_table([column.name for column in VERDICT_COLUMNS], rows)
    click.echo(safe_text("; ".join([*wave.notes, wave.judgement])))
    click.echo()


def _report(found: CanaryRun, output: str) -> None:
    run = found.run
    if output == "json":
        waves = [
            {
                "wave": wave.number,
                "jobs": len(wave.jobs),
                "seconds": round(wave.seconds, 3),
                "verdicts": dict(wave.counts),
                "condition": wave.condition,
                "passed": wave.passed,
                "notes": wave.notes,
            }
            for wave in found.waves
        ]
        about = {"passed": found.passed, "left": found.left, "ending": found.ending}
        print_json({**summary(run), **about, "waves": waves, "jobs": [*map(_row, _jobs(found))]})
    elif output == "csv":
        print_csv([*map(_row, _jobs(found))], _JOB_COLUMNS)
    elif found.passed and run.complete:
        click.echo(safe_text(run.summary))
    conclude(run, output)
    if not found.passed:
        raise Incomplete(run.summary)


def _jobs(found: CanaryRun) -> list[KickedJob]:
    return [job for wave in found.waves for job in wave.jobs]


def _row(job: KickedJob) -> dict[str, Any]:
    """Return a job for programs: times are seconds."""
    seconds = None if job.seconds is None else round(job.seconds, 3)
    facts = {"id": job.id, "tube": job.ref.tube, "wave": job.wave, "verdict": job.verdict, "seconds": seconds}
    return {**facts, **job.counters, "instance": job.ref.instance}
