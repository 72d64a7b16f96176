"""Which jobs somebody means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from beanops.jobs.select import ids_of, select
from beanops.protocol import Job
from beanops.protocol.errors import ArgumentError


@pytest.mark.parametrize(
    ("meant", "ids"),
    [
        (5, [5]),
        (Job(7, b""), [7]),
        ([3, Job(1, b""), 3], [3, 1]),
        ("5,7-9", [5, 7, 8, 9]),
        ("5 5\n6", [5, 6]),
        ("10-12", range(10, 13)),
        (range(4), range(4)),
        ("1-18446744073709551615,5", range(1, 2**64)),
        (np.array([2, 4], dtype="uint64"), [2, 4]),
        (pd.DataFrame({"id": pd.array([8, 9], dtype="uint64"), "tube": ["a", "b"]}), [8, 9]),
        (str(2**64 - 1), range(2**64 - 1, 2**64)),
    ],
)
def test_jobs_are_named_in_many_ways(meant: object, ids: list[int] | range) -> None:
    named = ids_of(meant)
    assert named == ids if isinstance(ids, range) else list(named) == ids


@pytest.mark.parametrize(
    "meant",
    ["5-", "1-9999999999,20000000000", "x", "9-7", b"5", 1.5, [1, "a"], [-1], pd.DataFrame({"tube": ["a"]}), "-5"],
)
def test_what_names_no_jobs_is_refused_before_anything_is_sent(meant: object) -> None:
    with pytest.raises(ArgumentError):
        ids_of(meant)


def test_a_glob_means_the_tubes_it_matches() -> None:
    mail = select("mail-*")
    assert mail.in_tube("mail-eu")
    assert not mail.in_tube("email-eu")
    assert select().in_tube("anything")
    assert not select("mail").in_tube("mail-eu")


@pytest.mark.parametrize(
    "wrong", [{"state": "burried"}, {"limit": -1}, {"limit": 1.5}, {"order": "colour"}, {"tube": 5}]
)
def test_a_wrong_selection_names_what_is_allowed(wrong: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))}: .* allowed is"):
        select(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("order", "meant"), [("newst", "newest"), ("agee", "age"), ("-agee", "-age")])
def test_an_unknown_order_names_the_nearest_as_it_was_asked_for(order: str, meant: str) -> None:
    with pytest.raises(ArgumentError, match=f"did you mean '{meant}'"):
        select("mail", order=order)
