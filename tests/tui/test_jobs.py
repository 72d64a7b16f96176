"""The jobs of a tube: how they are found, filtered and selected, and what is done to many of them."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.widgets import TextArea

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.session.config import Profile
from beanops.session.execution.run import Run
from beanops.session.files import samples
from beanops.tui.jobs import feed as job_feed
from beanops.tui.screens.tube import TubeScreen
from tests.tui.conftest import Clock, Desk, dashboard, fill


async def open_mail(desk: Desk) -> None:
    await desk.press("down", "enter")
    assert "tube mail" in desk.line("#tube")


class Stalled:
    """Holds up kicks and undos after their first batch of five."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self._going, self._seen = threading.Event(), threading.Event()
        for verb in ("kick", "undo"):
            monkeypatch.setattr(session, verb, self._slowly(getattr(session, verb)))

    def _slowly(self, verb: Callable[..., Run]) -> Callable[..., Run]:
        def slowly(what: object, **options: Any) -> Run:
            def told(run: Run) -> None:
                options["progress"](run)
                if run.done:
                    self._seen.set()
                    assert self._going.wait(60)

            return verb(what, **{**options, "progress": told, "rate": 20})

        return slowly

    @asynccontextmanager
    async def action(self, desk: Desk, key: str) -> AsyncIterator[None]:
        """Begin an action with a key; in the block it is half done."""
        await desk.send(key)
        assert await asyncio.to_thread(self._seen.wait, 60)
        await desk.pilot.pause()
        try:
            yield
        finally:
            self._going.set()
        await desk.settle()


def ids(desk: Desk) -> list[int]:
    screen = desk.app.view
    assert isinstance(screen, TubeScreen)
    return [row.id for row in screen.table.rows]


async def test_the_list_is_searched_filtered_and_turned_round(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_feed, "PAGE", 4)
    bodies = [json.dumps({"task": "app.Mail", "user": number}).encode() for number in range(12)]
    all_ids = fill(client, "mail", *bodies)
    async with dashboard(session, clock, (120, 40)) as desk:
        await open_mail(desk)
        # The next ready job stands at the top, the others newest first.
        assert ids(desk) == [all_ids[0], *all_ids[:0:-1]]
        await desk.press("slash", *'user": 7')
        assert ids(desk) == [all_ids[7]]
        assert "1 of 12 jobs with" in desk.line("#status")
        await desk.press("escape")
        assert len(ids(desk)) == 12
        await desk.press("w", *"data->>'$.user' = '3'", "enter")
        assert ids(desk) == [all_ids[3]]
        assert "where" in desk.line("#status")
        await desk.press("w", "ctrl+u", *"nonsense", "enter")
        assert "at character 1: there is no column 'nonsense'" in await desk.painted()
        await desk.press("ctrl+u", "enter", "o")
        assert ids(desk)[:3] == all_ids[:3]
        assert "oldest first" in desk.line("#status")
        # Tabs of states without jobs are left out.
        await desk.press("t")
        assert "[ready 12]" in desk.line("#counts")
        assert len(ids(desk)) == 12
        await desk.press("t")
        assert "[all 12]" in desk.line("#counts")
        await desk.press("t", "escape", "escape")
        assert desk.names() == ["default", "mail"]


async def test_a_page_is_full_and_the_end_of_the_list_finds_the_next(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_feed, "PAGE", 300)
    fill(client, "mail", *[b"x"] * 3000)  # more than two pages, for a search takes more at a time as it goes on
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        assert "m finds more" in desk.line("#status")
        found = len(ids(desk))
        await desk.press("end")
        assert len(ids(desk)) > found
        assert "m finds more" in desk.line("#status")
        await desk.press("m")
        assert len(ids(desk)) == 3000
        assert "3,000 jobs" in desk.line("#status")
        client.delete(5)
        await desk.tick()
        assert "2,999 now: m searches again" in desk.line("#status")


async def test_selected_jobs_are_acted_on_together_and_it_is_undone(
    session: Session, client: Client, clock: Clock
) -> None:
    many = fill(client, "mail", *[b"job %d" % number for number in range(8)], bury=4)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("slash", *"buried", "enter", "asterisk")
        assert "4 selected" in desk.line("#status")
        await desk.press("k")
        painted = await desk.painted()
        assert "Kick 4 jobs of tube mail?" in painted
        assert "4 buried" in painted
        assert "and 1 other job" in painted
        # What happens meanwhile changes nothing of what was asked for.
        client.kick_job(many[0])
        await desk.tick()
        await desk.press("y")
        assert "kick: 3 done, 1 skipped" in desk.line("#status")
        assert "u undoes it" in desk.line("#status")
        assert client.stats_tube("mail").current_jobs_buried == 0
        assert "selected" not in desk.line("#status")
        await desk.press("u")
        assert "Undo kick (3)?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").current_jobs_buried == 3
        assert "undo: 3 done" in desk.line("#status")


