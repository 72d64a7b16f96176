"""Tables: what they do with narrow terminals, wide characters and pipes."""

from __future__ import annotations

import pytest

from beanops.cli import output
from beanops.cli.output import print_table


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print as on a terminal of 30 columns."""
    monkeypatch.setattr(output, "on_terminal", lambda *streams: True)
    monkeypatch.setenv("COLUMNS", "30")


@pytest.mark.usefixtures("terminal")
def test_a_narrow_terminal_cuts_text_and_never_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["tube", "ready", "total"], [["a-rather-long-name-of-a-tube", 5, 123456789]])
    assert capsys.readouterr().out.splitlines() == [
        "tube          ready      total",
        "a-rather-lo…      5  123456789",
    ]


@pytest.mark.usefixtures("terminal")
def test_wide_characters_keep_columns_in_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["body", "n"], [["日本語" * 10, 1], ["plain", 22]])
    _, wide, plain = capsys.readouterr().out.splitlines()
    assert wide.split()[0].endswith("…")
    assert output._width(wide) == output._width(plain) <= 30


def test_a_pipe_gets_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_table(["tube", "ready"], [["x" * 200, 1]])
    assert "x" * 200 in capsys.readouterr().out


def test_no_rows_leave_the_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["tube", "ready"], [])
    assert capsys.readouterr().out == "tube  ready\n"
