"""What a verb is asked for beside its jobs: `Options` as a caller gives them, and `How` a run is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, SupportsIndex, TypedDict

from beanops.jobs.search.progress import Progress
from beanops.jobs.select import names_of
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U32_MAX, check_choice, check_number, check_rate
from beanops.session.execution.run import Run


class How(NamedTuple):
    """How a run is carried out.

    Attributes
    ----------
    reason : str or None
        Why, in the operator's words, for the record.
    undoes : str or None
        The run that it takes back.
    buried_as : str or None
        What buried jobs become where they are put, see `Options`.
    dry : bool
        Only say what would be done.
    rate : float or None
        Most jobs a second, so that a kick does not flood the workers.
    progress : callable or None
        Called with the `Run` before the first batch and after each.
    """

    reason: str | None = None
    undoes: str | None = None
    buried_as: str | None = None
    dry: bool = False
    rate: float | None = None
    progress: Callable[[Run], None] | None = None


AT_ONCE = How()


class Options(TypedDict, total=False):
    """Which jobs of a tube a verb means, and how it goes about it.

    Attributes
    ----------
    state, where, limit, order
        Which jobs, as in `beanops.jobs.select.select`.
    reason : str or None
        Why, in the operator's words, for the record.
    dry_run : bool
        Only say what would be done.
    rate : float or None
        Most jobs a second.
    progress : callable, bool or None
        A function that is called with the `Run` before the first batch and after each; the run's ``cancel`` ends it.
        False shows no progress bar, None shows one in notebooks and terminals for what takes over a second.
    buried_as : {"parked", "ready"} or None
        What buried jobs become where a move, copy, import or undo puts them: parked, which is delayed for ever, or
        ready. A server up to 1.11 can bury a chosen job only in a tube that no worker watches.
    """

    state: str | Iterable[str] | None
    where: str | None
    limit: SupportsIndex | None
    order: str
    reason: str | None
    dry_run: bool
    rate: float | None
    progress: Callable[[Run], None] | bool | None
    buried_as: Literal["parked", "ready"] | None


class ScanOptions(TypedDict, total=False):
    """Which jobs a query or a snapshot reads, and how; see `Session.scan`."""

    state: str | Iterable[str] | None
    ids: Any
    where: str | None
    limit: SupportsIndex | None
    order: str
    probe: bool
    rate: float | None
    polite: bool
    progress: Callable[[Progress], None] | bool | None


def given(options: Options) -> Options:
    """Return the options that are not None, which stands for the default of each; states as a tuple.

    Raises
    ------
    ArgumentError
        No state is named: that would mean the jobs in all of them.
    """
    asked: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "state" in asked and not isinstance(asked["state"], str):
        asked["state"] = tuple(names_of("state", asked["state"]))
        if not asked["state"]:
            raise ArgumentError("state", [], "at least one state, or None for the default")
    return Options(**asked)  # type: ignore[typeddict-item, no-any-return]


def how_of(options: Options) -> How:
    """Return how a run is carried out."""
    rate = options.get("rate")
    if rate is not None:
        check_rate(rate, "jobs")
    buried_as = options.get("buried_as")
    if buried_as is not None:
        check_choice("buried_as", buried_as, ["parked", "ready"])
    dry, progress = options.get("dry_run", False), options.get("progress")
    return How(
        buried_as=buried_as,
        reason=options.get("reason"),
        dry=dry,
        rate=None if dry else rate,
        progress=progress if callable(progress) else None,
    )


def optional_priority(priority: SupportsIndex | None) -> int | None:
    """Return a checked priority, None for a job's own."""
    return None if priority is None else check_number("priority", priority, U32_MAX)
