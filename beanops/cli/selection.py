"""The jobs that a command selects: those of a tube, or of --ids. Dry runs and questions about them are in `plan`."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from beanops.jobs.groups import groups_of
from beanops.jobs.refs import JobRefs
from beanops.protocol.errors import BeanopsError
from beanops.session.lookups import Lookups
from beanops.text import inflected

#: Options of a selection, besides its tube or ids.
_WHICH = ("state", "where", "group", "limit", "order")


class Chosen(NamedTuple):
    """The jobs that a command selects.

    Attributes
    ----------
    jobs : str, JobRefs or None
        A tube, jobs that are named, or None for all jobs.
    which : dict
        ``state``, ``where``, ``group``, ``limit`` and ``order``, those that were given.
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
        state, names = self.which.get("state"), groups_of(self.which["group"]).words if "group" in self.which else ()
        states = f"{' and '.join(state.replace(',', ', ').rsplit(', ', 1))} " if state else ""
        of = f"{inflected(len(names), 'group')} {' and '.join(names)} in " if names else ""
        return f"the {states}jobs of {of}{'all tubes' if self.jobs is None else f'tube {self.jobs}'}"

    def whole(self, lookups: Lookups) -> Chosen:
        """Return the same with whole names of groups, so that they are looked up once."""
        if "group" not in self.which:
            return self
        tube, ids = (None, self.jobs) if isinstance(self.jobs, JobRefs) else (self.jobs, None)
        among = {name: self.which.get(name) for name in ("state", "where")}
        chosen = lookups.groups(self.which["group"], tube, ids=ids, **among)
        return self._replace(which=self.which | {"group": chosen.whole_rows})


def choose(asked: dict[str, Any], *, all_tubes: bool = False) -> Chosen:
    """Return the jobs that the options of a command select."""
    tube, ids = asked["tube"], asked.get("ids")
    if (tube is not None and ids is not None) or (not all_tubes and tube is None and ids is None):
        raise click.UsageError("give either TUBE or --ids")
    which = {name: asked[name] for name in _WHICH if asked.get(name) not in (None, ())}
    return Chosen(tube if ids is None else ids, which)
