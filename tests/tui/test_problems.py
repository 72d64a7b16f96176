"""The problems are listed with their reasons, and Enter goes to where one is."""

from __future__ import annotations

import os
import signal

from beanops import Client, Session
from tests.tui.conftest import Clock, dashboard, fill
from tests.waits import until


async def test_problems_are_listed_and_lead_to_their_tube(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1", b"2", bury=2)
    fill(client, "sms", b"3")
    async with dashboard(session, clock, (160, 50)) as desk:
        assert "2 problems" in desk.line("#connections")
        await desk.press("!")
        assert [row[:4] for row in desk.rows("#problems")] == [
            ["warning", "no", "workers", "sms"],
            ["warning", "buried", "mail", "0s"],
        ]
        assert "1 job ready and no worker watches it" in desk.lines("#problems")[1]
        await desk.tick(90)
        await desk.press("down")
        assert "mail, for 1m30s: 2 jobs buried, none kicked for 1m30s" in desk.line("#about")
        assert "beanops jobs mail --state buried" in desk.line("#look")
        assert "2 problems" in desk.line("#status")
        await desk.press("enter")
        assert "tube mail" in desk.line("#tube")
        await desk.press("escape")
        assert desk.app.view is not None
        assert desk.app.view.TITLE == "Tubes"


async def test_the_job_of_a_problem_is_opened(session: Session, client: Client, clock: Clock) -> None:
    id = client.put(b"poison", tube="mail")
    client.watch("mail")
    for _ in range(10):
        client.release(client.reserve_job(id))
    async with dashboard(session, clock, (160, 50)) as desk:
        await desk.command("problems")
        assert "job 1 was released 10 times" in desk.lines("#problems")[1]
        await desk.press("enter")
        assert "poison" in await desk.painted()
        await desk.press("escape")
        assert "tube mail" in desk.line("#tube")


async def test_idle_tubes_are_shown_alone_and_a_solved_problem_leaves(
    session: Session, client: Client, clock: Clock
) -> None:
    for name in ("a", "b.c", "d"):
        fill(client, name, b"x")
    client.watch("mail")
    fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock, (160, 50)) as desk:
        await desk.press("!")
        assert "3 idle tubes with ready jobs that no worker watches: a, b.c, d" in desk.lines("#problems")[1]
        await desk.press("enter")
        assert desk.names() == ["a", "b.c", "d"]
        await desk.press("escape", "!", "down")
        client.kick_job(4)
        client.delete(client.reserve())
        await desk.tick(5)
        assert desk.line("#about") == "solved"


async def test_a_draining_server_is_critical_and_shows_in_the_header(
    session: Session, client: Client, clock: Clock, beanstalkd: object
) -> None:
    os.kill(client.stats().pid, signal.SIGUSR1)
    until(lambda: client.stats().draining is True)
    async with dashboard(session, clock, (160, 50)) as desk:
        assert "1 problem, 1 critical" in desk.line("#connections")
        await desk.press("!")
        assert desk.rows("#problems")[0][:3] == ["critical", "draining", "server"]
        await desk.press("enter")
        assert desk.names() == ["default"]
