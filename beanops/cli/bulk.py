"""Commands on jobs, one or a million: kick, bury, release, delete, drain, move, copy. They differ by a row of data."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.choose import Chosen, check_tube_exists, choose, confirmed, cost, count, print_preview, samples
from beanops.cli.confirm import MANY, confirm
from beanops.cli.output import print_json
from beanops.cli.runs import report, summary, underway
from beanops.session.session import Session, connect

_priority = click.option("--priority", type=options.NUMBER, help="New priority; by default each job keeps its own.")
_delay = click.option(
    "--delay", type=options.NUMBER, default=0, show_default=True, help="Seconds until they are ready."
)
_to = click.option("--to", metavar="TUBE", shell_complete=complete.tubes, help="The tube that they are put into.")
_to_server = click.option(
    "--to-server", metavar="NAME", shell_complete=complete.servers, help="The server that they are put into."
)
_SETTINGS = ("priority", "delay", "to")
#: Commands that acting on one job takes, beside the looks that come before.
_COMMANDS = {"kick": 1, "bury": 2, "release": 2, "delete": 1, "move": 3, "copy": 1}


def _command(name: str, help: str, *own: Any, tube: Any = options.tube, destroys: bool = False) -> click.Command:
    def command(**asked: Any) -> None:
        _act(name, asked, destroys)

    return click.command(name, help=help)(options.together(tube, *own, options.ids(False), options.bulk)(command))


kick = _command(
    "kick",
    """Make buried or delayed jobs ready: the buried ones of TUBE (a name or a glob), or those of --ids.

    With --limit and nothing else, the server kicks the jobs that were buried first, or delayed ones if none is buried.
    """,
)
bury = _command(
    "bury",
    "Bury jobs that are ready or delayed: no worker gets them until they are kicked (server 1.12 on).",
    _priority,
)
release = _command(
    "release",
    "Make jobs ready, or delayed with --delay: ready, delayed and buried ones (server 1.12 on).",
    _priority,
    _delay,
)
delete = _command(
    "delete",
    """Delete jobs that are ready, delayed or buried: those of --ids, or of TUBE that --state or --where names.

    Asks first; without a terminal it needs --yes.
    """,
    destroys=True,
)
drain = _command(
    "drain",
    "Delete all jobs of TUBE that are in the states of --state, and no others. Asks first.",
    tube=options.this_tube,
    destroys=True,
)
move = _command(
    "move",
    "Put jobs into the tube of --to and delete them here; they keep all but their ids, burial and delay included.",
    _to,
)
copy = _command(
    "copy", "Put copies of jobs into another tube with --to, another server with --to-server, or both.", _to, _to_server
)


def _act(verb: str, asked: dict[str, Any], destroys: bool) -> None:
    chosen = choose(asked)
    if verb == "drain":
        if "state" not in chosen.which:
            raise click.UsageError("which jobs of the tube? name the states with --state")
        verb = "delete"
    if verb == "move" and asked["to"] is None:
        raise click.UsageError("where to? name the tube with --to")
    if verb == "delete" and isinstance(chosen.jobs, str) and not {"state", "where"} & set(chosen.which):
        raise click.UsageError("which jobs of the tube? name them with --state or --where")
    with ExitStack() as opened:
        session = opened.enter_context(connect(asked["server"], source="cli", read_only=asked["read_only"]))
        how = {name: asked[name] for name in _SETTINGS if asked.get(name) is not None}
        if asked.get("to_server") is not None:
            there = connect(asked["to_server"], source="cli", read_only=asked["read_only"])
            how["server"] = opened.enter_context(there)
        check_tube_exists(session, chosen)
        if asked["dry_run"]:
            preview(session, verb, chosen, how, asked, _COMMANDS[verb])
            return
        if not (asked["yes"] or session.read_only):
            chosen = _confirmed(session, verb, chosen, asked["server"], destroys)
        how |= {name: asked[name] for name in ("reason", "rate") if asked[name] is not None}
        total = len(chosen.jobs) if isinstance(chosen.jobs, list) else None
        # Which jobs the server kicked nobody knows, and a copy elsewhere needs a session there.
        resumable = not (_by_the_server(verb, chosen) or "server" in how)
        with underway(verb, total, resumable=resumable) as progress:
            run = getattr(session, verb)(chosen.jobs, **how, **chosen.which, progress=progress)
        report(run, asked["output"], resumable=resumable)


def _by_the_server(verb: str, chosen: Chosen) -> bool:
    """Whether the server itself chooses the next so many jobs of a tube."""
    return verb == "kick" and isinstance(chosen.jobs, str) and chosen.which.keys() == {"limit"}


def _confirmed(session: Session, verb: str, chosen: Chosen, server: str, destroys: bool) -> Chosen:
    if _by_the_server(verb, chosen):
        assert isinstance(chosen.jobs, str)
        limit = chosen.which["limit"]
        if limit > MANY:  # the server chooses them, so they can be counted but not named
            tube = session.tube(chosen.jobs)
            waiting = min(limit, tube.current_jobs_buried or tube.current_jobs_delayed)
            confirm(verb, f"{waiting:,} jobs of tube {chosen.jobs}", server, count=waiting, destroys=destroys)
        return chosen
    return confirmed(session, verb, chosen, server, destroys=destroys)


def preview(
    session: Session, verb: str, chosen: Chosen, how: dict[str, Any], asked: dict[str, Any], commands: int
) -> None:
    """Print what a command would do: how many jobs, a sample of them, and the cost at so many `commands` a job."""
    counted = count(session, verb, chosen)
    call = getattr(session, verb)
    if verb == "export":
        run = call("-", counted.chosen.jobs, dry_run=True)
    elif isinstance(chosen.jobs, list):  # what would be skipped, and why, is told of jobs that were named
        run = call(chosen.jobs, **how, **chosen.which, dry_run=True)
    else:
        run = call(counted.chosen.jobs, **how, dry_run=True)
    price = cost(commands, run, counted, asked["rate"])
    rows = samples(session, counted.sample)
    if asked["output"] == "table":
        print_preview(run, rows, price)
    else:
        print_json({**summary(run), "dry_run": True, "sample": rows, "cost": price})
