"""A job is edited in a pane or in the user's editor, with the difference before it is put."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.widgets import TextArea

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.tui.app import Dashboard
from tests.tui.conftest import Clock, Desk, dashboard, fill


async def edit(desk: Desk, old: str, new: str) -> None:
    """Open the job under the cursor for an edit, and change its text."""
    await desk.press("e")
    area = desk.app.screen.query_one(TextArea)
    assert old in area.text
    area.load_text(area.text.replace(old, new))
    await desk.settle()


async def test_a_value_is_changed_shown_confirmed_and_undone(session: Session, client: Client, clock: Clock) -> None:
    (id,) = fill(client, "mail", gzip.compress(b'{"customer":7,"sum":1}'), bury=1)
    client.use("mail")
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "enter")
        await edit(desk, '"customer": 7', '"customer": 8')
        await desk.press("ctrl+s")
        painted = await desk.painted()
        assert '-  "customer": 7' in painted
        assert '+  "customer": 8' in painted
        assert client.stats_job(id).state == "buried"  # nothing was sent yet
        await desk.press("n")
        assert "not put" in await desk.painted()
        await desk.press("ctrl+s", "y")
        assert "edit: 1 done, now job" in desk.line("#status")
        new = client.peek_buried()
        assert f"job {new.id}" in desk.line("#job")
        assert gzip.decompress(new.body) == b'{"customer":8,"sum":1}'
        await desk.press("u", "y")
        assert gzip.decompress(client.peek_buried().body) == b'{"customer":7,"sum":1}'
        assert f"job {client.peek_buried().id}" in desk.line("#job")


async def test_text_that_is_no_body_is_refused_with_its_line(session: Session, client: Client, clock: Clock) -> None:
    (id,) = fill(client, "mail", b'{"a": 1}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter")
        await edit(desk, "1", "1,,")
        await desk.press("ctrl+s")
        assert "not JSON, line 2" in await desk.painted()
        await desk.press("escape")
        assert "Esc again discards" in await desk.painted()
        await desk.press("escape")
        assert client.peek(id).body == b'{"a": 1}'
        await edit(desk, "1", "1")
        await desk.press("ctrl+s")
        assert "nothing changed" in await desk.painted()


async def test_what_is_hidden_stays_as_it_is(beanstalkd: Beanstalkd, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"user": 7, "token": "s3cret"}')
    client.use("mail")
    with connect(beanstalkd.address, source="tui", redact=["*token*"]) as session:
        async with dashboard(session, clock, (100, 30)) as desk:
            await desk.press("down", "enter")
            await edit(desk, '"user": 7', '"user": 8')
            assert "s3cret" not in await desk.painted()
            await desk.press("ctrl+s")
            assert "s3cret" not in await desk.painted()
            await desk.press("y")
            assert client.peek_ready().body == b'{"user": 8, "token": "s3cret"}'


async def test_a_body_that_cannot_be_edited_says_why(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"\xff\xfe\x00binary")
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "e")
        assert "edit: a binary body cannot be edited" in desk.line("#status")


async def test_a_change_that_cannot_be_placed_keeps_the_text(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"a": 1, "a": 2}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter")
        await edit(desk, "2", "3")
        await desk.press("ctrl+s")
        assert "two values under this key" in await desk.painted()
        assert "3" in desk.app.screen.query_one(TextArea).text


async def test_a_job_that_vanishes_or_changes_under_the_editor_is_left_alone(
    session: Session, client: Client, clock: Clock
) -> None:
    one, two = fill(client, "mail", b'{"a": 1}', b'{"a": 1}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "home")
        await edit(desk, "1", "2")
        await desk.press("ctrl+s")
        for id in (one, two):
            client.delete(id)
        await desk.press("y")
        assert "edit: 0 done" in desk.line("#status")
        assert "mail" not in client.list_tubes() or client.stats_tube("mail").current_jobs_ready == 0


async def test_a_reserved_job_and_a_read_only_session_say_why(
    beanstalkd: Beanstalkd, session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b'{"a": 1}')
    client.reserve_job(id)
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "e")
        assert "edit: " in desk.line("#status")
        assert not desk.app.screen.query(TextArea)
    with connect(beanstalkd.address, source="tui", read_only=True) as session:
        async with dashboard(session, clock, (100, 30)) as desk:
            await desk.press("down", "enter", "enter", "e")
            assert "edit: this session is read-only" in desk.line("#status")


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give an editor that replaces 1 by 2; its calls are noted, and the headless terminal can be suspended."""
    calls: list[str] = []

    @contextmanager
    def suspended(self: Dashboard) -> Iterator[None]:
        calls.append("suspended")
        yield
        calls.append("resumed")

    def edited(text: bytes, **options: Any) -> bytes:
        calls.append(options["extension"])
        return text.replace(b"1", b"2")

    monkeypatch.setattr(Dashboard, "suspend", suspended)
    monkeypatch.setattr("click.edit", edited)
    return calls


async def test_a_long_body_is_edited_in_the_editor_of_the_user(
    start_beanstalkd: Callable[..., Beanstalkd], clock: Clock, editor: list[str]
) -> None:
    server = start_beanstalkd("-z", "1048576")
    with connect(server.address, source="tui") as session, Client(server.address) as client:
        await _edit_long(session, client, clock, editor)


async def _edit_long(session: Session, client: Client, clock: Clock, editor: list[str]) -> None:
    fill(client, "mail", b'{"a": 1, "b": "%s"}' % (b"xy " * 340_000))
    client.use("mail")
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "e")
        assert "too long for this pane, F4 opens your editor" in await desk.painted()
        await desk.press("f4")
        assert editor == ["suspended", ".json", "resumed"]
        assert '+  "a": 2' in await desk.painted()
        await desk.press("y")
        assert client.peek_ready().body.startswith(b'{"a": 2, "b": "xy ')


async def test_a_terminal_that_cannot_be_suspended_says_so(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"a": 1}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "e", "f4")
        assert "this terminal cannot be suspended" in await desk.painted()


async def test_a_restart_while_a_difference_is_shown_spares_the_job_that_has_the_id_now(
    session: Session,
    client: Client,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    fill(client, "mail", b'{"a": 1}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "enter")
        await edit(desk, "1", "2")
        await desk.press("ctrl+s")
        beanstalkd.stop()
        start_beanstalkd(port=beanstalkd.port)
        with Client(beanstalkd.address) as other:
            (id,) = fill(other, "mail", b'{"a": 7}')
            await desk.tick()
            await desk.tick(20.0)
            await desk.press("y")
            assert "edit: nothing done; the server was restarted" in desk.line("#status")
            assert other.peek(id).body == b'{"a": 7}'
            await desk.tick()
            assert '  "a": 7' in desk.lines("#body")  # what has the id now is shown, and its timeline alone
            assert "bury" not in await desk.painted()


async def test_what_a_body_says_never_reaches_the_terminal_raw(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"error": "\\u001b]52;c;x\\u0007[@click=app.quit]x[/] \\u202e"}')
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "enter")
        assert "[@click=app.quit]x[/]" in desk.line("#error")
        for keys in (("2",), ("3",), ("4",), ("1", "e")):
            await desk.press(*keys)
            painted = await desk.painted()
            assert not {"\x1b", "\x07", "\u202e"} & set(painted)
