"""Which jobs a command means: of a tube or of --ids, counted and kept by id before anybody is asked about them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import click

from beanops.cli import confirm
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_table
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import NotFound
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.session.verbs import ALL, VERBS
from beanops.text import safe_text

#: Jobs that a dry run shows.
_SAMPLE = 5
_SAMPLE_COLUMNS = ("id", "tube", "state", "priority", "age")


class Chosen(NamedTuple):
    """The jobs that a command means.

    Attributes
    ----------
    jobs : str, list of int, or None
        A tube, ids, or None for all jobs.
    which : dict
        ``state``, ``where``, ``limit`` and ``order``, as far as they were given.
    """

    jobs: str | list[int] | None
    which: dict[str, Any]

    @property
    def told(self) -> str:
        """The jobs in words."""
        if isinstance(self.jobs, list):
            return f"job {self.jobs[0]}" if len(self.jobs) == 1 else f"{len(self.jobs):,} jobs"
        state = self.which.get("state")
        states = f"the {state.replace(',', ' and ')} jobs" if state else "jobs"
        return f"{states} of {'all tubes' if self.jobs is None else f'tube {self.jobs}'}"


def choose(asked: dict[str, Any], *, all_tubes: bool = False) -> Chosen:
    """Read TUBE, --ids and the rest of the selection from what a command was asked."""
    tube, ids = asked["tube"], asked["ids"]
    if (tube is not None and ids is not None) or (not all_tubes and tube is None and ids is None):
        raise click.UsageError("name a tube, or jobs by --ids: one of the two")
    which = {name: asked[name] for name in ("state", "where", "limit", "order") if asked[name] is not None}
    return Chosen(tube if ids is None else ids, which)


def check_tube_exists(session: Session, chosen: Chosen) -> None:
    """Raise when the tube that was named, not by a glob, does not exist: a slip is told from an empty tube."""
    tube = chosen.jobs
    if isinstance(tube, str) and not set(tube) & set("*?["):
        try:
            session.tube(tube)
        except NotFound:
            raise Incomplete(f"there is no tube {tube} on {session.address}") from None


class Counted(NamedTuple):
    """What a look at the selection found.

    Attributes
    ----------
    chosen : Chosen
        The same jobs by their ids, in the same states: what comes later is not meant.
    sample : list of FoundJob
        The first of them.
    looked, seconds : int, float
        Ids that were looked at for it, and how long that took.
    """

    chosen: Chosen
    sample: list[FoundJob]
    looked: int
    seconds: float


def count(session: Session, verb: str, chosen: Chosen) -> Counted:
    """Find the jobs that are meant."""
    jobs, which = chosen
    if verb == "kick" and isinstance(jobs, str):
        which = {"state": "buried", **which}
    # What an export may delete is what it takes.
    states = which.get("state") or ",".join(sorted(ALL.get(verb, VERBS["delete"]).states))
    selection = {name: which[name] for name in ("where", "limit", "order") if name in which}
    tube, ids = (jobs, None) if isinstance(jobs, str) else (None, jobs)
    scan = session.scan(tube, ids=ids, state=states, bodies=False, **selection)
    started = time.monotonic()
    found: list[int] = []
    sample: list[FoundJob] = []
    for batch in scan:
        found += (job.id for job in batch)
        sample += batch[: _SAMPLE - len(sample)]
    same: dict[str, Any] = {"state": states, **{name: which[name] for name in ("where", "order") if name in which}}
    return Counted(Chosen(found, same), sample, scan.progress.looked, time.monotonic() - started)


def confirmed(session: Session, verb: str, chosen: Chosen, server: str, *, destroys: bool) -> Chosen:
    """Ask about the jobs that are meant, and return what was agreed to.

    Raises
    ------
    Refused
        It was not.
    """
    if destroys:
        confirm.must_ask(verb, chosen.told)
    if isinstance(chosen.jobs, list) and not chosen.which:
        confirm.confirm(verb, chosen.told, server, count=len(chosen.jobs), destroys=destroys)
        return chosen
    counted = count(session, verb, chosen).chosen
    assert isinstance(counted.jobs, list)
    if counted.jobs:
        which = f"{len(counted.jobs):,} of {chosen.told}"
        confirm.confirm(verb, which, server, count=len(counted.jobs), destroys=destroys)
    return counted


def cost(commands: int, run: Run, counted: Counted, rate: float | None) -> dict[str, Any]:
    """Return what a run would cost: commands to the server, and seconds at the rate that was asked for."""
    return {
        "commands": commands * run.done,
        "ids_looked_at": counted.looked,
        "seconds_looking": round(counted.seconds, 3),
        "seconds_at_rate": None if rate is None else round(run.done / rate, 1),
    }


def samples(session: Session, found: Iterable[FoundJob]) -> list[dict[str, Any]]:
    """Return jobs with a line of each body, for the eye."""
    rows = []
    for job in session.jobs_by_id(job.id for job in found):
        if job is not None:
            facts = {name: getattr(job.stats, name) for name in _SAMPLE_COLUMNS}
            rows.append({**facts, "body": session.decode(job.body or b"").summary})
    return rows


def print_preview(run: Run, rows: list[dict[str, Any]], price: dict[str, Any]) -> None:
    """Print what a dry run found."""
    click.echo(safe_text(run.summary))
    if rows:
        click.echo(f"\nsuch as{' these' if len(rows) < run.done else ''}:")
        print_table([*_SAMPLE_COLUMNS, "body"], [[*row.values()] for row in rows])
    looked = f"{price['ids_looked_at']:,} ids were looked at in {price['seconds_looking']:g} s"
    at_rate = "" if price["seconds_at_rate"] is None else f", {price['seconds_at_rate']:g} s at this rate"
    click.echo(f"\ncost: {price['commands']:,} commands{at_rate}; {looked}")
