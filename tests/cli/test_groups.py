"""``beanops groups``, and ``--group`` in other commands."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from beanops import Client
from beanops.cli import complete
from beanops.cli.app import group
from beanops.embedded.process import Beanstalkd
from beanops.session.investigation.last_shown import LastGroup, keep_groups, last_groups
from beanops.state_files import state_path
from tests.cli.conftest import Cli, Terminal, bury, one_line
from tests.waits import PATIENCE


def failed(error: str, number: int, customer: object = 7) -> bytes:
    data = {"displayName": "App\\Jobs\\Charge", "customer": customer, "error": f"{error} {number}", "token": "s3cret"}
    return json.dumps(data).encode()


@pytest.fixture
def billing(client: Client) -> dict[str, list[int]]:
    """Bury jobs of three causes; return the ids of each."""
    sizes = {"declined by bank": 6, "no such customer": 3, "deadlock of rows": 1}
    customers = ["7", "O'Neill", None]
    return {
        error: bury(client, "billing", *(failed(error, number, customers[number % 3]) for number in range(size)))
        for error, size in sizes.items()
    }


def rows(cli: Cli, *arguments: str) -> list[dict[str, object]]:
    ended = cli("groups", "billing", "-o", "json", *arguments)
    assert (ended.code, ended.err) == (0, "")
    found: list[dict[str, object]] = ended.json
    return found


def test_the_largest_cause_comes_first(cli: Cli, billing: dict[str, list[int]]) -> None:
    ended = cli("groups", "billing", "--state", "buried")
    assert (ended.code, ended.err) == (0, "")
    heading, *lines = ended.out.splitlines()
    assert heading.split() == ["name", "count", "share", "oldest", "newest", "trend", "cause"]
    assert [line.split()[1:3] for line in lines] == [["6", "60%"], ["3", "30%"], ["1", "10%"]]
    assert all(error in line for error, line in zip(billing, lines, strict=True))


def test_json_has_all_that_a_script_needs(cli: Cli, billing: dict[str, list[int]]) -> None:
    found = rows(cli, "--state", "buried")
    assert {"name", "count", "share", "oldest", "newest", "cause", "sample", "where"} <= found[0].keys()
    assert [row["count"] for row in found] == [6, 3, 1]
    assert all(row["where"] == f"group_name = '{row['name']}'" for row in found)
    assert (found[0]["tube"], found[0]["state"]) == ("billing", "buried")
    sample = found[2]["sample"]
    assert isinstance(sample, dict)
    assert sample["id"] == billing["deadlock of rows"][0]
    assert "deadlock of rows" in sample["body"]
    for row in found:
        assert len(cli("jobs", "billing", "--where", str(row["where"]), "--json").json) == row["count"]


def test_csv_has_a_line_for_each_group(cli: Cli, billing: dict[str, list[int]]) -> None:
    ended = cli("groups", "billing", "-o", "csv")
    heading, *lines = ended.out.splitlines()
    assert heading.startswith("name,count,share,oldest,newest,cause,timeouts")
    assert len(lines) == len(billing)


def test_the_others_are_counted(cli: Cli, billing: dict[str, list[int]]) -> None:
    ended = cli("groups", "billing", "--most", "1")
    assert ended.out.splitlines()[2:] == ["and 4 others in 2 groups"]
    assert len(rows(cli, "--most", "2")) == 2


def test_a_group_is_kicked_by_the_beginning_of_its_name(
    cli: Cli, client: Client, billing: dict[str, list[int]]
) -> None:
    name = str(rows(cli)[0]["name"])
    ended = cli("kick", "billing", "--group", name[:6], "--reason", "a fix", "--yes")
    assert (ended.code, ended.out, ended.err) == (0, "kick: 6 done\n", "")
    assert client.stats_tube("billing").current_jobs_ready == 6
    runs = cli("journal", "runs")
    assert f"billing group {name}" in runs.out
    (run,) = cli("journal", "runs", "--json").json
    assert run["about"] == f"billing group {name}"
    assert cli("undo", run["run"], "--yes").code == 0
    assert client.stats_tube("billing").current_jobs_buried == 10


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "billing", "-o", "jsonl"),
        ("sql", "select id from jobs", "billing"),
        ("snapshot", "saved", "--tube", "billing"),
        ("export", "saved.jsonl", "--tube", "billing"),
        ("kick", "billing", "--dry-run"),
        ("bury", "billing", "--priority", "3", "--dry-run"),
        ("release", "billing", "--dry-run"),
        ("delete", "billing", "--yes"),
        ("drain", "billing", "--state", "buried", "--yes"),
        ("move", "billing", "--to", "t", "--yes"),
        ("copy", "billing", "--to", "t", "--yes"),
        ("groups", "billing", "--by", "id"),
    ],
)
def test_each_command_takes_groups(
    cli: Cli,
    billing: dict[str, list[int]],
    arguments: tuple[str, ...],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = str(rows(cli)[1]["name"])
    ended = cli(*arguments, "--group", name)
    assert (ended.code, ended.err) == (0, "")
    assert re.search(r"(?<!\d)3(?!\d)", ended.out) or len(ended.out.splitlines()) in (3, 4), ended.out
    if "saved" in arguments:
        return  # the directory is there
    unknown = cli(*arguments, "--group", "gfffff")
    assert unknown.code == 1
    assert one_line(unknown.err).startswith("beanops: no group of these jobs begins with 'gfffff'")
    wrong = cli(*arguments, "--group", "declined")
    assert wrong.code == 2
    assert "the name of a group such as 'g7f31c0a2'" in one_line(wrong.err)


def test_a_group_of_jobs_that_are_named_by_id(cli: Cli, billing: dict[str, list[int]]) -> None:
    largest, second = (str(row["name"]) for row in rows(cli)[:2])
    mine, other = billing["declined by bank"][:2], billing["no such customer"][0]
    for name in (largest, largest[:5]):
        done = cli("bury", "--ids", f"{other}", "--group", name, "--yes")
        assert done.code == 1
        why = f"{'is called' if name == largest else 'begins with'} {name!r}; groups are {second} (1 job)"
        assert one_line(done.err) == f"beanops: no group of these jobs {why}"
    done = cli("delete", "--ids", f"{mine[0]},{mine[1]},{other}", "--group", largest, "--yes", "--json")
    assert (done.code, done.err) == (0, "")
    assert [action["id"] for action in done.json["actions"]] == mine


def test_several_groups_are_named_in_the_question(
    cli: Cli, terminal: Callable[..., Terminal], billing: dict[str, list[int]], client: Client
) -> None:
    first, second, _ = (str(row["name"]) for row in rows(cli))
    asking = terminal("delete", "billing", "--group", first, "--group", second)
    asking.until("9 of the jobs of groups")
    assert f"{first} and {second} in tube billing" in asking.shown
    asking.type("y\n")
    assert asking.end() == 0
    assert client.stats_tube("billing").current_jobs_buried == 1


def test_an_ambiguous_name_is_refused_with_the_candidates(cli: Cli, billing: dict[str, list[int]]) -> None:
    ended = cli("kick", "billing", "--group", "g", "--yes")
    assert ended.code == 2
    assert all(str(row["name"]) in one_line(ended.err) for row in rows(cli))


def test_by_any_expression(cli: Cli, billing: dict[str, list[int]]) -> None:
    found = rows(cli, "--by", "data->>'$.customer'")
    assert {(row["name"], row["count"], row["cause"]) for row in found} == {
        ("7", 4, None),
        ("O'Neill", 3, None),
        (None, 3, None),
    }
    for row in found:
        done = cli("bury", "billing", "--where", str(row["where"]), "--priority", "1", "--yes")
        assert done.out == f"bury: {row['count']} done\n"
    table = cli("groups", "billing", "--by", "data->>'$.customer'")
    assert table.out.splitlines()[0].split()[-1] == "sample"
    assert "NULL" in table.out


def test_what_is_redacted_is_in_no_group(cli: Cli, billing: dict[str, list[int]]) -> None:
    for arguments in ((), ("--by", "data->>'$.token'"), ("--by", "body")):
        ended = cli("groups", "billing", "--redact", "token", "--json", *arguments)
        assert ended.code == 0
        assert "s3cret" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("biling",), 1, "no tube 'biling'; did you mean 'billing'?"),
        (("billing", "--by", "customer"), 2, "there is no column 'customer'"),
        (("billing", "--state", "burried"), 2, "did you mean 'buried'?"),
        (("billing", "--most", "-1"), 2, "--most"),
        (("-s", "127.0.0.1:1", "billing"), 3, "127.0.0.1:1"),
        (("billing", "--limit", "2", "--where", "nothing"), 2, "there is no column 'nothing'"),
    ],
)
def test_errors_are_one_line(
    cli: Cli, billing: dict[str, list[int]], arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = cli("groups", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in one_line(ended.err)


def test_jobs_that_could_not_be_read_make_it_incomplete(cli: Cli, client: Client) -> None:
    bury(client, "t", b'{"v": 1}', b'{"v": 1, "v": 2}')
    ended = cli("groups", "t", "--by", "data->>'$.v'")
    assert ended.code == 1
    assert "1 job left out" in one_line(ended.err)


def test_without_jobs_it_says_so(cli: Cli, client: Client) -> None:
    client.watch("t")
    ended = cli("groups", "t")
    assert (ended.code, ended.out) == (0, "no jobs\n")
    assert cli("groups", "t", "--json").json == []


def test_at_80_columns_a_cause_has_a_line_of_its_own(
    terminal: Callable[..., Terminal], cli: Cli, billing: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = terminal("groups", "billing")
    assert shown.end() == 0
    lines = shown.shown.replace("\r", "").splitlines()
    assert "  App\\Jobs\\Charge: declined by bank <n>" in lines
    name = rows(cli)[0]["name"]
    assert lines[-1] == f"beanops jobs billing --group {name} shows the jobs of the first"


def test_a_closed_pipe_ends_it_without_a_word(
    program: Callable[..., subprocess.Popen[str]], billing: dict[str, list[int]]
) -> None:
    with program("groups", "billing") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) is not None


def test_tab_completes_the_groups_that_were_shown_last(
    cli: Cli, billing: dict[str, list[int]], beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [str(row["name"]) for row in rows(cli)]
    with group.make_context("beanops", ["kick"], resilient_parsing=True) as ctx:
        ctx.params["server"] = beanstalkd.address
        assert complete.groups(ctx, ctx.command.params[0], "") == names
        assert complete.groups(ctx, ctx.command.params[0], names[0][:8]) == names[:1]
        ctx.params["server"] = "127.0.0.1:1"
        assert complete.groups(ctx, ctx.command.params[0], "") == []


def test_last_groups_are_few_and_survive_what_others_wrote() -> None:
    for number in range(60):
        keep_groups(f"10.0.0.{number}", [LastGroup(f"g{n}", "cause") for n in range(200)])
    assert last_groups("10.0.0.0") == []
    assert len(last_groups("10.0.0.59")) == 100
    path = state_path("groups")
    assert len(json.loads(path.read_text())) == 50
    assert path.stat().st_mode & 0o077 == 0
    for content in ("", "[]", '{"10.0.0.59:11300": [1, ["a"], ["a", "b", "c"], {}]}', "\xff"):
        path.write_text(content, "latin-1")
        assert last_groups("10.0.0.59") == []
