"""The canary of kick: its verdicts, its question, and how it ends."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from signal import SIGINT

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import TimedOut
from tests.cli.conftest import BEANOPS, Cli, Terminal, bury, one_line
from tests.waits import PATIENCE, until

#: As long as it takes: it ends when all verdicts are final.
LONG = ("--watch", "2m")


@contextmanager
def working(address: str, *poison: int) -> Iterator[None]:
    """Have a worker that deletes all jobs of the tube mail but those that it buries."""
    over = threading.Event()

    def work() -> None:
        with Client(address) as client:
            client.watch("mail")
            while not over.is_set():
                with suppress(TimedOut):
                    job = client.reserve(1)  # no busy loop: it would starve the command
                    client.bury(job.id) if job.id in poison else client.delete(job)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)


@pytest.fixture
def ids(client: Client) -> list[int]:
    return bury(client, "mail", *[b"{}"] * 20)


def test_without_a_terminal_it_stops_after_the_first_wave(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, ids: list[int]
) -> None:
    with working(beanstalkd.address):
        ended = cli("kick", "mail", "--canary", "5", *LONG)
    assert (ended.code, ended.err) == (0, "")
    first, heading, *rows, verdict, _, last = ended.out.splitlines()
    assert first.startswith("wave 1: 5 jobs, watched for ")
    assert heading.split() == ["verdict", "jobs", "first", "last", "meaning", "ids"]
    assert {row.split()[0] for row in rows} <= {"done", "unseen"}
    assert verdict == "gone = jobs is true"
    assert last == "kick: 5 done; stopped after the first wave: 15 jobs left untouched"
    assert client.stats_tube("mail").current_jobs_buried == 15


def test_a_bad_verdict_is_an_exit_code(cli: Cli, beanstalkd: Beanstalkd, ids: list[int]) -> None:
    with working(beanstalkd.address, ids[0]):
        ended = cli("kick", "mail", "--canary", "5", *LONG)
    assert ended.code == 1
    assert "buried   1" in ended.out
    assert "gone = jobs is false" in ended.out
    assert one_line(ended.err) == "beanops: kick: 5 done; stopped after the first wave: 15 jobs left untouched"


def test_nobody_takes_the_jobs(cli: Cli, ids: list[int]) -> None:
    ended = cli("kick", "mail", "--canary", "5", "--watch", "100ms", "--promote-if", "waiting = 0")
    assert ended.code == 1
    assert "no worker watches tube mail; waiting = 0 is false" in ended.out
    assert "stopped, as waiting = 0 is false: 15 jobs left untouched" in one_line(ended.err)


def test_it_goes_on_by_itself(cli: Cli, client: Client, beanstalkd: Beanstalkd, ids: list[int]) -> None:
    how = ("--canary", "5", "--promote-if", "buried / jobs <= 20%", "--waves", "3,4", *LONG)
    with working(beanstalkd.address, ids[0]):
        ended = cli("kick", "mail", *how, "-o", "json")
    assert (ended.code, ended.err) == (0, "")
    found = ended.json
    assert [wave["jobs"] for wave in found["waves"]] == [5, 3, 4, 8]
    assert [wave["passed"] for wave in found["waves"]] == [True] * 4
    assert found["waves"][0]["verdicts"]["buried"] == 1
    assert (found["done"], found["left"], found["passed"]) == (20, 0, True)
    assert [job["id"] for job in found["jobs"] if job["verdict"] == "buried"] == ids[:1]
    runs = cli("journal", "runs", "--json").json
    assert [(run["run"], run["done"]) for run in runs] == [(found["run"], 20)]
    assert len(cli("journal", "--action", "watch", "--json").json) == 4


def test_it_stops_by_itself(cli: Cli, client: Client, beanstalkd: Beanstalkd, ids: list[int]) -> None:
    how = ("--canary", "5", "--promote-if", "buried = 0", *LONG, "-o", "csv")
    with working(beanstalkd.address, ids[3]):
        ended = cli("kick", "mail", *how)
    assert ended.code == 1
    heading, *rows = ended.out.splitlines()
    assert heading.startswith("id,tube,wave,verdict,seconds,")
    assert [int(row.split(",")[0]) for row in rows] == ids[:5]
    assert client.stats_tube("mail").current_jobs_buried == 16


def test_selections(cli: Cli, beanstalkd: Beanstalkd, client: Client, ids: list[int]) -> None:
    other = bury(client, "mail", b'{"error": "no such user"}')
    with working(beanstalkd.address):
        by_ids = cli("kick", "--ids", f"{ids[4]},{ids[2]}", "--canary", "5", *LONG, "-o", "json")
        where = cli("kick", "mail", "--where", f"id > {ids[-2]}", "--canary", "1", *LONG, "-o", "json")
        (name,) = (one["name"] for one in cli("groups", "mail", "--json").json if "no such user" in one["cause"])
        group = cli("kick", "mail", "--group", name, "--canary", "5", *LONG, "-o", "json")
    assert [job["id"] for job in by_ids.json["jobs"]] == [ids[4], ids[2]]
    assert [job["id"] for job in where.json["jobs"]] == [ids[-1]]
    assert [job["id"] for job in group.json["jobs"]] == other


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["mail", "--promote-if", "buried = 0"], 2, "need --canary"),
        (["mail", "--waves", "10"], 2, "need --canary"),
        (["mail", "--watch", "60s"], 2, "need --canary"),
        (["mail", "--next", "3", "--watch", "60s"], 2, "--next takes one tube"),
        (["mail", "--canary", "0"], 2, "0 is not in the range"),
        (["mail", "--canary", "3", "--waves", "1,x"], 2, "no list of numbers"),
        (["mail", "--canary", "3", "--waves", "0"], 2, "above 0"),
        (["mail", "--canary", "3", "--watch", "0"], 2, "above 0"),
        (["mail", "--canary", "3", "--promote-if", "burried = 0"], 2, "did you mean 'buried'"),
        (["mail", "--canary", "3", "--next", "3"], 2, "--next takes one tube"),
        (["mail", "--canary", "3", "--state", "ready"], 2, "kick takes buried or delayed jobs"),
        (["mial", "--canary", "3"], 1, "did you mean 'mail'"),
        (["mail", "--canary", "3", "--read-only"], 4, "read-only"),
        (["mail", "--canary", "200", "--promote-if", "buried = 0", "-s", "127.0.0.1:1"], 3, "cannot connect"),
    ],
)
def test_errors_are_one_line_and_change_nothing(
    cli: Cli, client: Client, ids: list[int], arguments: list[str], code: int, why: str
) -> None:
    ended = cli("kick", *arguments)
    assert ended.code == code
    assert why in one_line(ended.err)
    assert client.stats_tube("mail").current_jobs_buried == 20


def test_jobs_that_are_gone_were_not_kicked(cli: Cli, client: Client, ids: list[int]) -> None:
    client.delete(ids[0])
    ended = cli("kick", "--ids", str(ids[0]), "--canary", "3")
    assert ended.code == 1
    assert one_line(ended.err) == (
        f"beanops: kick: 0 done, 1 skipped (job {ids[0]}: it does not exist); no jobs left to kick"
    )


def test_many_jobs_are_confirmed_first(cli: Cli, client: Client) -> None:
    bury(client, "mail", *[b"{}"] * 150)
    by_itself = cli("kick", "mail", "--canary", "10", "--promote-if", "buried = 0")
    at_once = cli("kick", "mail", "--canary", "120")
    assert (by_itself.code, at_once.code) == (4, 4)
    assert "pass --yes" in one_line(by_itself.err)
    assert "the first 120 of 150" in one_line(at_once.err)
    assert client.stats_tube("mail").current_jobs_buried == 150


def test_a_dry_run_changes_nothing(cli: Cli, client: Client, ids: list[int]) -> None:
    ended = cli("kick", "mail", "--canary", "5", "--dry-run")
    assert ended.code == 0
    assert ended.out.startswith("kick: 20 would be done")
    assert client.stats_tube("mail").current_jobs_buried == 20


def test_there_may_be_no_jobs(cli: Cli, client: Client) -> None:
    client.put(b"a", tube="mail")
    ended = cli("kick", "mail", "--canary", "5")
    assert (ended.code, ended.out) == (0, "kick: 0 done; there are no jobs to kick\n")


def test_somebody_on_a_terminal_is_asked(
    terminal: Callable[..., Terminal], client: Client, beanstalkd: Beanstalkd, ids: list[int]
) -> None:
    asking = terminal("kick", "mail", "--canary", "5", "--waves", "5", *LONG)
    with working(beanstalkd.address, ids[0]):  # a thread: only once the process is there
        asking.until("Kick the next 5 of 15 other jobs on ")
        assert client.stats_tube("mail").current_jobs_buried == 16
        asking.type("y\n")
        asking.until("Kick the other 10 jobs on ")
        asking.type("y\n")
        assert asking.end() == 0
    assert "wave 3: 10 jobs" in asking.shown
    assert "recorded as run" in asking.shown
    assert client.stats_tube("mail").current_jobs_buried == 1


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x03", "\x04"])
def test_no_leaves_the_rest_untouched(
    terminal: Callable[..., Terminal], client: Client, beanstalkd: Beanstalkd, ids: list[int], keys: str
) -> None:
    asking = terminal("kick", "mail", "--canary", "5", *LONG)
    with working(beanstalkd.address):  # a thread: only once the process is there
        asking.until("[y/N]: ")
        asking.type(keys)
        assert asking.end() == 1
    assert "not confirmed: 15 jobs left untouched" in asking.shown
    assert "Traceback" not in asking.shown
    assert client.stats_tube("mail").current_jobs_buried == 15


def test_ctrl_c_ends_the_watch(
    program: Callable[..., subprocess.Popen[str]], cli: Cli, client: Client, ids: list[int]
) -> None:
    watching = program("kick", "mail", "--canary", "5", "--promote-if", "waiting > 0", *LONG)
    until(lambda: client.stats_tube("mail").current_jobs_buried == 15)
    watching.send_signal(SIGINT)
    out, err = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 1
    assert "waiting  5" in out
    assert "stopped: cancelled" in err
    assert "Traceback" not in err
    assert client.stats_tube("mail").current_jobs_buried == 15
    (run,) = cli("journal", "runs", "--json").json
    assert (run["done"], run["unknown"]) == (5, 0)


def test_a_reader_that_leaves_ends_it_quietly(beanstalkd: Beanstalkd, client: Client, ids: list[int]) -> None:
    script = f"{BEANOPS} -s {beanstalkd.address} kick mail --canary 5 --watch 10ms -o csv | head -1"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE)
    assert ended.stdout.startswith("id,tube")
    assert "Traceback" not in ended.stderr
