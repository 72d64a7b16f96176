"""Tables: what they do with narrow terminals, wide characters and pipes."""

from __future__ import annotations

import csv

import pytest

from beanops import Client
from beanops.cli import output
from beanops.cli.app import COMMANDS
from beanops.cli.output import print_table
from tests.cli.conftest import Cli


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
    assert output.text_width(wide) == output.text_width(plain) <= 30


def test_a_pipe_gets_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_table(["tube", "ready"], [["x" * 200, 1]])
    assert "x" * 200 in capsys.readouterr().out


def test_no_rows_leave_the_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["tube", "ready"], [])
    assert capsys.readouterr().out == "tube  ready\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["jobs", "mail", "-o", "csv"],
        ["peek", "--ids", "1-7", "-o", "csv"],
        ["sql", "select body from jobs", "-o", "csv"],
    ],
)
@pytest.mark.parametrize("before", [False, True])
def test_csv_is_exact_and_made_safe_for_spreadsheets_when_asked(
    arguments: list[str], before: bool, cli: Cli, client: Client
) -> None:
    bodies = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "plain"]
    for body in bodies:
        client.put(body.encode(), tube="mail")
    exact = {row[-1] for row in csv.reader(cli(*arguments).out.splitlines()[1:])}
    assert exact == {"=1+1", "+1", "-1", "@a", "\\t=1", "\\r=1", "plain"}
    asked = ["--spreadsheet-safe", *arguments] if before else [*arguments, "--spreadsheet-safe"]
    safe = list(csv.reader(cli(*asked).out.splitlines()[1:]))
    assert {row[-1] for row in safe} == {"'=1+1", "'+1", "'-1", "'@a", "'\\t=1", "'\\r=1", "plain"}
    assert cli(*arguments).out == cli(*arguments).out


def test_numbers_stay_numbers_in_a_safe_csv(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail")
    told = cli("sql", "select -5 as n, '-5' as t, 1 as \"=h\" from jobs", "-o", "csv", "--spreadsheet-safe").out
    assert told == "n,t,'=h\n-5,'-5,1\n"


def test_every_command_with_csv_can_be_safe_and_says_so(cli: Cli) -> None:
    for command in COMMANDS.keys() - {"serve"}:
        told = cli(command, "--help").out
        if "csv" in told:
            assert "--spreadsheet-safe" in told, command
            assert "csv is exact" in " ".join(told.split()), command
