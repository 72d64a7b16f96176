"""Options of verbs: `Options` and `ScanOptions` as a caller gives them, and `How`, checked, for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypedDict

from beanops.jobs.search.progress import Progress
from beanops.jobs.select import names_of
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U32_MAX, check_choice, check_number, check_rate

if TYPE_CHECKING:
    from beanops.session.execution.run import Run


#: Maximum number of connections of one search.
MOST_CONNECTIONS = 32


class How(NamedTuple):
    """How to execute a run.

    Attributes
    ----------
    reason : str or None
        Reason for the journal.
    undoes : str or None
        Id of the run that it undoes.
    buried_as : str or None
        State of new jobs for buried ones: ``"parked"`` or ``"ready"``; None buries them.
    dry : bool
        Report what would be done, and change nothing.
    rate : float or None
        Maximum jobs per second.
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
    """Options that all verbs on jobs take.

    Attributes
    ----------
    state : str or iterable of str
        Only jobs in these states.
    where : str or None
        Only jobs that match this SQL predicate.
    group : str, row, frame, iterable of these, or None
        Only the jobs of these groups: names or beginnings of names, or rows of a frame of groups.
    limit : int or None
        Maximum number of jobs.
    order : str
        Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column.
    reason : str or None
        Reason for the journal.
    dry_run : bool
        Report what would be done, and change nothing.
    rate : float or None
        Maximum jobs per second.
    progress : callable, bool or None
        A function that is called with the `Run` before the first batch and after each; the run's ``cancel`` ends it.
        False shows no progress bar, None shows one in notebooks and terminals for what takes over a second.
    buried_as : {"parked", "ready"} or None
        State of new jobs that a move, copy, import or undo puts for buried ones: parked, which is delayed by 136
        years, or ready; None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.
    """

    state: str | Iterable[str] | None
    where: str | None
    group: Any
    limit: SupportsIndex | None
    order: str
    reason: str | None
    dry_run: bool
    rate: float | None
    progress: Callable[[Run], None] | bool | None
    buried_as: Literal["parked", "ready"] | None


class VerbOptions(Options, total=False):
    """Options of verbs whose jobs the tasks of an executor can act on.

    Attributes
    ----------
    executor : Executor, distributed.Client or None
        Has the jobs acted on in parts, by its workers.
    """

    executor: Any


class GroupedOptions(Options, total=False):
    """Options whose ``where`` has the jobs of the groups.

    Attributes
    ----------
    groups : list of str
        Whole names of the groups, for the journal.
    """

    groups: list[str]


class GroupOptions(TypedDict, total=False):
    """Options of a look at groups of jobs, which are then a selection: it has the jobs of one tube or glob."""

    state: str | Iterable[str] | None
    where: str | None
    group: Any
    limit: SupportsIndex | None
    probe: bool
    rate: float | None
    polite: bool
    connections: SupportsIndex
    progress: Callable[[Progress], None] | bool | None


class ScanOptions(GroupOptions, total=False):
    """Options of a query or a snapshot: the arguments of `Session.scan` without its tube."""

    ids: Any
    order: str


def given(options: Options) -> Options:
    """Return the options that are not None, with states as a tuple; None is the default of each.

    Raises
    ------
    ArgumentError
        The list of states is empty, which would select jobs in all states.
    """
    asked: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "state" in asked and not isinstance(asked["state"], str):
        asked["state"] = tuple(names_of("state", asked["state"]))
        if not asked["state"]:
            raise ArgumentError("state", [], "at least one state, or None for the default")
    return Options(**asked)  # type: ignore[typeddict-item, no-any-return]


def how_of(options: Options) -> How:
    """Return checked options for a run."""
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


def check_connections(connections: SupportsIndex) -> int:
    """Return a checked number of connections."""
    several = check_number("connections", connections, MOST_CONNECTIONS)
    if several < 1:
        raise ArgumentError("connections", connections, f"a number from 1 to {MOST_CONNECTIONS}")
    return several


def optional_priority(priority: SupportsIndex | None) -> int | None:
    """Return a checked priority, None for a job's own."""
    return None if priority is None else check_number("priority", priority, U32_MAX)
