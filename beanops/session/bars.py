"""Show a progress bar for whatever takes longer than a second, where somebody watches: a notebook or a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar, cast

from beanops.jobs.search.progress import Progress
from beanops.session.execution.run import Run

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: What a method takes as `progress`: a function that is called as it goes on; False for no bar, True for one in any
#: case; None for one where somebody watches.
Report = Callable[[T], None] | bool | None
#: Seconds after which a bar appears.
PATIENCE = 1.0


class Bar:
    """A progress bar that appears after a second; tqdm is loaded no sooner.

    Parameters
    ----------
    unit : str
        What it counts, such as ``"jobs"``.
    title : str
        What goes on.
    total : float or None
        How many there are, where that is known.
    """

    def __init__(self, unit: str, title: str = "", total: float | None = None) -> None:
        self._look = {"unit": f" {unit}", "desc": title or None, "total": total, "leave": False, "dynamic_ncols": True}
        self._bar: Any = None
        self._due = time.monotonic() + PATIENCE

    def show(self, done: float, total: float | None = None, note: str = "") -> None:
        """Show how much is done, of how much, with a note beside it."""
        if self._bar is None:
            if time.monotonic() < self._due:
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(**self._look)
        if total is not None:
            self._bar.total = total
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def show_run(self, run: Run) -> None:
        """Show how far a run has come."""
        self.show(run.counted, run.named or None)

    def show_scan(self, progress: Progress) -> None:
        """Show how far a search for jobs has come."""
        of = "" if progress.expected is None else f" of {progress.expected:,}"
        self.show(progress.looked, progress.looked + progress.remaining, f"{progress.found:,}{of} jobs")

    def close(self) -> None:
        """Remove it."""
        if self._bar is not None:
            with suppress(OSError):  # the terminal may be gone
                self._bar.close()


@contextmanager
def bar_for(
    wanted: Report[Any], watched: bool, unit: str, title: str, total: float | None = None
) -> Iterator[Bar | None]:
    """Give a bar, or None where nobody wants or sees one; it is removed at the end.

    Parameters
    ----------
    wanted : callable, bool or None
        As the caller gave `progress`.
    watched : bool
        Whether the caller is a person, rather than a face of beanops that shows progress itself.
    unit, title, total
        As in `Bar`.
    """
    if callable(wanted) or wanted is False or not (wanted or (watched and is_watched())):
        yield None
        return
    bar = Bar(unit, title, total)
    try:
        yield bar
    finally:
        bar.close()


@contextmanager
def scan_bar(wanted: Report[Progress], watched: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Give what shows a scan, as `bar_for` does."""
    with bar_for(wanted, watched, "ids", "scan") as bar:
        yield None if bar is None else bar.show_scan


def shows_run(method: F) -> F:
    """Decorate a verb of the session, which calls `progress` with its run, so that a bar is the default."""
    return _shown(method, "jobs", Bar.show_run)


def shows_scan(method: F) -> F:
    """Decorate a search of the session, which calls `progress` as it goes on, so that a bar is the default."""
    return _shown(method, "ids", Bar.show_scan)


def _shown(method: F, unit: str, show: Callable[[Bar, Any], None]) -> F:
    @wraps(method)
    def with_bar(session: Any, *arguments: Any, progress: Report[Any] = None, **keywords: Any) -> Any:
        with bar_for(progress, session._watched, unit, method.__name__.rstrip("_")) as bar:
            report = (lambda value: show(bar, value)) if bar is not None else progress if callable(progress) else None
            return method(session, *arguments, progress=report, **keywords)

    return cast(F, with_bar)


def is_watched() -> bool:
    """Whether somebody sees a bar: in a notebook or on a terminal, from the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return False
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return "IPKernelApp" in getattr(shell, "config", ()) or (sys.stderr is not None and sys.stderr.isatty())
