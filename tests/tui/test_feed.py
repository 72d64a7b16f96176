"""The search of a tube's screen: where it ends, what it keeps, and what of bodies nobody may see."""

from __future__ import annotations

import time

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.tui.jobs import feed as job_feed
from beanops.tui.jobs.feed import Feed, Found, Wanted
from beanops.tui.screens.tube import TubeScreen
from beanops.tui.widgets import job_table
from beanops.tui.widgets.job_rows import JobRow, Summaries
from beanops.ui import defaults
from tests.tui.conftest import Clock, Desk, dashboard, fill


def found_by(search: Feed, session: Session, *, page: bool = True) -> list[JobRow]:
    rows: list[JobRow] = []

    def tell(message: object) -> None:
        assert isinstance(message, Found)
        rows.extend(message.rows)

    search.go_on()
    search.run(session, tell, page=page)
    return rows


def test_a_search_that_was_stopped_before_it_began_finds_nothing(session: Session, client: Client) -> None:
    fill(client, "mail", b"x")
    search = Feed(Wanted("mail"), Summaries(session))
    search.stop()
    search.run(session, lambda message: None, page=True)
    assert (search.running, search.over) == (False, False)
    assert len(found_by(search, session)) == 1
    assert search.over


def test_a_page_of_a_tube_with_few_jobs_ends_by_what_was_looked_at(
    session: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_feed, "LOOKED", 500)
    fill(client, "mail", b"oldest")
    fill(client, "other", *[b"x"] * 3000)
    search = Feed(Wanted("mail"), Summaries(session))
    assert found_by(search, session) == []
    assert search.caption == "m finds more"
    assert len(found_by(search, session, page=False)) == 1


def test_a_list_holds_so_many_jobs_and_no_more_and_so_many_bytes(
    session: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", *[b"x" * 100] * 600)
    monkeypatch.setattr(defaults, "MOST_FOUND", 5)
    search = Feed(Wanted("mail"), Summaries(session))
    assert len(found_by(search, session, page=False)) == 5
    assert search.caption == "list is full (5 jobs): narrow it with w"
    monkeypatch.setattr(defaults, "MOST_FOUND", 10_000)
    monkeypatch.setattr(job_feed, "MOST_BYTES", 2**10)
    search = Feed(Wanted("mail"), Summaries(session))
    assert len(found_by(search, session, page=False)) < 600
    assert "MB of bodies): narrow it with w" in search.caption


def test_jobs_that_a_predicate_cannot_tell_are_counted(session: Session, client: Client) -> None:
    fill(client, "mail", b'{"user":1}', b'{"user":1,"user":2}', b'{"user":1,"ke', b"\xff\x00")
    for where, found in (("data->>'$.keep' is null", 1), ("not (data->>'$.keep' is null)", 0)):
        search = Feed(Wanted("mail", where=where), Summaries(session))
        assert len(found_by(search, session, page=False)) == found
        assert (search.over, search.caption) == (True, "3 skipped: not decoded")
    search = Feed(Wanted("mail", where="body like '%user%'"), Summaries(session))
    assert (len(found_by(search, session, page=False)), search.caption) == (3, "")


def tube_screen(desk: Desk) -> TubeScreen:
    screen = desk.app.view
    assert isinstance(screen, TubeScreen)
    return screen


async def test_heads_that_have_moved_on_are_not_counted_for_ever(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"first", delay=600)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter")
        for number in range(5):
            (id,) = fill(client, "mail", b"%d" % number)
            await desk.tick()
            client.delete(id)
        await desk.tick()
        assert tube_screen(desk).table.given == 1
        assert desk.line("#status").endswith("1 job")


async def test_a_job_that_is_found_again_is_listed_once(session: Session, client: Client, clock: Clock) -> None:
    ids = fill(client, "mail", b"1", b"2", b"3")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter")
        table = tube_screen(desk).table
        table.extend([JobRow(session.job(ids[1]), Summaries(session))])
        await desk.press("less_than_sign")
        assert sorted(row.id for row in table.rows) == ids


async def test_what_the_filter_has_not_come_to_stays_when_others_are_taken_off_the_list(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "STEP", 1)
    ids = fill(client, "mail", b"1", b"2", b"3", b"4")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter")
        table = tube_screen(desk).table
        table.keep(lambda row: time.sleep(0.01) is None)  # longer than a slice, after which it goes on later
        table.update_stats({ids[3]: None})
        table.prune(here=True)
        await desk.settle()
        assert sorted(row.id for row in table.rows) == ids[:3]


async def test_a_look_from_before_an_action_changes_nothing_of_what_it_did(
    session: Session, client: Client, clock: Clock
) -> None:
    many = fill(client, "mail", *[b"x"] * 3, bury=3)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "asterisk")
        screen = tube_screen(desk)
        before = screen.looking()(session)
        await desk.press("k", "y")
        screen.show(desk.app.live._replace(looked=before))
        assert [screen.table.get(id).state for id in many] == ["ready"] * 3  # type: ignore[union-attr]


async def test_what_is_redacted_is_shown_nowhere_and_found_by_no_text(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b'{"token": "s3cr3t", "user": 7}', bury=1)
    fill(client, "mail", b'{"token": "s3cr3t", "pad": "%s"}' % (b"x" * 3000))
    with connect(beanstalkd.address, redact=["*token*"]) as session:
        async with dashboard(session, clock, (120, 40)) as desk:
            painted = []
            await desk.press("down", "enter")
            painted.append(await desk.painted())
            assert '"user": 7' in painted[0]
            assert "Edit copy" not in desk.footer  # it would put what is hidden, or something else
            await desk.press("slash", *"s3cr3t")
            assert desk.line("#status").endswith("0 of 2 jobs with 's3cr3t'")
            await desk.press("escape", "enter")
            for keys in (["1"], ["2"], ["3"], ["4"], ["d"], ["d"], ["escape", "space", "space", "equals_sign"]):
                await desk.press(*keys)
                painted.append(await desk.painted())
            assert not [one for one in painted if "s3cr3t" in one or "73 33 63 72 33 74" in one]
