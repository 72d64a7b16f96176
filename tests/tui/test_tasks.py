"""The tasks of a night on call, each with the keys that it takes from the tubes screen; the fewest are a promise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from beanops import Client, Session
from tests.tui.conftest import Clock, Desk, dashboard, fill

#: The errors of the buried jobs of `billing`, with the number of each.
ERRORS = {
    ("ConnectionError", "smtp.internal:25 timed out after {n}s"): 1663,
    ("KeyError", "'customer_id'"): 198,
    ("IntegrityError", 'duplicate key value violates unique constraint "payments_pkey"'): 139,
}
BURIED = sum(ERRORS.values())


def failed() -> Iterator[bytes]:
    for (name, message), number in ERRORS.items():
        for n in range(number):
            error = {"class": name, "message": message.format(n=n)}
            yield json.dumps({"job": "ChargeCard", "customer": n, "exception": error}).encode()


@asynccontextmanager
async def night(session: Session, client: Client, clock: Clock) -> AsyncIterator[Desk]:
    """Open the dashboard on a server with one tube that is in trouble, and the tubes that are not."""
    fill(client, "billing", *failed(), bury=BURIED)
    fill(client, "accounts", b"1")
    fill(client, "mail", b"2")
    for tube in ("accounts", "mail"):
        client.watch(tube)
    async with dashboard(session, clock, (160, 50), sort=None) as desk:
        yield desk


def buried(client: Client) -> int:
    return client.stats_tube("billing").current_jobs_buried


async def test_the_worst_tube_is_on_top_without_a_key(session: Session, client: Client, clock: Clock) -> None:
    async with night(session, client, clock) as desk:
        assert desk.cursor("#tubes").startswith("billing")
        assert "2,000 buried" in desk.cursor("#tubes")


async def test_why_the_next_job_failed_is_in_the_preview(session: Session, client: Client, clock: Clock) -> None:
    async with night(session, client, clock) as desk:
        seen = await desk.painted()
        assert "smtp.internal:25 timed out" in seen
        assert "1,663" in seen
        assert "198" in seen


async def test_the_common_cause_takes_two_keys(session: Session, client: Client, clock: Clock) -> None:
    async with night(session, client, clock) as desk:
        await desk.press("enter", "G")
        seen = await desk.painted()
        assert "1,663" in seen
        assert "ConnectionError: smtp.internal:25 timed out" in seen
        assert "198" in seen
        assert "KeyError: 'customer_id'" in seen


async def test_kicking_all_buried_takes_two_keys_and_two_undo_it(
    session: Session, client: Client, clock: Clock
) -> None:
    async with night(session, client, clock) as desk:
        await desk.press("k", "y")
        assert buried(client) == 0
        await desk.press("u", "y")
        assert buried(client) == BURIED


async def test_kicking_one_class_of_error_takes_four_keys(session: Session, client: Client, clock: Clock) -> None:
    async with night(session, client, clock) as desk:
        await desk.press("enter")
        await desk.press("G", "down", "k", "y")
        assert buried(client) == BURIED - 198
        await desk.press("u", "y")
        assert buried(client) == BURIED


async def test_poison_is_deleted_by_a_predicate_with_six_keys(session: Session, client: Client, clock: Clock) -> None:
    bodies = [json.dumps({"kind": "poison" if n % 4 else "good"}).encode() for n in range(40)]
    fill(client, "orders", *bodies, bury=40)
    async with dashboard(session, clock, (160, 50), sort=None) as desk:
        await desk.press("enter", "F", "enter", "*", "D", "y")
        left = [job.body for batch in session.scan("orders") for job in batch]
        assert left == [b'{"kind": "good"}'] * 10


async def test_a_pause_of_ten_minutes_takes_three_keys(session: Session, client: Client, clock: Clock) -> None:
    async with night(session, client, clock) as desk:
        await desk.press("p", "enter", "y")
        assert client.stats_tube("billing").pause_time_left in range(590, 601)
