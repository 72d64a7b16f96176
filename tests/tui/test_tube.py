"""One tube: its jobs, their bodies, and each action with its confirmation and its place in the record."""

from __future__ import annotations

import gzip

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from tests.tui.conftest import Clock, Desk, dashboard, fill


async def open_tube(desk: Desk, tube: str) -> None:
    await desk.press("down", "enter")  # the default tube is the only one before it
    assert f"tube {tube}" in desk.line("#tube")


def record(session: Session) -> list[tuple[object, ...]]:
    return [
        (row.action, row.tube, row.id, row.state_before, row.outcome) for row in session._lookups.own_actions()[::-1]
    ]


async def test_heads_are_shown_with_the_decoded_body_of_the_one_under_the_cursor(
    session: Session, client: Client, clock: Clock
) -> None:
    (buried,) = fill(client, "mail", gzip.compress(b'{"task": "app.Welcome", "user": {"id": 7}}'), bury=1)
    (ready,) = fill(client, "mail", b"plain text")
    (delayed,) = fill(client, "mail", b"\x00\xff\xfe\x01", delay=60)
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        assert [row[:3] for row in desk.rows("#heads")] == [
            ["next", "ready", str(ready)],
            ["next", "delayed", str(delayed)],
            ["next", "buried", str(buried)],
        ]
        assert desk.cursor("#heads").startswith("next buried")
        assert "app.Welcome" in desk.cursor("#heads")
        assert "gzip, json" in desk.line("#job")
        assert desk.lines("#body")[:4] == ["{", '  "task": "app.Welcome",', '  "user": {', '    "id": 7']
        await desk.press("up")
        assert "00 ff fe 01" in desk.lines("#body")[0]
        await desk.press("up")
        assert desk.lines("#body")[0] == "plain text"
        assert "priority 65536" in desk.line("#history")


