"""What is known of bodies and jobs at the end: records, most frequent first."""

from __future__ import annotations

from typing import NamedTuple


class ValueCount(NamedTuple):
    """A value at a path.

    Attributes
    ----------
    value : str
        As ``data->>'$.path'`` returns it; of a long text the beginning, and ``…``.
    jobs : int
        Number of jobs that have it.
    approximate : bool
        Whether there may be more of them.
    where : str or None
        The predicate that selects these jobs; None where SQL cannot name the path.
    """

    value: str
    jobs: int
    approximate: bool
    where: str | None


class PathFacet(NamedTuple):
    """A path in decoded bodies.

    Attributes
    ----------
    path : str
        As in ``data->>'$.a.b'``; ``[*]`` is any item of a list.
    sql : str or None
        The expression for the text there, or for the list of texts; None where SQL cannot name the path.
    jobs : int
        Number of jobs that have it, including those in which it is null.
    missing : int
        Number of decoded jobs without it.
    nulls : int
        Number of jobs in which it is null.
    types : dict of str to int
        Number of jobs by type: ``string``, ``integer``, ``number``, ``boolean``, ``null``, ``object``, ``array``.
    distinct : int
        Number of different values; objects and arrays have none.
    approximate : bool
        Whether `distinct` is an estimate, within a few per cent, and rare values are not in `top`.
    min, max : int, float, str or None
        The extremes of its numbers, or of its texts where there are no numbers; of a long text the beginning.
    top : tuple of ValueCount
        The most frequent values.
    """

    path: str
    sql: str | None
    jobs: int
    missing: int
    nulls: int
    types: dict[str, int]
    distinct: int
    approximate: bool
    min: int | float | str | None
    max: int | float | str | None
    top: tuple[ValueCount, ...]


class Bin(NamedTuple):
    """Jobs whose number is at least `start` and below `end`.

    Attributes
    ----------
    start, end : int
        Its bounds.
    jobs : int
        Number of jobs.
    where : str
        The predicate that selects them.
    """

    start: int
    end: int
    jobs: int
    where: str


class Histogram(NamedTuple):
    """How one number is distributed over the jobs.

    Attributes
    ----------
    column : str
        Its name, such as ``"age"``, which is in seconds.
    min, max : int
        The extremes.
    bins : tuple of Bin
        From the lowest number to the highest, without those at both ends that are empty.
    """

    column: str
    min: int
    max: int
    bins: tuple[Bin, ...]


class Undecoded(NamedTuple):
    """Jobs whose bodies were not decoded, or not for certain.

    Attributes
    ----------
    format : str
        What is known of the bodies: names of decoders, from the outside in.
    jobs : int
        Number of jobs.
    sample : tuple of int
        Ids of some of them.
    """

    format: str
    jobs: int
    sample: tuple[int, ...]


class Facets(NamedTuple):
    """What many jobs have in common.

    Attributes
    ----------
    jobs : int
        Number of jobs.
    decoded : int
        Number of those whose bodies were decoded.
    paths : tuple of PathFacet
        In the order of the bodies, each before those below it.
    other_paths : int
        Number of values at paths that are too many to be kept; 0 where all paths are known.
    histograms : tuple of Histogram
        Of age, size and priority, and of the other numbers that differ.
    undecoded : tuple of Undecoded
        The others, by format.
    """

    jobs: int
    decoded: int
    paths: tuple[PathFacet, ...]
    other_paths: int
    histograms: tuple[Histogram, ...]
    undecoded: tuple[Undecoded, ...]
