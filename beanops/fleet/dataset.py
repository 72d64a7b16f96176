"""The jobs of several servers as one dataset: a folder of Parquet files, or a Dask DataFrame."""

from __future__ import annotations

import os
import shutil
import tempfile
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from beanops.fleet.dispatch import Dispatch, Work
from beanops.fleet.found import FoundOnServers
from beanops.fleet.targets import spread_search
from beanops.jobs.rows import Tube
from beanops.jobs.snapshot import CannotSave, check_new
from beanops.session.arguments import Seconds
from beanops.session.lookups import Snapshot
from beanops.text import plural

if TYPE_CHECKING:
    import dask.dataframe as dd


class FleetSnapshot(FoundOnServers[Snapshot]):
    """The result of a snapshot of several servers.

    Attributes
    ----------
    by_server : dict of str to Snapshot
        The snapshot of each server.
    unanswered : dict of str to str
        The servers that are missing, with the reasons.
    """

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return sum(one.jobs for one in self.by_server.values())

    def __repr__(self) -> str:
        lost = f", without {', '.join(self.unanswered)}" if self.unanswered else ""
        return f"<FleetSnapshot: {plural(self.jobs, 'job')} of {plural(len(self.by_server), 'server')}{lost}>"


def save(
    dispatch: Dispatch,
    directory: str | PathLike[str],
    tube: Tube | None,
    patience: Seconds | None,
    selection: dict[str, Any],
) -> FleetSnapshot:
    """Write jobs to ``directory/server=NAME/folder=TUBE``; see `Fleet.snapshot`."""
    target = Path(directory)
    check_new(target)
    try:
        workshop = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.absolute().parent))
    except OSError as error:
        raise CannotSave(f"cannot write {target}: {error.strerror or error}") from None
    try:
        progress = selection.pop("progress", None)
        asked = spread_search({"tube": tube}, selection, dispatch.names)

        def writing(name: str, place: dict[str, Any]) -> Work:
            folder = workshop / f"server={_in_path(name)}"
            how = selection | place
            return lambda session, call: session.snapshot(folder, **how, progress=call.searched)

        works = {name: writing(name, place) for name, place in asked.items()}
        answers = dispatch.read(works, patience=patience, scan="snapshot", progress=progress)
        whole = workshop / "whole"
        whole.mkdir()
        for name in answers.values:  # a server that was given up may still be writing
            folder = workshop / f"server={_in_path(name)}"
            os.rename(folder, whole / folder.name)
        os.rename(whole, target)
    except OSError as error:
        raise CannotSave(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return FleetSnapshot(answers.values, answers.unanswered)


def _in_path(server: str) -> str:
    """Return a name of a server as readers of datasets expect it in the name of a folder: escaped as in a URL."""
    return quote(server, safe="-_.")


def dask_frame(dispatch: Dispatch, tube: Tube | None, patience: Seconds | None, how: dict[str, Any]) -> dd.DataFrame:
    """Return the jobs of all servers as a Dask DataFrame; see `Fleet.to_dask`."""
    from beanops.session.distributed.frames import dask_module

    dask = dask_module()
    asked = spread_search({"tube": tube}, how, dispatch.names)

    def framing(place: dict[str, Any]) -> Work:
        return lambda session, call: session.to_dask(**how, **place)

    answers = dispatch.read({name: framing(place) for name, place in asked.items()}, patience=patience)
    frames = []
    for name, frame in answers.values.items():
        named = frame.assign(server=name)
        frames.append(named[["server", *frame.columns]])
    return dask.concat(frames)  # type: ignore[no-any-return]
