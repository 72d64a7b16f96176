"""The charts of a tube: how far they reach back, their scales, their peaks, and the gaps between looks."""

from __future__ import annotations

import re

import pytest

from beanops import Client, Session
from tests.tui.conftest import Clock, Desk, dashboard, fill

SIZE = (120, 30)


def charts(desk: Desk) -> list[str]:
    """Return the lines of all charts."""
    shown = desk.app.view.query_one("#charts")  # type: ignore[union-attr]
    return [shown.render_line(y).text for y in range(shown.size.height)]


def lowest(desk: Desk) -> str:
    """Return the lowest bars of the first chart."""
    line = charts(desk)[-2]
    return re.split("[┤│]", line)[1].partition("out")[0].rstrip()


async def test_a_key_changes_how_far_the_charts_reach_back(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, SIZE) as desk:
        await desk.press("down", "enter")
        for _ in range(40):
            await desk.tick(20)
        assert "charts 13m20s of 1h" in desk.line("#tube")
        labels, axes = [], []
        for _ in range(3):
            await desk.press("h")
            labels.append(desk.line("#tube").partition("charts ")[2].partition("  ")[0])
            axes.append(re.findall(r"−\w+|now", charts(desk)[-1]))
        assert labels == ["13m20s of all", "5m", "13m20s of 1h"]
        assert axes == [["−10m", "−5m", "now"] * 2, ["−4m", "−2m", "now"] * 2, ["−10m", "−5m", "now"] * 2]


async def test_a_peak_of_a_moment_stays_and_a_gap_is_blank(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, SIZE) as desk:
        await desk.press("down", "enter")
        await desk.tick()
        ids = fill(client, "mail", *[b"y"] * 9)
        await desk.tick()
        for id in ids:
            client.delete(client.reserve_job(id))
        for _ in range(30):
            await desk.tick(10)
        assert re.fullmatch("█▂+", lowest(desk))
        await desk.tick(1200)  # the machine slept
        for _ in range(30):
            await desk.tick(10)
        assert re.fullmatch("█▂+ {5,}▂+", lowest(desk))


async def test_a_scale_shows_a_small_change_of_a_large_number(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *[b"x"] * 600)
    async with dashboard(session, clock, (160, 50)) as desk:
        await desk.press("down", "enter")
        for _ in range(5):
            await desk.tick(10)
        fill(client, "mail", *[b"x"] * 30)
        for _ in range(5):
            await desk.tick(10)
        lines = charts(desk)
        numbers = [int(found[1]) for line in lines if (found := re.match(r" (?:ready|630)? +(\d+)┤", line))]
        assert len(numbers) == 4
        assert numbers[0] >= 630 > 600 >= numbers[-1] >= 580
        assert "▁" in lines[-2] or "▂" in lines[-2]
        assert "█" in lines[2]


@pytest.mark.parametrize(("width", "number"), [(45, 1), (80, 2), (160, 3)])
async def test_as_many_charts_as_fit_have_scale_axis_and_name(
    session: Session, client: Client, clock: Clock, width: int, number: int
) -> None:
    fill(client, "mail", b"x", b"y", b"z")
    client.use("mail")
    client.watch("mail")
    job = client.reserve(0)
    client.bury(job)
    async with dashboard(session, clock, (width, 24)) as desk:
        await desk.press("down", "enter")
        for _ in range(3):
            await desk.tick()
        lines = charts(desk)
        assert all(len(line) == width for line in lines)
        assert lines[-1].count("now") == number
        assert lines[-1].count("0┤") == number
        names = {1: r" ready ", 2: r" ready .*in 0/s", 3: r" ready .*buried .*in 0/s"}[number]
        assert re.match(names, lines[0])
