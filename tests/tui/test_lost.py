"""A server that is lost: what is on the screen says so, and it comes back by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import ConnectFailed
from tests.tui.conftest import Clock, dashboard, fill


async def test_a_lost_server_shows_as_lost_and_comes_back(
    session: Session,
    client: Client,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter")
        clock.seconds += 10
        beanstalkd.stop()
        await desk.tick()
        assert "LOST since 03:04:16 UTC" in desk.line("#banner")
        assert "stale" in desk.line("#banner")
        assert "Delete" not in desk.footer  # nothing is done to what may not be there
        assert desk.rows("#heads")  # what was known stays

        await desk.tick(0.2)
        assert "retrying in" not in desk.line("#banner")  # less than a second
        for _ in range(4):
            await desk.tick(20.0)
        await desk.tick(3.0)
        assert "retrying in 12s" in desk.line("#banner")

        start_beanstalkd(port=beanstalkd.port)
        await desk.tick(5.0)
        assert "LOST since 03:04:16 UTC" in desk.line("#banner")
        await desk.tick(20.0)
        assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]
        assert "tube no longer exists" in desk.line("#tube")
        await desk.press("escape")
        assert desk.names() == ["default"]


async def test_a_server_that_was_never_read_is_not_said_to_have_no_tubes(
    session: Session, clock: Clock, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise ConnectFailed("nobody is there")

    with monkeypatch.context() as patch:
        patch.setattr(session._lookups, "survey", lost)
        async with dashboard(session, clock) as desk:
            assert "LOST" in desk.line("#banner")
            assert desk.lines("#tubes")[2].strip() == "loading ..."
            patch.undo()
            await desk.press("f5", "slash", *"nothing")
            assert desk.lines("#tubes")[2].strip() == "no tube matches the filter; Esc shows all"


async def test_a_key_retries_at_once(
    session: Session,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    async with dashboard(session, clock) as desk:
        beanstalkd.stop()
        await desk.tick()
        await desk.press("a")
        assert "LOST" in desk.line("#banner")
        start_beanstalkd(port=beanstalkd.port)
        await desk.press("f5")
        assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]


async def test_an_action_that_loses_its_server_reads_unknown_or_undone_never_done(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x", bury=1)
    with connect(beanstalkd.address, source="tui") as session:
        async with dashboard(session, clock) as desk:
            await desk.press("down", "enter", "D")
            beanstalkd.stop()
            await desk.press("y")
            assert desk.line("#status").startswith("✗ delete: ")
            assert "LOST" in desk.line("#banner")
            assert all(row.outcome != "done" for row in session._lookups.own_actions())


@pytest.mark.parametrize("where", ["list", "job"])
async def test_a_restart_while_a_question_stands_open_spares_the_jobs_that_have_the_ids_now(
    session: Session,
    client: Client,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
    where: str,
) -> None:
    fill(client, "mail", b"poison", b"poison")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", *(["enter"] if where == "job" else ["asterisk"]), "D")
        beanstalkd.stop()
        start_beanstalkd(port=beanstalkd.port)
        with Client(beanstalkd.address) as other:
            ids = fill(other, "mail", b"good", b"good")
            await desk.tick()
            await desk.tick(20.0)
            await desk.press("y")
            assert "delete: nothing done; the server was restarted" in desk.line("#status")
            await desk.tick()
            painted = await desk.painted()
            assert "good" in painted
            assert "poison" not in painted
            assert "selected" not in painted
            assert [other.stats_job(id).state for id in ids] == ["ready", "ready"]
            await desk.press("D", "y")  # what is shown now is meant
            assert "delete: 1 done" in desk.line("#status")


async def test_what_was_held_is_not_said_to_be_once_the_server_was_lost(
    session: Session,
    client: Client,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "v", "y")
        assert "YOU HOLD 1 job" in desk.line("#server")
        beanstalkd.stop()
        start_beanstalkd(port=beanstalkd.port)
        await desk.tick()
        await desk.tick(20.0)
        assert "YOU HOLD" not in desk.line("#server")