async def test_cancel_is_under_the_hand_and_leaves_everything_as_it_is(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        for answer in ("enter", "escape", "n"):
            await desk.press("D")
            assert f"Delete job {id} of tube mail?" in await desk.painted()
            await desk.press(answer)
            assert "Delete job" not in await desk.painted()
        assert session._lookups.own_actions() == []
        assert client.stats_job(id).state == "buried"


async def test_kick_bury_release_and_delete_do_what_was_confirmed(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        for keys, verb, state in (("ky", "kick", "ready"), ("by", "bury", "buried"), ("r⏎y", "release", "ready")):
            await desk.press(*["enter" if key == "⏎" else key for key in keys])
            assert client.stats_job(id).state == state
            assert desk.line("#status").startswith(f"✓ {verb}: 1 done")
        await desk.press("D", "right", "enter")
        assert "no longer exists" in desk.line("#job")
        assert record(session) == [
            ("kick", "mail", id, "buried", "done"),
            ("bury", "mail", id, "ready", "done"),
            ("release", "mail", id, "buried", "done"),
            ("delete", "mail", id, "ready", "done"),
        ]


async def test_a_reserved_job_is_held_until_it_is_acted_on(session: Session, client: Client, clock: Clock) -> None:
    first, second = fill(client, "mail", b"first", b"second")
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        await desk.press("v", "y")
        assert client.stats_job(first).state == "reserved"
        assert desk.cursor("#heads").split()[:4] == ["held", "by", "you", str(first)]
        assert "YOU HOLD 1 job" in desk.line("#server")
        assert "reserved by you (times out in" in desk.line("#job")
        assert "Kick" not in desk.footer
        await desk.press("b", "y")
        assert client.stats_job(first).state == "buried"
        assert "YOU HOLD" not in desk.line("#server")
        assert record(session)[0] == ("reserve", "mail", first, "ready", "done")
        assert client.stats_job(second).state == "ready"


async def test_a_small_screen_shows_the_key_to_all_others(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1", bury=1)
    async with dashboard(session, clock, (80, 24)) as desk:
        await open_tube(desk, "mail")
        assert "? more" in (await desk.painted()).splitlines()[-1]


async def test_after_an_action_the_cursor_stays_on_its_job(session: Session, client: Client, clock: Clock) -> None:
    ids = fill(client, "mail", b"1", b"2", b"3", bury=3)
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        await desk.press("k", "y")
        assert desk.cursor("#heads").split()[2] == str(ids[0])
        await desk.press("D", "y")
        assert "no longer exists" in desk.line("#job")
        await desk.press("D", "y", "k", "y")  # nothing is left to be done to it, and no other job is meant
        assert [client.stats_job(id).state for id in ids[1:]] == ["buried", "buried"]


async def test_when_the_selected_jobs_are_gone_no_key_is_for_the_job_in_their_place(
    session: Session, client: Client, clock: Clock
) -> None:
    ids = fill(client, "mail", b"1", b"2", b"3", b"4", bury=4)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_tube(desk, "mail")
        await desk.press("home", "space", "space", "up", "D", "y")
        assert "delete: 2 done" in desk.line("#status")
        assert "no longer in the list: move the cursor" in desk.line("#job")
        await desk.press("D", "y", "k", "y")
        assert client.stats_tube("mail").current_jobs_buried == 2
        await desk.press("down", "D", "y")
        assert client.stats_tube("mail").current_jobs_buried == 1
    assert len(ids) == 4


async def test_many_are_kicked_up_to_the_number_that_was_asked_for(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b"x"] * 5, bury=5)
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        await desk.press("K")
        painted = await desk.painted()
        assert "Kick next: tube mail" in painted
        assert "of 5 buried jobs, at most" in painted
        await desk.press("backspace", "0", "enter")
        assert "How many: expected a whole number from 1" in await desk.painted()
        await desk.press("backspace", "3", "enter")
        assert "Kick up to 3 jobs of tube mail?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").current_jobs_ready == 3
        assert "kick: 3 done" in desk.line("#status")
        await desk.press("K", "escape")
        assert len(session._lookups.own_actions()) == 1


async def test_a_tube_is_paused_and_resumed(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        assert "Pause" in desk.footer
        await desk.press("p", "enter", "y")
        assert client.stats_tube("mail").pause == 600
        assert "PAUSED for" in desk.line("#tube")
        assert "Unpause" in desk.footer
        assert "Reserve" not in desk.footer
        await desk.press("p", "y")
        assert client.stats_tube("mail").pause_time_left == 0
        assert [row[0] for row in record(session)] == ["pause", "unpause"]


async def test_an_action_is_for_the_job_that_was_under_the_cursor_when_it_was_asked_for(
    session: Session, client: Client, clock: Clock
) -> None:
    first, second = fill(client, "mail", b"1", b"2")
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        await desk.press("D")
        client.delete(client.reserve_job(first))
        await desk.tick()
        assert f"Delete job {first} of tube mail?" in await desk.painted()
        await desk.press("y")
        assert client.stats_job(second).state == "ready"
        assert record(session) == [("delete", None, first, None, "skipped")]
        assert "✗ delete: 0 done, 1 skipped" in desk.line("#status")


async def test_the_job_under_the_cursor_stays_in_sight_when_a_worker_takes_it(
    session: Session, client: Client, clock: Clock
) -> None:
    first, second = fill(client, "mail", b"1", b"2")
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        job = client.reserve_job(first)
        await desk.tick()
        assert desk.cursor("#heads").split()[:3] == ["now", "reserved", str(first)]
        assert ["next", "ready", str(second)] in [row[:3] for row in desk.rows("#heads")]
        for offer in ("Kick", "Bury", "Release", "Delete"):
            assert offer not in desk.footer
        client.delete(job)
        await desk.tick()
        assert "no longer exists" in desk.line("#job")
        assert desk.lines("#body")[0] == "1"


async def test_a_read_only_session_says_so_and_offers_nothing(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"x", bury=1)
    with connect(beanstalkd.address, source="tui", read_only=True) as session:
        async with dashboard(session, clock) as desk:
            await open_tube(desk, "mail")
            assert "READ-ONLY" in desk.line("#server")
            for offer in ("Kick", "Delete", "New", "Pause", "Undo"):
                assert offer not in desk.footer.split()
            await desk.press("D", "y", "k", "y", "p", "enter", "y")
            assert client.stats_job(id).state == "buried"
            assert session._lookups.own_actions() == []


async def test_a_tube_that_vanished_says_so(session: Session, client: Client, clock: Clock) -> None:
    (id,) = fill(client, "mail", b"x")
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        client.delete(id)
        await desk.tick()
        assert "tube no longer exists" in desk.line("#tube")
        assert "Pause" not in desk.footer
        await desk.press("escape")
        assert desk.names() == ["default"]


async def test_actions_are_listed_newest_first_with_what_became_of_them(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock, (120, 24)) as desk:
        await desk.press("a")
        assert "no runs yet" in "\n".join(desk.lines("#runs"))
        await desk.press("escape")
        await open_tube(desk, "mail")
        await desk.press("k", "y", "D")
        client.delete(id)
        await desk.press("y", "a")
        assert [row[2:5] for row in desk.rows("#runs")] == [["delete", "1", "tester,"], ["kick", "1", "tester,"]]
        assert "job 1" in desk.line("#why")
        assert "by tester, tui" in desk.line("#action")
        assert "Actions" not in desk.footer.split()
        await desk.press("enter")
        assert [row[2:5] for row in desk.rows("#done")] == [["delete", "skipped", str(id)]]
        assert "it does not exist" in desk.line("#why")
        await desk.press("escape", "escape", "escape")
        assert desk.names() == ["default"]


async def test_a_long_body_scrolls_and_esc_goes_back_one_level(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"\n".join(b"line %d" % number for number in range(1000)))
    async with dashboard(session, clock) as desk:
        await open_tube(desk, "mail")
        await desk.press("enter", "end")
        await desk.pilot.pause()
        assert desk.lines("#body")[-1] == "line 999"
        await desk.tick()
        assert desk.lines("#body")[-1] == "line 999"
        await desk.press("escape", "down", "escape")
        assert desk.names() == ["default", "mail"]


async def test_how_long_jobs_wait_and_run_is_on_a_high_screen(session: Session, client: Client, clock: Clock) -> None:
    (first,) = fill(client, "mail", b"x")
    async with dashboard(session, clock, size=(160, 45)) as desk:
        await open_tube(desk, "mail")
        assert desk.line("#times") == ""
        for _ in range(3):
            ids = fill(client, "mail", *[b"x"] * 8)
            for id in ids:
                client.delete(client.reserve_job(id))
            await desk.tick()
        assert "wait p50 <1s p95 <1s, run p50 <1s p95 <1s (estimate of 24 jobs)" in await desk.painted()
        assert client.stats_job(first).state == "ready"
