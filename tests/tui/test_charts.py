"""The charts of a tube: how far they reach back, their peaks, and the gaps between looks."""

from __future__ import annotations

import re

from beanops import Client, Session
from tests.tui.conftest import Clock, Desk, dashboard, fill

SIZE = (120, 30)


def chart(desk: Desk, name: str) -> str:
    """Return the bars of one chart, where each has one line."""
    charts = desk.app.view.query_one("#charts")  # type: ignore[union-attr]
    for y in range(charts.size.height):
        _, found, line = charts.render_line(y).text.partition(f"{name}  ")
        if found:
            # After the newest value, up to the next chart.
            return line.lstrip().partition(" ")[2][: charts.size.width // 3 - 20]
    raise AssertionError(name)


async def test_a_key_changes_how_far_the_charts_reach_back(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, SIZE) as desk:
        await desk.press("down", "enter")
        for _ in range(40):
            await desk.tick(20)
        assert "charts 13m20s of 2h" in desk.line("#tube")
        labels = []
        for _ in range(4):
            await desk.press("h")
            labels.append(desk.line("#tube").partition("charts ")[2].partition("  ")[0])
        assert labels == ["13m20s of 2d", "13m20s of 7d", "10m", "13m20s of 2h"]


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
        assert re.fullmatch("█▁+", chart(desk, "ready").rstrip())
        await desk.tick(1200)  # the machine slept
        for _ in range(30):
            await desk.tick(10)
        assert re.fullmatch("█▁+ {5,}▁+", chart(desk, "ready").rstrip())
