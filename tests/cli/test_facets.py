"""The command facets: readable in 80 columns, exact for programs, and right about what it did not see."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client
from beanops.cli.app import group
from beanops.cli.shells import ShellComplete
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search import scan
from beanops.protocol import commands
from beanops.ui.predicates import last_term
from tests.cli.conftest import Cli, one_line
from tests.waits import PATIENCE, until

HOSTILE = {
    "a\x1b[31m.b": "\x1b]0;title\x07",
    'q"uote': "it's\n$(mark)",
    "long" * 40: "w" * 500,
    "日本語": "日本語" * 30,
}


def put_orders(client: Client) -> None:
    for number in range(40):
        body = {"customer": number % 3, "id": f"id-{number}", "error": "card declined" if number % 2 else None}
        client.put(json.dumps(body).encode(), tube="billing", priority=number % 2)


def test_a_table_fits_80_columns(cli: Cli, client: Client) -> None:
    put_orders(client)
    client.put(json.dumps(HOSTILE).encode(), tube="billing")
    client.put(b"\x00\xff\xfe", tube="billing")
    told = cli("facets", "billing")
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0] == "42 jobs, 1 body not decoded: 1 unknown format"
    assert any(line.startswith("$.customer ") and "integer · 98% · 3 values · 0 to 2" in line for line in lines)
    assert any(line.split() == ["card", "declined", "20", "49%"] for line in lines)
    # Of what is different in each job there are only examples.
    assert sum(line.startswith("  id-") for line in lines) == 3
    assert "\x1b" not in told.out
    assert "\x07" not in told.out
    # Only a path that is longer than that has a longer line, which a pipe does not cut.
    assert all(len(line) <= 80 or line.startswith('$."') or line.startswith("$.long") for line in lines)


def test_a_table_leaves_out_objects_that_their_keys_show(cli: Cli, client: Client) -> None:
    client.put(b'{"error": {"class": "Timeout"}, "items": [{"sku": 1}], "empty": {}}', tube="billing")
    client.put(b'{"error": {"class": "Timeout"}, "items": [], "empty": {}}', tube="billing")
    paths = [line.split()[0] for line in cli("facets", "billing").out.splitlines() if line.startswith("$")]
    assert paths == ["$.error.class", "$.items", "$.items[*].sku", "$.empty"]
    paths = [path["path"] for path in cli("facets", "billing", "--json").json["paths"]]
    assert paths == ["$.error", "$.error.class", "$.items", "$.items[*]", "$.items[*].sku", "$.empty"]


def test_json_has_the_predicate_of_each_value(cli: Cli, client: Client) -> None:
    put_orders(client)
    client.put(json.dumps(HOSTILE).encode(), tube="billing")
    found = cli("facets", "billing", "--json").json
    assert (found["jobs"], found["decoded"], found["complete"], found["undecoded"]) == (41, 41, True, [])
    for path in found["paths"]:
        for value in path["top"][:2]:
            assert value["where"].isprintable()
            jobs = cli("jobs", "billing", "--where", value["where"], "--json").json
            assert len(jobs) == value["jobs"], value
    priority = next(one for one in found["histograms"] if one["column"] == "priority")
    assert [(one["jobs"], one["where"]) for one in priority["bins"][:2]] == [(20, "priority = 0"), (20, "priority = 1")]


def test_csv_has_a_row_for_each_value_and_each_bin(cli: Cli, client: Client) -> None:
    put_orders(client)
    rows = list(csv.DictReader(cli("facets", "billing", "--top", "2", "-o", "csv").out.splitlines()))
    assert [(row["value"], row["jobs"]) for row in rows if row["path"] == "$.customer"] == [("0", "14"), ("1", "13")]
    assert [row["where"] for row in rows if row["path"] == "priority"] == ["priority = 0", "priority = 1"]


def test_a_selection_narrows_them(cli: Cli, client: Client) -> None:
    put_orders(client)
    assert cli("facets", "billing", "--where", "data->>'$.customer' = '2'", "--json").json["jobs"] == 13
    assert cli("facets", "--ids", "1-5", "--json").json["jobs"] == 5
    assert cli("facets", "bill*", "--state", "buried").out.splitlines() == ["0 jobs"]


def test_redacted_values_are_not_shown(cli: Cli, client: Client) -> None:
    client.put(b'{"token": "s3cret", "user": 7}', tube="billing")
    for form in ("table", "json", "csv"):
        assert "s3cret" not in cli("facets", "billing", "--redact", "*token*", "-o", form).out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nowhere"], 1),
        (["billing", "--where", "customer = 7"], 2),
        (["billing", "--where", ""], 2),
        (["billing", "--top", "-1"], 2),
        (["billing", "--top", "9999"], 2),
        (["billing", "--state", "gone"], 2),
        (["billing", "--group", "g0000000"], 1),
        (["-s", "127.0.0.1:1", "billing"], 3),
    ],
)
def test_a_wrong_call_ends_in_one_line(arguments: list[str], code: int, cli: Cli, client: Client) -> None:
    put_orders(client)
    told = cli("facets", *arguments)
    assert told.code == code
    assert one_line(told.err)


def test_jobs_that_could_not_be_found_are_code_1_and_a_verdict(
    cli: Cli, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart from the binlog nothing tells of the job far above the head."""
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        client.put(b'{"at": "head"}', tube="mail", priority=0)
        client.use("gap")
        assert list(client.pipeline([commands.put(b"x")] * 3998)) == [*range(2, 4000)]
        client.put(b'{"at": "far"}', tube="mail")
        for _ in client.pipeline(map(commands.delete, range(2, 4000))):
            pass
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), port=server.port)
    monkeypatch.setenv("BEANOPS_SERVER", server.address)
    monkeypatch.setattr(scan, "_GIVE_UP", 1000)
    told = cli("facets", "mail", "--json")
    verdict = "incomplete: 1 of 2 found; not looked at: ids above 1001"
    assert (told.code, one_line(told.err)) == (1, f"beanops: {verdict}")
    assert (told.json["jobs"], told.json["complete"], told.json["verdict"]) == (1, False, verdict)
    assert cli("facets", "mail", "--probe", "--json").json["jobs"] == 2


