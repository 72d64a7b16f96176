"""Watch a server from Python, for `Session.watch` and `Session.trend`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from beanops.jobs.select import select
from beanops.monitor.history import TIERS, Cell, resampled
from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.protocol.errors import ArgumentError, BeanopsError

if TYPE_CHECKING:
    from beanops.session.context import Context
    from beanops.session.lookups import Lookups


def looks(
    lookups: Lookups,
    context: Context,
    every: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Survey]:
    """Yield a survey of the server now and after every interval; what they see is kept in the session's past."""
    if not every > 0:
        raise ArgumentError("seconds", every, "a number of seconds above 0")
    surveyor = Surveyor(clock, past=context.past)
    due = clock()
    while True:
        yield lookups.survey(surveyor)
        # A slow consumer or server delays the looks; they are never made up for.
        due = max(due + every, clock())
        sleep(max(0.0, due - clock()))


def matching(survey: Survey, pattern: str | None) -> list[Seen]:
    """Return the tubes of a survey that match a name or a glob, all for None."""
    wanted = None if pattern is None else select(pattern).in_tube
    return [seen for name, seen in survey.tubes.items() if wanted is None or wanted(name)]


class Trend(NamedTuple):
    """The past in spans of equal length.

    Attributes
    ----------
    spans : list of Cell or None
        What is known of each, oldest first.
    first, step : float
        When the first one begins, in seconds of the clock, and the seconds of each.
    """

    spans: list[Cell | None]
    first: float
    step: float


def trend(lookups: Lookups, context: Context, tube: str | None, seconds: float, now: float) -> Trend:
    """Return what is known of the last `seconds` of a tube, or of the whole server.

    The spans are as short as the tier that reaches back so far has them.

    Raises
    ------
    NotFound
        There is no such tube, and there was none.
    """
    past = context.past

    look = partial(lookups.survey, Surveyor(lambda: now, past=past))
    if past.known(tube).begun is None:
        look()
        if tube is not None and past.known(tube).begun is None:
            lookups.tube(tube)
    else:
        # A server that does not answer now is no reason to withhold what is known.
        with suppress(BeanopsError):
            look()
    history = past.known(tube)
    first = now - seconds if history.begun is None else max(now - seconds, history.begun)
    step = next((tier.step for tier in TIERS if now - first <= tier.keep), TIERS[-1].step)
    number = max(1, ceil((now - first) / step))
    # They end now: what has just been seen is whole.
    first = now - number * step
    return Trend(resampled(history.cells(first, now, step), first, step, number), first, step)
