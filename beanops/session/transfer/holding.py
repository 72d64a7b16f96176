"""Keep a job from the workers of its server while it is moved to another one, and give it back to them."""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import Any

from beanops.journal.records import Fate
from beanops.protocol import commands
from beanops.protocol.errors import Buried, NotFound, ReplyError, TimedOut
from beanops.session.execution.conversation import Ask
from beanops.session.execution.putting import wait_of
from beanops.session.execution.verbs import Order, fate_of
from beanops.session.old_servers.bury import AT_ONCE, MOST_BEFORE


class Holding(Enum):
    """Whether a job is held: no worker can get it; or free, so that its delete must claim it."""

    HELD = "held"
    FREE = "free"


#: A part of a talk that ends with whether the job is held, or with why it is not moved.
Hold = Generator[Ask, list[Any], Holding | Fate]


def hold(order: Order, mark: int) -> Hold:
    """Hold a ready or delayed job: delay it by the mark."""
    release = commands.release(order.id, priority=order.stats.priority, delay=mark)
    reserved, released = yield Ask((commands.reserve_job(order.id), release))
    if not isinstance(released, ReplyError):
        return Holding.HELD
    if isinstance(reserved, ReplyError):
        return fate_of(reserved)
    return _not_held(released)


def hold_alone(order: Order, mark: int) -> Hold:
    """Hold a ready job of a server that cannot reserve by id: reserve jobs of its tube until it comes.

    The others become ready again when the connection is closed. In a paused tube no job can be reserved, also not by
    workers: there the delete claims it.
    """
    tube = order.stats.tube
    release = commands.release(order.id, priority=order.stats.priority, delay=mark)
    # The search for another job may have reserved it.
    now, released = yield Ask((commands.stats_tube(tube), release), alone=tube)
    if not isinstance(released, ReplyError):
        return Holding.HELD
    if not isinstance(now, ReplyError) and now.pause_time_left:
        return Holding.FREE
    tried = 0
    while isinstance(released, NotFound) and tried < MOST_BEFORE:
        reserves = min(AT_ONCE, max(1, tried))
        tried += reserves
        *got, released = yield Ask((*[commands.reserve(0)] * reserves, release), alone=tube)
        if isinstance(got[-1], TimedOut):
            break
    if not isinstance(released, ReplyError):
        return Holding.HELD
    return fate_of(released) if isinstance(released, NotFound) else _not_held(released)


def _not_held(answer: ReplyError) -> Fate:
    more = "; the job is buried" if isinstance(answer, Buried) else ""
    return Fate("failed", f"{answer}{more}")


def give_back(order: Order, holding: Holding, reserves: bool) -> Generator[Ask, list[Any], None]:
    """Give a held job back to the workers of its server, in its state and with its delay."""
    if holding is Holding.FREE:
        return
    stats, kick = order.stats, commands.kick_job(order.id)
    if not reserves:
        yield Ask((kick,))
        return
    delayed = stats.state == "delayed"
    delay = wait_of(stats.delay, stats.time_left) if delayed else stats.delay
    release = commands.release(order.id, priority=stats.priority, delay=delay)
    yield Ask((commands.reserve_job(order.id), release, *(() if delayed or not delay else (kick,))))
