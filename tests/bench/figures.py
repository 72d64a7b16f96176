"""How figures are taken and shown: each beside its limit, both in turn, medians of a few rounds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import NamedTuple, TypeVar

T = TypeVar("T")


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
    return [median(values) for values in _taken(rounds, measures)]


def rates_in_turn(rounds: int, *measures: Callable[[], dict[str, float]]) -> list[dict[str, float]]:
    """Do so with measures that take several figures, each under its name."""
    return [{name: median(one[name] for one in rates) for name in rates[0]} for rates in _taken(rounds, measures)]


def _taken(rounds: int, measures: Iterable[Callable[[], T]]) -> Iterator[tuple[T, ...]]:
    return zip(*([measure() for measure in measures] for _ in range(rounds)), strict=True)


def peak_memory(script: str, *arguments: str) -> float:
    """Return the most megabytes that a process needs for a script; ``ru_maxrss`` would start at what this one had."""
    told = "\nprint(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", script + told, *arguments], stdout=subprocess.PIPE, check=True)
    return int(done.stdout.split(b"VmHWM:")[1].split()[0]) * 1024 / 1e6


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
