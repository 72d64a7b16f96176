"""The still plots: the headline says what the numbers say, and whatever a server's text is, a picture is made of it."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from beanops import plots
from beanops.protocol.errors import ArgumentError
from beanops.session.keywords import UnknownKeyword

START = pd.Timestamp("2026-11-28 12:00", tz="UTC")
STATES = ("ready", "reserved", "delayed", "buried")
HOSTILE = "\x1b]52;c;aGk=\x07 $x^{$ \\frac{ 日本 \u202e <script>" + "long " * 200


def past(rows: int = 60, **columns: Any) -> pd.DataFrame:
    index = pd.date_range(START, periods=rows, freq="10s", name="time")
    values = dict.fromkeys((*STATES, "puts_per_s", "deletes_per_s"), 0.0) | columns
    return pd.DataFrame({name: np.broadcast_to(value, rows) for name, value in values.items()}, index=index)


def jobs(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns).assign(age=lambda frame: pd.to_timedelta(frame["age"], unit="s"))


def causes(*counts: int, text: str = "KeyError: 'id'", state: str | None = "buried") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [f"{place:07x}" for place in range(len(counts))],
            "count": counts,
            "cause": [f"{text} {place}" for place in range(len(counts))],
            "hint": "",
            "oldest": START,
            "newest": START + pd.Timedelta("1h"),
            "trend": [(1, 2, 3)] * len(counts),
            "state": state,
        }
    )


def texts(figure: plots.PlotFigure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    return found + [text.get_text() for axes in figure.axes for text in axes.texts]


def headline(figure: plots.PlotFigure) -> str:
    return texts(figure)[0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"ready": np.linspace(350, 1210, 60)}, "mail: 1,210 jobs ready, up from 350"),
        ({"ready": 5.0, "buried": np.linspace(90, 12, 60)}, "mail: 12 jobs buried, down from 90"),
        ({"ready": 100.0}, "mail: 100 jobs ready, as at the start"),
        ({"ready": np.nan}, "mail: nothing is known of this time"),
        ({}, "mail: 0 jobs ready, as at the start"),
    ],
)
def test_the_headline_of_a_backlog_names_the_state_that_changed_most(columns: dict[str, Any], said: str) -> None:
    assert headline(plots.backlog(past(**columns), name="mail")) == said


@pytest.mark.parametrize(
    ("puts", "deletes", "said"),
    [
        (9.0, 5.0, "mail falls behind by 4.0 jobs a second"),
        (2.0, 4.0, "mail catches up by 2.0 jobs a second"),
        (4.0, 4.1, "mail keeps up: 4.0 jobs a second in, 4.1 out"),
        (0.0, 0.0, "mail: no jobs put or deleted"),
        (np.nan, np.nan, "mail: no rates are known of this time"),
    ],
)
def test_the_headline_of_rates_says_whether_workers_keep_up(puts: float, deletes: float, said: str) -> None:
    assert headline(plots.rates(past(puts_per_s=puts, deletes_per_s=deletes), name="mail")) == said


def test_states_without_jobs_have_no_line_and_lines_end_with_their_number() -> None:
    figure = plots.backlog(past(ready=1500.0, buried=3.0))
    assert {"1,500", "ready", "3", "buried"} <= {*texts(figure)}
    assert not {"delayed", "reserved"} & {*texts(figure)}


def test_time_in_which_nobody_looked_is_a_gap_in_every_line() -> None:
    frame = past(ready=10.0, buried=5.0)
    unknown = frame.copy()
    unknown.iloc[20:30] = np.nan
    for gone in (unknown, frame.drop(frame.index[20:30])):
        figure = plots.backlog(gone)
        for line in figure.axes[0].lines[:1]:
            assert np.isnan(line.get_ydata()).any()
        assert "Nobody looked in the gaps" in texts(figure)[1]
    assert "gaps" not in texts(plots.backlog(frame))[1]


def test_runs_are_marked_where_they_ended_and_puts_are_not() -> None:
    runs = pd.DataFrame(
        {
            "time": [START + pd.Timedelta(minutes=minutes) for minutes in (2, 5, 6, -5, 7)],
            "action": ["kick", "put", "delete", "bury", "pause"],
            "done": [198, 42, 3, 9, 0],
        }
    )
    figure = plots.backlog(past(ready=10.0), actions=runs)
    marks = [text for text in texts(figure) if text.split()[0] in {*runs["action"]}]
    assert sorted(marks) == ["delete 3", "kick 198"]


def test_many_marks_do_not_lie_on_each_other() -> None:
    times = [START + pd.Timedelta(seconds=seconds) for seconds in range(0, 590, 10)]
    runs = pd.DataFrame({"time": times, "action": "kick", "done": range(1, len(times) + 1)})
    figure = plots.backlog(past(ready=10.0), actions=runs)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text().startswith("kick ")]
    assert len(boxes) > 1
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_labels_of_lines_that_end_together_do_not_lie_on_each_other() -> None:
    figure = plots.backlog(past(ready=100.0, reserved=100.0, delayed=99.0, buried=98.0))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() in STATES]
    assert len(boxes) == 4
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_ages_say_how_old_half_of_the_jobs_are_by_any_column() -> None:
    frame = jobs(age=[5, 60, 120, 7200, 90_000], state=["ready", "ready", "buried", "buried", "buried"], tube="mail")
    figure = plots.ages(frame, name="mail")
    assert headline(figure) == "mail: half of 5 jobs are older than 2m00s, the oldest 1d01h"
    assert {"buried", "3 jobs", "half older than 2h00m", "ready", "2 jobs"} <= {*texts(figure)}
    assert "mail" in texts(plots.ages(frame, by="tube"))


def test_groups_say_how_few_causes_make_most_jobs_and_count_the_others() -> None:
    frame = causes(1663, 198, 101)
    frame.attrs |= {"others": 38, "other_groups": 7}
    figure = plots.groups(frame, name="billing", most=2)
    assert headline(figure) == "billing: one cause makes 83% of 2,000 buried jobs"
    assert {"KeyError: 'id' 0", "1,663", "83%", "8 other groups", "139"} <= {*texts(figure)}
    assert headline(plots.groups(causes(*[1] * 30))) == "30 buried jobs of many causes"
    assert headline(plots.groups(causes(7, state=None))) == "One cause for 7 jobs"


def test_flow_follows_jobs_from_tubes_by_tries_to_states() -> None:
    frame = pd.DataFrame(
        {
            "tube": ["mail"] * 3 + ["billing"],
            "state": ["ready", "buried", "buried", "buried"],
            "reserves": [0, 5, 9, 2],
        }
    )
    said = texts(plots.flow(frame))
    assert said[0] == "75% of 4 jobs are buried"
    assert {"mail", "billing", "never tried", "tried 5 times or more", "tried 2 to 4 times"} <= {*said}
    assert "tried once" not in said


def test_flow_of_three_thousand_tubes_names_the_largest() -> None:
    tubes = pd.DataFrame({"tube": [f"t{n}" for n in range(3000)]} | dict.fromkeys(STATES, 0))
    tubes["ready"] = range(3000)
    said = texts(plots.flow(tubes))
    assert {"t2999", "t2993", "2,992 other tubes", "ready"} <= {*said}
    assert "t2992" not in said


def drawn(figure: plots.PlotFigure, form: str = "png") -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=form)
    return file.getvalue()


EMPTY_JOBS = pd.DataFrame({"tube": [], "state": [], "reserves": [], "age": pd.to_timedelta([])})
EDGES: dict[str, Callable[[], plots.PlotFigure]] = {
    "no past": lambda: plots.backlog(past(0)),
    "no rates": lambda: plots.rates(past(0)),
    "one look": lambda: plots.backlog(past(1, ready=4.0)),
    "one rate": lambda: plots.rates(past(1, puts_per_s=4.0)),
    "unknown": lambda: plots.rates(past(puts_per_s=np.nan)),
    "huge": lambda: plots.backlog(past(ready=1e12)),
    "no jobs": lambda: plots.ages(EMPTY_JOBS),
    "one job": lambda: plots.ages(jobs(age=[0], state=["ready"])),
    "no tubes": lambda: plots.flow(EMPTY_JOBS),
    "no groups": lambda: plots.groups(causes()),
    "nulls": lambda: plots.groups(causes(3).assign(name=None, cause=None, trend=[()])),
    "hostile cause": lambda: plots.groups(causes(3, 2, text=HOSTILE), name=HOSTILE, source=HOSTILE),
    "hostile tube": lambda: plots.flow(pd.DataFrame({"tube": [HOSTILE], "state": "ready", "reserves": 1})),
    "hostile value": lambda: plots.ages(jobs(age=[9, 8], state="ready", tube=HOSTILE), by="tube"),
    "hostile name": lambda: plots.rates(past(puts_per_s=3.0), name=HOSTILE, title=HOSTILE),
    "small": lambda: plots.backlog(past(ready=3.0), size=(2.0, 2.0)),
    "small flow": lambda: plots.flow(pd.DataFrame({"tube": [*"abcdefghij"], "state": "ready"}), size=(3.0, 2.0)),
}


@pytest.mark.parametrize("edge", EDGES)
def test_every_picture_can_be_drawn(edge: str) -> None:
    figure = EDGES[edge]()
    assert drawn(figure).startswith(b"\x89PNG")
    assert b"<svg" in drawn(figure, "svg")
    for text in texts(figure):
        assert text.isprintable()


def test_text_stays_in_the_picture() -> None:
    figure = EDGES["hostile cause"]()
    drawn(figure)
    for text in [*figure.texts, *figure.axes[0].texts]:
        box = text.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.width + 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: plots.backlog(pd.DataFrame({"ready": [1]})), "with ready, reserved"),
        (lambda: plots.backlog([1]), "a frame of Session.trend"),
        (lambda: plots.backlog(past().reset_index(drop=True)), "indexed by time"),
        (lambda: plots.ages(EMPTY_JOBS, by="colour"), "colour"),
        (lambda: plots.flow(past(), theme="blue"), "theme"),
        (lambda: plots.backlog(past(), theme="blue"), "light"),
        (lambda: plots.backlog(past(), size=(1, 900)), "inches"),
        (lambda: plots.backlog(past(), size="big"), "inches"),
        (lambda: plots.backlog(past(), title=3), "title: 3 given"),
        (lambda: plots.flow(causes(3).assign(tube="mail")), "Session.jobs or Session.tubes"),
    ],
)
def test_wrong_arguments_are_named(wrong: Callable[[], Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        wrong()


def test_an_unknown_keyword_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownKeyword, match="did you mean 'theme'"):
        plots.backlog(past(), teme="dark")  # type: ignore[call-arg]


def test_the_users_style_and_pyplot_are_left_alone() -> None:
    """A server's plots look the same whatever style was chosen, and no window or backend is asked for."""
    script = """
import matplotlib, sys
matplotlib.rcParams["font.size"] = 40
matplotlib.rcParams["text.parse_math"] = True
import pandas as pd
from beanops import plots
index = pd.date_range("2026-01-01", periods=3, freq="10s")
figure = plots.backlog(pd.DataFrame(dict.fromkeys(("ready", "reserved", "delayed", "buried"), 1), index=index))
data, about = figure._repr_mimebundle_()
assert data["image/png"].startswith(b"\\x89PNG") and about["image/png"]["width"] == 800
assert matplotlib.rcParams["font.size"] == 40 and matplotlib.rcParams["text.parse_math"]
assert max(text.get_size() for text in figure.texts) < 20
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_both_themes_use_the_colours_of_the_states() -> None:
    from matplotlib.colors import to_hex

    from beanops.ui.palette import DARK, LIGHT

    for theme, palette in (("light", LIGHT), ("dark", DARK)):
        figure = plots.backlog(past(ready=3.0), theme=theme)  # type: ignore[arg-type]
        assert to_hex(figure.axes[0].lines[0].get_color()) == palette["ready"]


def test_the_source_says_where_and_when() -> None:
    from beanops.plots.house import source_of

    assert source_of("queue:11300", datetime(2026, 11, 28, 12, 46, tzinfo=UTC)) == (
        "queue:11300 · 2026-11-28 12:46 UTC · beanops"
    )


def test_an_axis_of_a_minute_names_hours_and_one_of_a_week_days() -> None:
    for freq, form in (("1s", r"\d\d:\d\d(:\d\d)?"), ("1h", r"Nov \d\d|Dec \d\d")):
        frame = past(120, ready=1.0)
        frame.index = pd.date_range(START, periods=120, freq=freq)
        figure = plots.backlog(frame)
        drawn(figure)
        ticks = [label.get_text() for label in figure.axes[0].get_xticklabels() if label.get_text()]
        assert all(re.fullmatch(form, tick) for tick in ticks), ticks
        assert len(ticks) >= 2