def test_bodies_that_a_predicate_cannot_read_are_code_1(cli: Cli, client: Client) -> None:
    put_orders(client)
    client.put(b"\x00\xff\xfe", tube="billing")
    assert cli("facets", "billing").code == 0
    told = cli("facets", "billing", "--where", "data->>'$.customer' = '1'")
    assert told.code == 1
    assert "1 job left out" in one_line(told.err)
    assert told.out.startswith("13 jobs\n")


def test_ctrl_c_shows_what_is_known(program: Callable[..., subprocess.Popen[str]], client: Client) -> None:
    list(client.pipeline([commands.put(b'{"a": 1}')] * 3000))
    with program("facets", "--rate", "400", "--json") as running:
        assert running.stderr is not None
        assert running.stdout is not None
        until(lambda: client.stats().cmd_stats_job > 500)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert "interrupted, incomplete: " in one_line(err)
    assert 0 < json.loads(out)["jobs"] < 3000


def test_a_closed_pipe_ends_it_quietly(program: Callable[..., subprocess.Popen[str]], client: Client) -> None:
    put_orders(client)
    with program("facets", "billing", "--json") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""


def offered(*words: str) -> list[str]:
    """Return the words that may replace the last one."""
    *before, last = words
    return [item.value for item in ShellComplete(group, {}, "beanops", "_").get_completions(before, last)]


def test_tab_offers_columns_paths_and_values_of_the_last_facets(cli: Cli, client: Client) -> None:
    put_orders(client)
    assert "age" in offered("jobs", "billing", "--where", "")
    assert "data->>'$.customer'" not in offered("jobs", "billing", "--where", "")
    assert cli("facets", "billing").code == 0
    assert offered("jobs", "billing", "--where", "ag") == ["age"]
    assert offered("kick", "billing", "--where", "data->>'$.e") == (
        ["data->>'$.error'", "data->>'$.error' = 'card declined'"]
    )
    assert offered("jobs", "billing", "--where", "data->>'$.customer' = '") == (
        [f"data->>'$.customer' = '{customer}'" for customer in (0, 1, 2)]
    )
    assert offered("jobs", "billing", "--where", "age > interval 1 hour and (data->>'$.e") == (
        ["age > interval 1 hour and (data->>'$.error'", "age > interval 1 hour and (data->>'$.error' = 'card declined'"]
    )
    assert "data->>'$.customer'" in offered("groups", "billing", "--by", "d")
    assert offered("jobs", "other", "--where", "data->>'$.e") == []


def test_tab_needs_no_server(cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    put_orders(client)
    assert cli("facets", "billing").code == 0
    monkeypatch.setattr("beanops.client.transport.socket", None)
    assert offered("jobs", "billing", "--where", "data->>'$.cus")[0] == "data->>'$.customer'"


@pytest.mark.parametrize(
    ("predicate", "term"),
    [
        ("", ""),
        ("age", "age"),
        ("age > 1 and si", "si"),
        ("a = 'this and that", "a = 'this and that"),
        ("not (a = 'x' or da", "da"),
        ("list_contains(data", "list_contains(data"),
        ("android", "android"),
    ],
)
def test_the_last_term_of_a_predicate_is_completed(predicate: str, term: str) -> None:
    assert predicate[last_term(predicate) :] == term
