"""Actions on many jobs of a tube, or on several tubes: what is said is what is done, and nothing of it is hidden."""

from __future__ import annotations

import pytest

from beanops import Client, Session
from beanops.protocol.errors import ConnectFailed, NotFound
from beanops.session.execution.run import Run
from tests.tui.conftest import Clock, dashboard, fill


async def test_a_drain_names_counts_shows_a_sample_and_takes_no_job_that_came_later(
    session: Session, client: Client, clock: Clock
) -> None:
    oldest, *_ = fill(client, "mail", b"one", b"two", b"three", bury=2)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "X", *"buried ready", "enter")
        painted = await desk.painted()
        assert "Delete 3 ready and buried jobs of tube mail?" in painted
        assert "1 ready, 2 buried" in painted
        assert f"next buried: {oldest} one" in painted
        assert "to do it:" not in painted
        (later,) = fill(client, "mail", b"later")
        await desk.press("y")
        assert "✓ drain: 3 done" in desk.line("#status")
        assert client.stats_job(later).state == "ready"
        await desk.press("u", "y")
        stats = client.stats_tube("mail")
        assert (stats.current_jobs_ready, stats.current_jobs_buried) == (2, 2)


async def test_a_drain_of_states_that_no_job_is_in_does_nothing_and_says_so(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "X", "enter")
        assert "drain: tube mail had no such jobs" in desk.line("#status")
        assert session._lookups.own_actions() == []


async def test_several_tubes_are_drained_and_the_others_are_left_out(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "a", b"1", b"2", bury=2)
    fill(client, "b", b"1")
    fill(client, "c", b"1", bury=1)
    async with dashboard(session, clock) as desk:
        await desk.press("asterisk", "X", "enter")
        painted = await desk.painted()
        assert "Delete 3 buried jobs of 2 tubes?" in painted
        assert "a (2), c (1)" in painted
        await desk.press("y")
        assert "✓ drain of 2 tubes: 3 done" in desk.line("#status")
        assert client.stats_tube("b").current_jobs_ready == 1
        await desk.press("u")
        assert "Undo drain (3)?" in await desk.painted()
        await desk.press("y")
        assert "✓ undo of 2 runs: 3 done" in desk.line("#status")
        assert [client.stats_tube(name).current_jobs_buried for name in "ac"] == [2, 1]


async def test_many_are_kicked_of_each_tube_and_only_in_the_state_that_was_shown(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("a", "b"):
        fill(client, tube, *[b"x"] * 3, bury=3)
    (later,) = fill(client, "c", b"x", delay=600)
    async with dashboard(session, clock) as desk:
        await desk.press("asterisk", "K")
        assert "of each of 2 tubes: 6 buried" in await desk.painted()
        await desk.press("backspace", "2", "enter")
        painted = await desk.painted()
        assert "Kick up to 2 jobs in each of 2 tubes, 4 in all?" in painted
        assert "This cannot be undone: the server chooses the jobs" in painted
        await desk.press("y")
        assert "✓ kick of 2 tubes: 4 done" in desk.line("#status")
        assert "undoes it" not in desk.line("#status")
        assert "Undo" not in desk.footer
        await desk.press("ctrl+p", *"undo")
        assert "Undo the last action" not in await desk.painted()
        await desk.press("escape", "a")
        assert "Undo" not in desk.footer
        await desk.press("enter")
        assert "Undo" not in desk.footer
        await desk.press("escape", "escape")
        assert [client.stats_tube(name).current_jobs_buried for name in "ab"] == [1, 1]
        assert client.stats_job(later).state == "delayed"


async def test_what_was_asked_of_buried_jobs_is_never_done_to_delayed_ones(
    session: Session, client: Client, clock: Clock
) -> None:
    (buried,) = fill(client, "mail", b"x", bury=1)
    (delayed,) = fill(client, "mail", b"x", delay=600)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "K", "enter")
        client.kick_job(buried)
        await desk.press("y")
        assert "✗ kick-next: no jobs are buried now; no delayed job was kicked" in desk.line("#status")
        assert client.stats_job(delayed).state == "delayed"
        await desk.press("K", "enter")
        client.reserve_job(buried)
        client.bury(buried)
        await desk.press("y")
        assert "✗ kick-next: some jobs are buried now; no buried job was kicked" in desk.line("#status")
        assert client.stats_job(buried).state == "buried"


async def test_a_number_that_is_large_only_over_all_tubes_has_to_be_typed_too(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("a", "b"):
        fill(client, tube, *[b"x"] * 60, bury=60)
    async with dashboard(session, clock) as desk:
        await desk.press("asterisk", "K", "enter")
        painted = await desk.painted()
        assert "Kick up to 60 jobs in each of 2 tubes, 120 in all?" in painted
        assert "Type 120 to do it:" in painted


async def test_several_tubes_are_resumed(session: Session, client: Client, clock: Clock) -> None:
    for tube in ("a", "b"):
        fill(client, tube, b"1")
        client.pause_tube(tube, 600)
    async with dashboard(session, clock) as desk:
        await desk.press("home", "space", "space", "p")
        assert "Unpause 2 tubes?" in await desk.painted()
        await desk.press("y")
        assert "✓ unpause of 2 tubes: 2 done" in desk.line("#status")
        assert [client.stats_tube(name).pause_time_left for name in "ab"] == [0, 0]


@pytest.mark.parametrize(
    ("error", "text", "paused"),
    [
        (NotFound("stats-tube b"), "2 done, 1 not begun (tube b: ", [True, False, True]),
        (ConnectFailed("nobody is there"), "stopped: the server is lost, with 1 tube to go", [True, False, False]),
    ],
)
async def test_a_tube_that_cannot_be_acted_on_hides_nothing_of_what_was_done(
    session: Session,
    client: Client,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    text: str,
    paused: list[bool],
) -> None:
    for tube in ("a", "b", "c"):
        fill(client, tube, b"1")
    pause = session.pause

    def sometimes(tube: str, seconds: int) -> Run:
        if tube == "b":
            raise error
        return pause(tube, seconds)

    monkeypatch.setattr(session, "pause", sometimes)
    async with dashboard(session, clock, (160, 24)) as desk:
        await desk.press("home", "space", "space", "space", "p", "enter", "y")
        assert desk.line("#status").startswith("✗ pause of 3 tubes: ")
        assert text in desk.line("#status")
        assert [client.stats_tube(name).pause_time_left > 0 for name in "abc"] == paused
        await desk.press("u", "y")
        assert [client.stats_tube(name).pause_time_left for name in "abc"] == [0, 0, 0]