@pytest.mark.parametrize("keys", [["w", *"data->>'$.user' < '5'"], ["slash", *'user": "1']])
async def test_after_a_bulk_delete_of_what_matches_it_goes_on_looking(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch, keys: list[str]
) -> None:
    monkeypatch.setattr(job_feed, "PAGE", 10)
    monkeypatch.setattr("beanops.jobs.search.scan.BLOCK", 16, raising=False)
    bodies = [json.dumps({"user": str(number % 10)}).encode() for number in range(1500)]
    fill(client, "mail", *bodies)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press(*keys, "enter", "asterisk", "D")
        if typed := re.search(r"Type (\d+) to do it", await desk.painted()):
            await desk.press(*typed[1], "enter")
        else:
            await desk.press("y")
        assert " done" in desk.line("#status")
        left = client.stats_tube("mail").current_jobs_ready
        assert left < 1500
        # A predicate chose all jobs that match it, a text only those that were loaded.
        assert ("no jobs found" in "\n".join(desk.lines("#heads"))) == (keys[0] == "w")
        assert bool(ids(desk)) == (keys[0] == "slash")


async def test_an_empty_list_says_how_far_was_looked(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_feed, "LOOKED", 10)
    fill(client, "mail", *[b"x"] * 3000)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("w", *"body = 'y'", "enter")
        shown = "\n".join(desk.lines("#heads"))
        assert "so far; m continues" in shown
        await desk.press("m")
        assert "no jobs found" in "\n".join(desk.lines("#heads"))


async def test_ranges_move_copy_and_release_with_settings(session: Session, client: Client, clock: Clock) -> None:
    many = fill(client, "mail", *[b"x"] * 5)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("home", "space", "down", "full_stop", "M")
        assert "Move: 3 jobs of tube mail" in await desk.painted()
        await desk.press(*"spam", "enter")
        assert "Move 3 jobs of tube mail into tube spam?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("spam").current_jobs_ready == 3
        assert len(ids(desk)) == 2
        await desk.press("home", "r", *"7", "tab", "backspace", *"90", "enter")
        painted = await desk.painted()
        assert "with priority 7" in painted
        await desk.press("y")
        states = {id: client.stats_job(id).state for id in many if id in ids(desk)}
        assert sorted(states.values()) == ["delayed", "ready"]
        assert {client.stats_job(id).delay for id in states} == {0, 90}
        await desk.press("c", *"mail", "enter")
        assert "Copy job " in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").total_jobs == 6


async def test_deleting_more_than_a_hundred_jobs_needs_their_number_typed(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b"x"] * 120)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("asterisk", "D", "enter")
        assert "Type 120 to do it:" in await desk.painted()
        assert session._lookups.own_actions() == []
        await desk.press(*"nail", "enter")  # also what is a key elsewhere is typed
        assert "Text does not match" in await desk.painted()
        await desk.press("backspace", "backspace", "backspace", "backspace", *"120", "enter")
        await desk.settle()
        assert "delete: 120 done" in desk.line("#status")
        assert "tube no longer exists" in desk.line("#tube")
        await desk.press("u", "y")
        assert client.stats_tube("mail").current_jobs_ready == 120


