"""Progress bars in notebooks and terminals, for calls that take longer than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from beanops.jobs.search.progress import Progress
    from beanops.session.execution.run import Run

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: The argument `progress` of a method: a function to call, False for no bar, True for a bar, or None for a bar in a
#: notebook or terminal.
Report = Callable[[T], None] | bool | None
#: Seconds after which a bar appears.
PATIENCE = 1.0


class Bar:
    """A progress bar that appears after a second, and imports tqdm then.

    Parameters
    ----------
    unit : str
        Unit of the count, such as ``"jobs"``.
    title : str
        Name of the call.
    total : float or None
        The total count, None if it is unknown.
    layout : str or None
        The bar's ``bar_format``, None for tqdm's own.
    """

    def __init__(self, unit: str, title: str = "", total: float | None = None, layout: str | None = None) -> None:
        self._look = {"unit": f" {unit}", "desc": title or None, "total": total, "leave": False, "dynamic_ncols": True}
        self._look["bar_format"] = layout
        self._bar: Any = None
        self._due = time.monotonic() + PATIENCE

    def show(self, done: float, total: float | None = None, note: str = "") -> None:
        """Show the count, the total, and a note beside them."""
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
        """Show the progress of a run."""
        self.show(run.counted, run.named or None)

    def show_scan(self, progress: Progress) -> None:
        """Show the progress of a search for jobs."""
        of = "" if progress.expected is None else f" of {progress.expected:,}"
        self.show(progress.looked, progress.looked + progress.remaining, f"{progress.found:,}{of} jobs")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            with suppress(OSError):  # the terminal may be closed
                self._bar.close()


@contextmanager
def bar_for(
    wanted: Report[Any],
    watched: bool,
    unit: str,
    title: str,
    total: float | None = None,
    layout: str | None = None,
) -> Iterator[Bar | None]:
    """Yield a bar, or None if it is not wanted or nobody would see it; remove it at the end.

    Parameters
    ----------
    wanted : callable, bool or None
        The argument `progress` of the caller.
    watched : bool
        Whether the caller is a script or a notebook; other faces show progress themselves.
    unit, title, total, layout
        As in `Bar`.
    """
    if callable(wanted) or wanted is False or not (wanted or (watched and is_watched())):
        yield None
        return
    bar = Bar(unit, title, total, layout)
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
    """Decorate a verb of the session, which calls `progress` with its run, to show a bar by default."""
    return _shown(method, "jobs", Bar.show_run)


def shows_scan(method: F) -> F:
    """Decorate a search of the session, which calls `progress` with its progress, to show a bar by default."""
    return _shown(method, "ids", Bar.show_scan)


def _shown(method: F, unit: str, show: Callable[[Bar, Any], None]) -> F:
    @wraps(method)
    def with_bar(session: Any, *arguments: Any, progress: Report[Any] = None, **keywords: Any) -> Any:
        with bar_for(progress, session._watched, unit, method.__name__.rstrip("_")) as bar:
            report = (lambda value: show(bar, value)) if bar is not None else progress if callable(progress) else None
            return method(session, *arguments, progress=report, **keywords)

    return cast(F, with_bar)


def is_watched() -> bool:
    """Whether a bar would be seen: in the main thread, in a notebook or on a terminal."""
    if threading.current_thread() is not threading.main_thread():
        return False
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return "IPKernelApp" in getattr(shell, "config", ()) or (sys.stderr is not None and sys.stderr.isatty())
