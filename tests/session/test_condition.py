"""Conditions on counts: what they mean, and what is said of those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beanops.protocol.errors import UsageError
from beanops.session.investigation.condition import Condition

KNOWN = ("jobs", "gone", "buried", "ready")
VALUES = {"jobs": 10, "gone": 8, "buried": 2, "ready": 0}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("buried = 2", True),
        ("buried == 2 and gone <> 8", False),
        ("BURIED = 2 AND Gone != 7", True),
        ("buried / jobs <= 20%", True),
        ("buried/jobs<0.2", False),
        ("ready = 1 or buried < 3 and jobs >= 10", True),
        ("(ready = 1 or buried < 3) and jobs > 10", False),
        ("not buried = 0", True),
        ("not not buried = 0", False),
        ("gone + buried = jobs", True),
        ("jobs - gone - 1 = 1", True),
        ("2 + 3 * 2 = 8 and (2 + 3) * 2 = 10", True),
        ("-buried < --1", True),
        ("buried / ready < 1", None),
        ("not buried / ready < 1", None),
        ("buried / ready < 1 or jobs = 10", True),
        ("buried / ready < 1 and jobs = 9", False),
        ("buried / ready < 1 and jobs = 10", None),
    ],
)
def test_a_condition_is_judged_as_in_sql(text: str, found: bool | None) -> None:
    assert Condition(text, KNOWN).judge(VALUES) is found


def test_a_condition_knows_the_names_that_it_reads() -> None:
    assert Condition("buried / jobs < 1% and Ready = 0", KNOWN).names == {"buried", "jobs", "ready"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("buried", "a number is no condition; write a comparison such as buried = 0"),
        ("not buried", "a number is no condition; write a comparison such as buried = 0"),
        ("burried = 0", "unknown name 'burried'; did you mean 'buried'?"),
        ("x = 0", "unknown name 'x'; the names are jobs, gone, buried, ready"),
        ("buried =", "a name or a number is missing at the end"),
        ("buried = 0 and", "a name or a number is missing at the end"),
        ("= 0", "a name or a number is missing before '='"),
        ("buried = and", "a name or a number is missing before 'and'"),
        ("(buried = 0", "a closing parenthesis is missing"),
        ("buried = 0)", "')' was not expected"),
        ("buried = 0 ready = 0", "'ready' was not expected; join comparisons with and, or"),
        ("1 < buried < 3", "join comparisons with and: '<' was not expected"),
        ("(buried = 0) + 1 = 2", "a comparison is no number to calculate with"),
        ("buried = 'x'", '"\'" was not expected'),
        ("buried = 0; drop", "';' was not expected"),
        ("buried = \x1b[2J", r"'\\x1b' was not expected"),
        ("(" * 1000 + "buried = 0" + ")" * 1000, "it has more than 200 words and signs"),
        ("(" * 60 + "buried = 0" + ")" * 60, "it is nested too deeply"),
        ("not " * 60 + "buried = 0", "it is nested too deeply"),
        ("-" * 60 + "buried = 0", "it is nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        Condition(text, KNOWN)
    message = str(caught.value)
    assert message.startswith("condition ")
    assert message.endswith(f": {why}")
    assert message.isprintable()
    assert len(message) < 250


@given(st.text("()=<>!+-*/% 019.andortbuiejs", max_size=60))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        found = Condition(text, KNOWN)
    except UsageError:
        return
    assert found.judge(VALUES) in (True, False, None)