async def test_a_guarded_server_asks_for_its_name_before_a_job_is_deleted(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x")
    guarded = Profile("prod", str(session.address), confirm="type-name")
    async with dashboard(session, clock, (100, 40), profile=guarded) as desk:
        await open_mail(desk)
        await desk.press("D")
        assert "Type prod to do it:" in await desk.painted()
        await desk.press(*"mail", "enter")
        assert "Text does not match" in await desk.painted()
        await desk.press("backspace", "backspace", "backspace", "backspace", *"prod", "enter")
        assert "delete: 1 done" in desk.line("#status")
        await desk.press("u", "y", "home", "M", *"other", "enter", "y")  # these delete nothing
        assert "move: 1 done" in desk.line("#status")


async def test_the_undo_of_a_put_deletes_and_asks_for_the_name_too(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x")
    guarded = Profile("prod", str(session.address), confirm="type-name")
    async with dashboard(session, clock, (100, 40), profile=guarded) as desk:
        await open_mail(desk)
        await desk.press("P", "ctrl+s", "y")
        assert client.stats_tube("mail").current_jobs_ready == 2
        await desk.press("u")
        painted = await desk.painted()
        assert "This deletes the jobs that it put." in painted
        assert "Type prod to do it:" in painted
        await desk.press(*"prod", "enter")
        assert client.stats_tube("mail").current_jobs_ready == 1


async def test_what_nothing_brings_back_says_so_and_has_its_number_typed(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x")
    forgetful = Profile("prod", str(session.address), keep_bodies=False)
    async with dashboard(session, clock, (100, 40), profile=forgetful) as desk:
        await open_mail(desk)
        await desk.press("D")
        painted = await desk.painted()
        assert "This cannot be undone: the journal keeps no bodies." in painted
        assert "Type 1 to do it:" in painted


async def test_a_long_action_shows_how_far_it_is_and_can_be_cancelled(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", *[b"x"] * 10, bury=10)
    stalled = Stalled(session, monkeypatch)
    async with dashboard(session, clock, (100, 40), slow=0) as desk:
        await open_mail(desk)
        await desk.press("asterisk", "k")
        async with stalled.action(desk, "y"):
            assert "Kick 10 jobs of tube mail" in await desk.shows("5 of 10: 5 done")
            await desk.send("enter")  # was meant for what was there before
            assert "Stopping after" not in await desk.shows("5 of 10: 5 done")
            await desk.send("escape")
            await desk.shows("Stopping after the current batch")
        assert "kick: 5 done; stopped: cancelled" in desk.line("#status")
        assert client.stats_tube("mail").current_jobs_buried == 5
        assert desk.app.screen is desk.app.view


async def test_an_undo_can_be_cancelled_too(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = fill(client, "mail", *[b"x"] * 10)
    session.bury(many)
    stalled = Stalled(session, monkeypatch)
    async with dashboard(session, clock, (100, 40), slow=0) as desk:
        await desk.press("a", "u")
        async with stalled.action(desk, "y"):
            await desk.shows("5: 5 done")
            await desk.send("escape")
        assert "undo: 5 done; stopped: cancelled" in desk.line("#status")
        assert client.stats_tube("mail").current_jobs_buried == 5


async def test_quitting_waits_for_the_batch_under_way(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", *[b"x"] * 10, bury=10)
    stalled = Stalled(session, monkeypatch)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("asterisk", "k")
        async with stalled.action(desk, "y"):
            await desk.send("q")
            assert desk.app.is_running
            assert "kick stops after the current batch, then beanops quits" in desk.line("#status")
        assert not desk.app.is_running
    assert [action.outcome for action in session._lookups.own_actions()] == ["done"] * 5


async def test_a_job_is_put_from_a_sample_or_an_edited_copy(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"a": 1}')
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("P", *"hello", "ctrl+t")
        assert "Saved as sample mail-1, 5 bytes" in await desk.painted()
        await desk.press("ctrl+t")
        assert samples.names() == ["mail-1"]
        samples.save("greeting", samples.sample_of("mail", b"from the command line"))
        await desk.press("escape", "P", "ctrl+l")
        assert "from the command line" in await desk.painted()
        await desk.press("ctrl+l", "ctrl+s")
        assert "Put a job of 5 bytes into tube mail?" in await desk.painted()
        await desk.press("y")
        assert client.peek(2).body == b"hello"
        assert "job 2" in desk.line("#job")
        await desk.press("home", "ctrl+n", "right", "delete", "delete", "delete", *'"b"', "ctrl+s", "y")
        assert client.peek(3).body == b'{"b": 1}'


@pytest.mark.parametrize("where", ["list", "job"])
async def test_an_edited_copy_keeps_priority_ttr_and_delay(
    session: Session, client: Client, clock: Clock, where: str
) -> None:
    fill(client, "mail", b"1", priority=7, ttr=33, delay=300)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press(*(["enter"] if where == "job" else []), "ctrl+n", "2", "ctrl+t", "ctrl+s", "y")
        new = client.stats_job(2)
        assert (new.priority, new.ttr, new.delay, new.state) == (7, 33, 300, "delayed")
        assert client.peek(2).body == b"21"
        assert "put: 1 done, job 2" in desk.line("#status")
        await desk.press("D", "y")  # the one that was copied is meant
        assert [job and job.id for job in session._lookups.jobs_by_id([1, 2])] == [None, 2]
        if where == "job":
            await desk.press("escape")
        await desk.press("P", "ctrl+l", "ctrl+s", "y")
        sampled = client.stats_job(3)
        assert (sampled.priority, sampled.ttr, sampled.delay) == (7, 33, 300)


async def test_where_a_body_is_edited_ctrl_z_takes_back_a_change(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        assert desk.app.check_action("suspend_process", ())
        await desk.press("P", "x", "y")
        assert not desk.app.check_action("suspend_process", ())
        await desk.press("ctrl+z")
        assert str(desk.app.screen.query_one("#body", TextArea).text) == ""


async def test_an_edited_copy_of_a_job_that_was_put_to_be_buried_waits_for_nothing(
    session: Session, client: Client, clock: Clock
) -> None:
    id = client.put(b"1", tube="mail", priority=5, delay=2**32 - 1)
    client.reserve_job(id)
    client.bury(id, priority=5)
    async with dashboard(session, clock, (100, 40)) as desk:
        await open_mail(desk)
        await desk.press("ctrl+n", "2", "ctrl+s", "y")
        new = client.stats_job(2)
        assert (new.priority, new.delay, new.state) == (5, 0, "ready")


async def test_an_offer_is_made_only_for_states_that_take_it(
    beanstalkd: Beanstalkd, session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"x")
    async with dashboard(session, clock, (160, 40)) as desk:
        await open_mail(desk)
        assert "Kick" not in desk.footer
        assert "Bury" in desk.footer
        with connect(beanstalkd.address) as worker:
            held = worker.reserve("mail")
            await desk.tick()
            for offer in ("Kick", "Bury", "Release", "Delete", "Move", "Copy to"):
                assert offer not in desk.footer
            held.bury()
            await desk.tick()
        assert "Kick" in desk.footer
        assert "Bury" not in desk.footer
        assert client.stats_job(id).state == "buried"
