"""The jobs that a command selects: those of a tube, or of --ids. Dry runs and questions about them are in `plan`."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from beanops.jobs.refs import JobRefs
from beanops.protocol.errors import BeanopsError


class Chosen(NamedTuple):
    """The jobs that a command selects.

    Attributes
    ----------
    jobs : str, JobRefs or None
        A tube, jobs that are named, or None for all jobs.
    which : dict
        ``state``, ``where``, ``limit`` and ``order``, those that were given.
    missing : BeanopsError or None
        Why some of them may not have been found.
    """

    jobs: str | JobRefs | None
    which: dict[str, Any]
    missing: BeanopsError | None = None

    @property
    def words(self) -> str:
        """The jobs in words."""
        if isinstance(self.jobs, JobRefs):
            return f"job {self.jobs.ids[0]}" if len(self.jobs) == 1 else f"{len(self.jobs):,} jobs"
        state = self.which.get("state")
        states = f"{state.replace(',', ' and ')} " if state else ""
        return f"the {states}jobs of {'all tubes' if self.jobs is None else f'tube {self.jobs}'}"


def choose(asked: dict[str, Any], *, all_tubes: bool = False) -> Chosen:
    """Return the jobs that the options of a command select."""
    tube, ids = asked["tube"], asked.get("ids")
    if (tube is not None and ids is not None) or (not all_tubes and tube is None and ids is None):
        raise click.UsageError("give either TUBE or --ids")
    which = {name: asked[name] for name in ("state", "where", "limit", "order") if asked[name] is not None}
    return Chosen(tube if ids is None else ids, which)
