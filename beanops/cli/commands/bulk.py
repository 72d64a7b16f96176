"""Commands on jobs, one or a million: kick, bury, release, delete, drain, move, copy. The catalogue has their words.

A new action on jobs is a command without a change here, unless it has options that no other has.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from inspect import cleandoc
from typing import Any

import click

from beanops.cli import complete, ids, options
from beanops.cli.commands.investigation.canary import CANARY_OPTIONS, OF_WAVES, kick_canary
from beanops.cli.commands.tubes import check_tube_exists
from beanops.cli.confirm import must_ask
from beanops.cli.plan import Plan, ask, confirmed, planned, preview
from beanops.cli.runs import report, underway
from beanops.cli.selection import Chosen, choose
from beanops.jobs.refs import JobRefs
from beanops.jobs.select import select
from beanops.journal.records import Refused
from beanops.protocol.limits import is_glob
from beanops.protocol.states import AT_REST
from beanops.session import job_verbs
from beanops.session.connect import connect
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import KEEP, Settings, Verb, verb_of
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.ui.actions import CATALOGUE, ON_JOBS, UserAction
from beanops.ui.confirmation import confirmation

_priority = click.option("--priority", type=options.NUMBER, help="New priority; unchanged by default")
_delay = click.option(
    "--delay", type=options.SECONDS, default=0, show_default=True, help="Time until the jobs are ready: 90 or 10m"
)
_to = click.option("--to", metavar="TUBE", shell_complete=complete.tubes, help="Destination tube")
_to_server = click.option("--to-server", metavar="NAME", shell_complete=complete.servers, help="Destination server")
_SETTINGS = ("priority", "delay", "to", "buried_as")
#: The options of an action by what the user enters for it, as the catalogue has it.
_OPTIONS = {"priority": (_priority,), "delay": (_delay,), "to": (_to, options.buried_as)}
_NEXT = click.option("--next", type=options.NUMBER, metavar="N", help="Kick the next N jobs, chosen by the server")
#: Options that the command of an action has besides.
_NO_BODIES = click.option("--no-bodies", is_flag=True, help="Delete all at once, with no way back; needs truncate")
_OWN = {"drain": (_NO_BODIES,), "kick": (_NEXT, *CANARY_OPTIONS), "bury": (_priority,), "copy": (_to_server,)}
#: What the help of an action says after the words of the catalogue, where it is not the usual sentence.
_MORE = {
    "kick": """
    Kicks the buried jobs of TUBE (a name or a glob), or those of --ids, oldest first.

    With --next N the server chooses: the N jobs that were buried first, or delayed ones if none is buried. The server
    does not report which, so this cannot be undone.

    With --canary N it kicks N jobs and shows what becomes of them: done or unseen (deleted), reserved, waiting,
    released, timed_out, buried, lost. Then it asks, or goes on by itself while --promote-if is true, and else exits
    with 1. The names in a condition are these, jobs and gone (done and unseen): "gone / jobs >= 99%".
    """,
    "delete": """
    Deletes ready, delayed and buried jobs: those of --ids, or of TUBE that --state, --where or --group select;
    oldest first.

    Asks first; without a terminal it needs --yes.
    """,
    "drain": """
    Deletes the jobs of TUBE in the states of --state, oldest first. Asks first; without a terminal it needs --yes.

    With --no-bodies and --state ready,delayed,buried a server that has the command truncate deletes all of them at
    once. The journal has their number by state, and nothing can put them again. Reserved jobs are gone too: what their
    workers say of them later is answered with NOT_FOUND.
    """,
    "move": """
    Puts each job into the tube of --to, oldest first, then deletes it here. The jobs keep everything but their ids.
    """,
    "copy": """
    Puts copies, oldest first, into another tube with --to, another server with --to-server, or both.
    """,
}


def _command(action: UserAction) -> click.Command:
    """Make the command of an action from the catalogue."""

    def command(**asked: Any) -> None:
        _act(action.name, asked)

    jobs = options.this_tube if action.name == "drain" else options.together(options.tube, ids.jobs())
    own = [option for setting in action.settings for option in _OPTIONS.get(setting, ())]
    help = f"{action.help}.\n\n{cleandoc(_MORE.get(action.name) or _usual(action.name))}"
    decorated = options.together(jobs, *own, *_OWN.get(action.name, ()), options.bulk_all)(command)
    return click.command(action.name, help=help)(decorated)


def _usual(verb: str) -> str:
    *states, last = (state for state in AT_REST if state in verb_of(verb, KEEP).states)
    named = f"{', '.join(states)} and {last}" if states else last
    return f"Takes {named} jobs of TUBE (a name or a glob), or those of --ids, oldest first."


def _act(verb: str, asked: dict[str, Any]) -> None:
    chosen = choose(asked)
    if isinstance(asked["server"], tuple):
        for name in ("next", "canary"):
            if asked.get(name) is not None:
                raise click.UsageError(f"--{name} takes one server: choose it with -s")
        if asked.get("no_bodies"):
            raise click.UsageError("--no-bodies takes one server: choose it with -s")
    if asked.get("next") is not None:
        _kick_next(chosen, asked)
        return
    if asked.get("canary") is None and any(asked.get(name) is not None for name in OF_WAVES):
        raise click.UsageError("--watch, --promote-if and --waves need --canary: the number of the first jobs")
    if verb == "drain" and "state" not in chosen.which:
        raise click.UsageError("missing --state: drain deletes the jobs of a tube in the states it names")
    if asked.get("no_bodies"):
        _truncate(chosen, asked)
        return
    if verb == "move" and asked["to"] is None:
        raise click.UsageError("missing --to: the destination tube")
    if verb == "delete" and isinstance(chosen.jobs, str) and not {"state", "where", "group"} & set(chosen.which):
        raise click.UsageError("missing --state, --where or --group: the jobs of the tube to delete")
    check_states(verb_of(verb, Settings(asked.get("priority"))), chosen.which.get("state"))
    if verb == "kick" and isinstance(chosen.jobs, str):
        chosen.which.setdefault("state", "buried")
    if asked.get("canary") is not None:
        kick_canary(chosen, asked)
        return
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_jobs

        act_on_jobs(verb, chosen, {name: asked[name] for name in _SETTINGS if asked.get(name) is not None}, asked)
        return
    with ExitStack() as opened:
        session = opened.enter_context(options.opened(asked))
        how = {name: asked[name] for name in _SETTINGS if asked.get(name) is not None}
        if asked.get("to_server") is not None:
            there = connect(asked["to_server"], source="cli", read_only=asked["read_only"])
            how["server"] = opened.enter_context(there)
        check_tube_exists(session, asked["tube"])
        chosen = chosen.whole(session._lookups)
        act = partial(_drain, session) if verb == "drain" else getattr(session, verb)
        plan = partial(act, chosen.jobs, **how, **chosen.which, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, verb)
            return
        if not (asked["yes"] or session.read_only):
            # The question says what a drain does to the jobs.
            chosen = confirmed("delete" if verb == "drain" else verb, chosen, plan, session.profile)
        how |= {name: asked[name] for name in ("reason", "rate") if asked[name] is not None}
        total = len(chosen.jobs) if isinstance(chosen.jobs, JobRefs) else None
        with underway(verb, total) as progress:
            run = act(chosen.jobs, **how, **chosen.which, progress=progress)
        report(run, asked["output"], missing=chosen.missing)


def _drain(session: Session, jobs: Any, **asked: Any) -> Run:
    """Drain a tube, or those of its jobs that were confirmed, which `Session.drain` does not take."""
    return job_verbs.drain(session._executor, jobs, Options(**asked))  # type: ignore[typeddict-item]


def _truncate(chosen: Chosen, asked: dict[str, Any]) -> None:
    """Drain a tube without keeping the bodies of its jobs."""
    tube, state = chosen.jobs, chosen.which["state"]
    if not isinstance(tube, str) or chosen.which.keys() - {"state"} or asked["rate"] is not None:
        raise click.UsageError("--no-bodies takes whole tubes, and no --rate or options that select jobs")
    if select(state=state).states != frozenset(AT_REST):
        raise click.UsageError(f"--no-bodies deletes jobs in all of these states: pass --state {','.join(AT_REST)}")
    with options.opened(asked) as session:
        check_tube_exists(session, tube)
        drain = partial(session.drain, tube, state=state, bodies=False)
        plan = partial(drain, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, "truncate", heads=[] if is_glob(tube) else _heads(session, tube, AT_REST))
            return
        if not (asked["yes"] or session.read_only):
            which = chosen.words
            must_ask("drain", which)
            would = planned(plan)
            ask("truncate", f"{would.done:,} of {which}", would, session.profile, count=would.done, verb="drain")
        with underway("drain") as progress:
            run = drain(reason=asked["reason"], progress=progress)
        report(run, asked["output"])


def check_states(verb: Verb, named: str | None) -> None:
    """Refuse unknown states, and states in which the verb does nothing, before the confirmation."""
    states = select(state=named).states if named is not None else verb.states
    if not states & verb.states:
        raise click.UsageError(f"{verb.takes}, and --state {named} names none of these")


def _kick_next(chosen: Chosen, asked: dict[str, Any]) -> None:
    """Kick the next so many jobs of a tube, which the server chooses."""
    tube, number = chosen.jobs, asked["next"]
    others = any(asked[name] is not None for name in ("rate", "canary", *OF_WAVES))
    if not isinstance(tube, str) or is_glob(tube) or chosen.which or others:
        raise click.UsageError("--next takes one tube, and no --ids, --rate, --canary or options that select jobs")
    with options.opened(asked) as session:
        check_tube_exists(session, tube)
        plan = partial(session.kick_next, tube, number, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, "kick-next", heads=_heads(session, tube))
            return
        if not (asked["yes"] or session.read_only) and confirmation("kick-next", number, session.profile).typed:
            _ask_of_the_server(session, tube, plan)
        with underway("kick") as progress:
            run = session.kick_next(tube, number, reason=asked["reason"], progress=progress)
        report(run, asked["output"])


def _ask_of_the_server(session: Session, tube: str, plan: Plan) -> None:
    """Ask about a kick of jobs that the server chooses: only their number and their state are known."""
    state, run = _kicked(session, tube), planned(plan)
    of = Chosen(tube, {"state": state}).words
    ask("kick-next", f"{run.done:,} of {of}", run, session.profile, count=run.done, verb="kick")
    if _kicked(session, tube) != state:  # the question may have been open for long
        raise Refused(f"nothing was done: the server would no longer kick {of}")


def _kicked(session: Session, tube: str) -> str:
    """Return the state of the jobs that the server would kick."""
    return "buried" if session.tube(tube).current_jobs_buried else "delayed"


def _heads(session: Session, tube: str, states: Iterable[str] = ()) -> list[int]:
    """Return the next job in each of these states, or the one that the server would kick first."""
    heads = session.next_jobs(tube)
    found = [heads[state] for state in states] if states else [heads["buried"] or heads["delayed"]]
    return [job.id for job in found if job is not None]


# `app` finds a command by its name in its module.
globals().update({action.name: _command(action) for action in (*ON_JOBS, CATALOGUE["drain"])})
