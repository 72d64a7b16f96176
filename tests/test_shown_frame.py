"""How frames are shown: nothing of a body reaches a terminal or a saved notebook as it is, and spans are short."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from beanops.shown_frame import ShownFrame, ShownSeries

BAD = "a\x1b]52;c;aGk=\x07\u202eb\x9b<script>"
RAW = ("\x1b", "\x07", "\u202e", "\x9b")


@pytest.fixture
def jobs() -> ShownFrame:
    """Return a frame with hostile text wherever a body can bring it."""
    ages = pd.to_timedelta([108, 90_000, None], unit="s")
    return ShownFrame({"id": [1, 2, 3], "age": ages, "body": [BAD, "plain", None], "data": [{"x": BAD}, [BAD], BAD]})


VIEWS: dict[str, Callable[[ShownFrame], Any]] = {
    "repr": repr,
    "html": lambda jobs: jobs._repr_html_(),
    "to_string": lambda jobs: jobs.to_string(),
    "to_html": lambda jobs: jobs.to_html(),
    "a column": lambda jobs: repr(jobs.body),
    "decoded bodies": lambda jobs: repr(jobs["data"]),
    "a row": lambda jobs: repr(jobs.iloc[0]),
    "a slice": lambda jobs: _both(jobs[["body"]].head(1)),
    "an index": lambda jobs: _both(jobs.set_index("body")),
    "two indexes": lambda jobs: _both(jobs.set_index(["id", "body"])),
    "counts": lambda jobs: (
        repr(jobs.groupby("body").size()) + repr(jobs.body.value_counts()) + repr(jobs.value_counts("body"))
    ),
    "columns": lambda jobs: _both(jobs.pivot_table(columns="body", values="id", aggfunc="sum")),
    "a concatenation": lambda jobs: repr(pd.concat([jobs, jobs])),
    "a series named by a body": lambda jobs: repr(jobs.id.rename(BAD)),
    "categories": lambda jobs: repr(jobs.astype({"body": "category"})) + repr(jobs.body.astype("category")),
    "a file": lambda jobs: _written(jobs),
}


def _both(frame: Any) -> str:
    return repr(frame) + str(frame._repr_html_())


def _written(jobs: ShownFrame) -> str:
    file = io.StringIO()
    jobs.to_string(file)
    jobs.to_html(file)
    jobs.body.to_string(file)
    return file.getvalue()


@pytest.mark.parametrize("name", VIEWS)
def test_control_characters_are_visible(jobs: ShownFrame, name: str) -> None:
    with pd.option_context("display.max_colwidth", None):
        shown = str(VIEWS[name](jobs))
    assert not [character for character in RAW if character in shown]
    assert r"\x1b]52;c;aGk=\x07\u202eb\x9b" in shown
    if "<td>" in shown and "a file" not in name:
        assert "<script>" not in shown.split("<table", 1)[1]


def test_what_it_holds_is_unchanged(jobs: ShownFrame) -> None:
    before = jobs.copy()
    repr(jobs.set_index("body"))
    repr(jobs), jobs._repr_html_(), repr(jobs.body)
    assert jobs["body"][0] == BAD
    assert jobs.equals(before)
    assert list(jobs.set_index("body").index[:1]) == [BAD]
    assert BAD.replace('"', '""') in jobs.to_csv()


def test_spans_are_short(jobs: ShownFrame) -> None:
    assert "1m48s" in repr(jobs[["age"]])
    assert "<td>1d01h</td>" in str(jobs._repr_html_())
    assert repr(jobs.age).splitlines()[0].split() == ["0", "1m48s"]
    assert repr(jobs.age).splitlines()[-1] == "Name: age, dtype: timedelta64[us]"
    assert "NaT" in repr(jobs[["age"]])
    assert "0 days" not in repr(jobs.describe()) + repr(jobs.age.describe())
    assert jobs.age.sum() == pd.Timedelta(seconds=90_108)


def test_long_frames_are_cut_as_pandas_cuts_them() -> None:
    long = ShownFrame({"id": range(1000), "age": pd.to_timedelta(range(1000), unit="s"), "body": [BAD] * 1000})
    plain = pd.DataFrame(long)
    for mine, theirs in ((repr(long), repr(plain)), (long._repr_html_(), plain._repr_html_())):  # type: ignore[operator]
        assert mine is not None
        assert len(mine.splitlines()) == len(theirs.splitlines())
        assert "1000 rows" in mine
    assert len(repr(long.body).splitlines()) == len(repr(plain.body).splitlines())
    assert "Name: body, Length: 1000, dtype: str" in repr(long.body)
    assert "\x1b" not in repr(long.body)


def test_spans_are_plotted_in_seconds(jobs: ShownFrame) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    try:
        assert sum(patch.get_height() for patch in jobs.age.plot.hist().patches) == 2
        pyplot.figure()
        assert jobs.age.hist().patches
        line = jobs.plot(x="id", y="age").lines[0]
        assert list(line.get_ydata()[:2]) == [108, 90_000]
        assert jobs[["id", "age"]].hist().size == 2
    finally:
        pyplot.close("all")


def test_it_goes_where_frames_go(jobs: ShownFrame) -> None:
    jobs.attrs["verdict"] = "complete"
    for copied in (pickle.loads(pickle.dumps(jobs)), pickle.loads(pickle.dumps(jobs.body)).to_frame()):
        assert type(copied) is pd.DataFrame, "another machine needs no beanops to read it"
    assert pickle.loads(pickle.dumps(jobs)).attrs == {"verdict": "complete"}
    assert type(copy.deepcopy(jobs)) is ShownFrame
    assert type(jobs[["id"]]) is ShownFrame
    assert type(jobs.id) is ShownSeries
    assert type(jobs.body.to_frame()) is ShownFrame
