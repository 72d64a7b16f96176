"""How figures are taken and shown: each beside its limit, both in turn, medians of a few rounds."""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median
from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    name : str
        What was measured.
    figure, limit : float
        What beanops reached, and what it is held against, in `unit`.
    target : float
        Where `figure` / `limit` should be.
    at_least : bool
        Whether the ratio should be at least the target, or at most.
    unit : str
        Such as ``"/s"``.
    """

    name: str
    figure: float
    limit: float
    target: float
    at_least: bool = True
    unit: str = "/s"

    @property
    def ratio(self) -> float:
        """Figure over limit."""
        return self.figure / self.limit

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """Take each measure once a round, so that what else the machine does meets all alike; return the medians."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [median(values) for values in zip(*taken, strict=True)]


def show(title: str, figures: list[Figure]) -> None:
    """Print a table, and plainly which targets were missed."""
    print(f"\n{title} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")
    print(f"  {'':<34}{'figure':>12}{'limit':>12}{'':5}{'ratio':>8}{'target':>10}")
    for one in figures:
        target = f"{'>=' if one.at_least else '<='} {one.target:g}"
        verdict = "" if one.met else "   MISSED"
        values = f"{one.figure:>12,.0f}{one.limit:>12,.0f} {one.unit:<4}{one.ratio:>8.2f}"
        print(f"  {one.name:<34}{values}{target:>10}{verdict}")
    missed = [one.name for one in figures if not one.met]
    print(f"  missed: {', '.join(missed)}" if missed else "  all targets met", flush=True)
