"""The columns of a list of jobs: those that tell jobs apart, errors first, and values in bodies."""

from __future__ import annotations

import json

from beanops import Client, Session
from tests.tui.conftest import Clock, dashboard, fill


def header(desk: object) -> list[str]:
    return desk.lines("#heads")[0].split()  # type: ignore[attr-defined, no-any-return]


async def test_what_is_the_same_of_all_jobs_takes_no_column(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *[b"%d" % number for number in range(8)])
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter")
        assert header(desk) == ["state", "id", "age", "body"]
        fill(client, "mail", b"urgent", priority=1)
        await desk.tick()
        assert header(desk) == ["state", "id", "priority", "age", "body"]
        assert "65536" in "\n".join(desk.lines("#heads"))


async def test_the_error_comes_first_and_is_whole(session: Session, client: Client, clock: Clock) -> None:
    error = "smtp.internal:25 timed out after 30 s, after three more tries"
    body = {"displayName": "App\\Jobs\\SendMail", "exception": {"class": "ConnectionError", "message": error}}
    fill(client, "mail", json.dumps(body).encode(), b'{"displayName": "App\\\\Jobs\\\\Fine"}', bury=1)
    async with dashboard(session, clock, (160, 40)) as desk:
        await desk.press("down", "enter")
        assert header(desk)[-1] == "error"
        assert f"ConnectionError: {error}" in desk.cursor("#heads")
        assert "App\\Jobs\\Fine" in "\n".join(desk.lines("#heads"))
    async with dashboard(session, clock, (80, 24)) as desk:
        await desk.press("down", "enter")
        assert "ConnectionError: smtp.internal:25 timed" in desk.cursor("#heads")
