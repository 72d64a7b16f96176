"""Jobs as a Dask DataFrame. Importing this module imports pandas; a call imports Dask and pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, SupportsIndex

from beanops.jobs.frames import jobs_frame
from beanops.jobs.read import BodyForm
from beanops.jobs.rows import Tube
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.context import Context
from beanops.session.distributed.reading import Columns, PartedScan, Search, in_parts, read_frame
from beanops.session.distributed.workplace import Workplace
from beanops.session.lookups import Lookups

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas


def dask_module() -> Any:
    """Import and return ``dask.dataframe``.

    Raises
    ------
    UsageError
        Dask is not installed.
    """
    try:
        return import_module("dask.dataframe")
    except ImportError:
        raise UsageError("a Dask DataFrame needs Dask: pip install 'beanops[dask]'") from None


def dask_frame(
    context: Context,
    lookups: Lookups,
    tube: Tube | None,
    bodies: BodyForm,
    columns: str | Iterable[str] | None,
    size: SupportsIndex,
    how: dict[str, Any],
    source: str,
) -> dd.DataFrame:
    """Return jobs as a Dask DataFrame; see `Session.to_dask`."""
    dask = dask_module()
    most = check_number("size", size, U32_MAX)
    if most < 1:
        raise ArgumentError("size", size, "at least 1")
    wanted = Columns(bodies, False, columns)
    meta = jobs_frame([], wanted.sources)
    wanted = wanted._replace(columns=tuple(meta.columns))
    how.pop("progress", None)
    parted = PartedScan(context, lookups.scan(tube, **how, bodies=False), how, source)
    parts = parted.cut(1, most)
    if not parts:
        return dask.from_pandas(meta, npartitions=1)  # type: ignore[no-any-return]
    search = parted.search(1)
    return dask.from_map(_partition, parts, workplace=parted.workplace, search=search, wanted=wanted, meta=meta)  # type: ignore[no-any-return]


def _partition(part: Sequence[int], workplace: Workplace, search: Search, wanted: Columns) -> pandas.DataFrame:
    frame: pandas.DataFrame = in_parts(workplace, search, part, read_frame, wanted).value
    return frame
