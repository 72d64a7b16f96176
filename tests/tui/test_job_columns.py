"""The columns of a list of jobs: those that tell jobs apart, errors first, and values in bodies."""

from __future__ import annotations

import json
from pathlib import Path

from beanops import Client, Session
from beanops.tui.bodies.path import BodyPath
from beanops.tui.screens.tube import TubeScreen
from beanops.tui.state import StateFile
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


async def test_a_path_into_bodies_is_a_column_and_comes_back(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    pad = "x" * 3000
    bodies = [json.dumps({"customer": number % 7, "name": f"n{number}", "pad": pad[number:]}) for number in range(12)]
    fill(client, "mail", *(body.encode() for body in bodies), bury=3)
    fill(client, "mail", b"\x00\xff", b'O:8:"stdClass":1:{s:8:"customer";i:99;}')
    kept = StateFile(tmp_path / "state")
    async with dashboard(session, clock, (140, 40), state_file=kept) as desk:
        await desk.command("tube mail")
        await desk.press("C", "tab", *"$.customer.", "enter")
        assert "✗ path" in await desk.painted()
        await desk.press("backspace", "enter")
        assert "$.customer" in await desk.painted()
        await desk.press("enter")
        assert "customer" in header(desk)
        assert "99" in next(line for line in desk.lines("#heads") if "stdClass" in line)
        # Sorted as numbers, by the column before the body.
        while "▲customer" not in desk.lines("#heads")[0]:
            await desk.press("greater_than_sign")
        screen = desk.app.view
        assert isinstance(screen, TubeScreen)
        path = BodyPath.parse("$.customer")
        values = [value.text for row in screen.table.rows if (value := row.value(path)) and not row.place]
        assert values == sorted(values, key=int)
    async with dashboard(session, clock, (140, 40), state_file=kept) as desk:
        await desk.command("tube mail")
        assert "customer" in header(desk)
        await desk.press("C", "ctrl+r")
        assert "customer" not in header(desk)


async def test_chosen_columns_are_shown_even_if_they_tell_nothing(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b'{"user": {"id": 7}}', b'{"user": {"id": 8}}')
    async with dashboard(session, clock, (140, 40)) as desk:
        await desk.press("down", "enter", "C")
        assert "most often" in await desk.painted()
        await desk.press("tab", *"kicks", "enter", "space", "enter")
        assert header(desk) == ["state", "id", "age", "kicks", "body"]
