"""The conditions that a filter puts on runs and actions, for the queries of `journal`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from beanops.client.instances import spellings
from beanops.journal.filters import Filter
from beanops.journal.storage.tables import ACTIONS, FATES, LEASES, RUNS, microseconds


def of_runs(which: Filter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on a run itself: its server, its actor, and that it was active in the period."""
    conditions: list[sa.ColumnElement[bool]] = []
    if which.server is not None:
        servers = [which.server] if isinstance(which.server, str) else which.server
        conditions.append(RUNS.c.server.in_([*servers, ""]))
    if which.jobs is not None and None not in which.jobs:
        conditions.append(RUNS.c.instance.in_([one for id in which.jobs for one in spellings(id or "")]))
    if which.since is not None:
        conditions.append(active_since(which.since))
    if which.until is not None:
        conditions.append(RUNS.c.time < microseconds(which.until))
    if which.runs is not None:
        conditions.append(RUNS.c.id.in_(which.runs))
    if which.actors is not None:
        conditions.append(RUNS.c.actor.in_(which.actors))
    if which.fleets is not None:
        conditions.append(RUNS.c.fleet.in_(which.fleets))
    return conditions


def of_actions(which: Filter) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on an action of a run."""
    conditions: list[sa.ColumnElement[bool]] = []
    if which.since is not None:
        conditions.append(ACTIONS.c.time >= microseconds(which.since))
    if which.until is not None:
        conditions.append(ACTIONS.c.time < microseconds(which.until))
    if which.actions is not None:
        conditions.append(ACTIONS.c.action.in_(which.actions))
    return conditions + _on_jobs(which)


def with_jobs(which: Filter) -> list[sa.ColumnElement[bool]]:
    """Return the condition that a run has an action on the jobs and tubes."""
    conditions = _on_jobs(which)
    return [sa.exists().where(ACTIONS.c.run == RUNS.c.id, *conditions)] if conditions else []


def puts_here(runs: sa.FromClause = RUNS) -> sa.ColumnElement[bool]:
    """Return the condition that a run puts into its own server; a copy may put into another, which assigns the ids."""
    return runs.c.request.not_like('%"server": %')


def _on_jobs(which: Filter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if which.tubes is not None:
        conditions.append(ACTIONS.c.tube.in_(which.tubes))
    if which.jobs is not None:
        conditions.append(sa.or_(sa.false(), *(_about(ids, instance) for instance, ids in which.jobs.items())))
    return conditions


def _about(ids: Sequence[int], instance: str | None) -> sa.ColumnElement[bool]:
    """Return the condition that an action was about jobs of a server process, or put them. It looks up keys alone."""
    run = RUNS.alias()
    own = sa.exists().where(run.c.id == ACTIONS.c.run).correlate(ACTIONS)
    outcome = (FATES.c.run == ACTIONS.c.run, FATES.c.first_n == ACTIONS.c.n, FATES.c.new_id.in_(ids))
    put = sa.and_(sa.exists().where(*outcome).correlate(ACTIONS), own.where(puts_here(run)))
    about = sa.or_(ACTIONS.c.job_id.in_(ids), put)
    return about if instance is None else sa.and_(about, own.where(run.c.instance.in_(spellings(instance))))


def active_since(time: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a run began, acted, settled an action or was alive at a time or after it."""
    since = microseconds(time)
    of_run = sa.select(ACTIONS.c.time).where(ACTIONS.c.run == RUNS.c.id)
    acted = of_run.order_by(ACTIONS.c.n.desc()).limit(1).correlate(RUNS).scalar_subquery()
    last = sa.select(sa.func.max(FATES.c.time)).where(FATES.c.run == RUNS.c.id)
    settled = last.correlate(RUNS).scalar_subquery()
    beats = sa.select(LEASES.c.alive_until).where(LEASES.c.run == RUNS.c.id, LEASES.c.ended.is_(None))
    alive = beats.correlate(RUNS).scalar_subquery()
    times = (RUNS.c.time, *(sa.func.coalesce(time, 0) for time in (acted, settled, alive)))
    return sa.or_(*(time >= since for time in times))
