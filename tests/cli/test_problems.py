"""``beanops problems`` and ``session.problems()``: what is wrong, where to look, and an exit code for scripts."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from beanops import Client, connect
from beanops.cli.app import run
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import NotFound
from beanops.session.watching.problems_now import problems_now
from tests.cli.conftest import Cli, bury, configure

COLUMNS = ["severity", "problem", "tube", "reason", "since", "look_at"]
AT_ONCE = ("--seconds", "0")


def test_a_quiet_server_has_none(cli: Cli) -> None:
    assert cli("problems", *AT_ONCE) == (0, "no problems\n", "")
    assert cli("problems", "--json", *AT_ONCE).json == []
    assert cli("problems", "-o", "csv", *AT_ONCE).out == ",".join(COLUMNS) + "\n"


def test_problems_are_printed_with_what_to_look_at(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1", b"2")
    client.put(b"x", tube="sms")
    ended = cli("problems", *AT_ONCE)
    assert ended.code == 1
    assert ended.err == ""
    first, second = [re.split(r"\s{2,}", line) for line in ended.out.splitlines()[1:]]
    assert first[:4] == ["warning", "no-workers", "sms", "1 job ready and no worker watches it"]
    assert second[:3] == ["warning", "buried", "mail"]
    assert second[5] == "beanops jobs mail --state buried"
    # It runs as it is printed.
    assert cli(*shlex.split(second[5])[1:]).code == 0
    (only,) = cli("problems", "ma*", "--json", *AT_ONCE).json
    assert (only["problem"], only["tube"], only["tubes"], only["job"]) == ("buried", "mail", [], None)
    assert cli("problems", "--severity", "critical", *AT_ONCE) == (0, "no problems\n", "")
    assert cli("problems", "--severity", "warning", *AT_ONCE).code == 1


def test_two_looks_know_what_grows(beanstalkd: Beanstalkd, client: Client) -> None:
    client.put(b"x", tube="mail")
    clock = [1000.0]

    def puts(seconds: float) -> None:
        clock[0] += seconds
        for _ in range(5):
            client.put(b"x", tube="mail")

    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    with connect(beanstalkd.address) as session:
        ((found, since),) = problems_now(session._lookups, None, 20, lambda: noon, lambda: clock[0], puts)
    assert (found.severity, found.name) == ("critical", "no-workers")
    assert found.reason == "6 jobs ready and no worker watches it for 20s, 0.2 jobs put per second"
    assert since == noon - timedelta(seconds=20)


def test_errors_are_not_mistaken_for_problems(cli: Cli) -> None:
    assert cli("problems", "nowhere", *AT_ONCE) == (1, "", "beanops: no tube 'nowhere'\n")
    assert cli("-s", "127.0.0.1:1", "problems").code == 3
    assert cli("problems", "--seconds", "soon").code == 2
    assert cli("problems", "--severity", "bad").err.startswith("beanops problems: ")
    configure("[problems]\nburied = 'many'\n")
    ended = cli("problems")
    assert ended.code == 2
    assert "problems.buried must be a whole number from 1 on, not 'many'" in ended.err


def test_thresholds_are_those_of_the_configuration(cli: Cli, client: Client) -> None:
    bury(client, "mail-in", b"1", b"2")
    bury(client, "sms", b"1", b"2")
    configure('[problems."mail-*"]\nburied = 3\n')
    assert [one["tube"] for one in cli("problems", "--json", *AT_ONCE).json] == ["sms"]


def test_the_command_names_a_server_that_is_not_the_usual_one(
    beanstalkd: Beanstalkd, client: Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BEANOPS_SERVER", raising=False)
    client.put(b"x", tube="mail;ls")
    assert run(["problems", "-s", beanstalkd.address, *AT_ONCE, "-o", "csv"]) == 1
    (row,) = capfd.readouterr().out.splitlines()[1:]
    assert row.endswith(f"beanops -s {beanstalkd.address} stats 'mail;ls'")


def test_the_frame_has_one_row_per_problem(beanstalkd: Beanstalkd, client: Client) -> None:
    with connect(beanstalkd.address, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)) as session:
        empty = session.problems(seconds=0)
        assert [*empty] == COLUMNS
        assert len(empty) == 0
        bury(client, "mail", b"1")
        found = session.problems("mail", seconds=0)
        assert found["problem"].tolist() == ["buried"]
        assert abs(found["since"][0] - pd.Timestamp("2026-01-02", tz="UTC")) < timedelta(seconds=5)
        assert found.dtypes.astype(str).tolist() == empty.dtypes.astype(str).tolist()
        with pytest.raises(NotFound):
            session.problems("nowhere", seconds=0)
