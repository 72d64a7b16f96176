"""``beanops tail``: lines and JSON of new jobs, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, one_line
from tests.waits import PATIENCE

Start = Callable[..., subprocess.Popen[str]]


@contextmanager
def producing(address: str, body: bytes = b'{"n": 1}', tube: str = "mail") -> Iterator[None]:
    """Put a job every few milliseconds."""
    over = threading.Event()

    def produce() -> None:
        with Client(address) as client:
            while not over.wait(0.01):
                client.put(body, tube=tube)

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        yield
    finally:
        over.set()
        producer.join()


def test_lines_have_the_fields_of_jobs(cli: Cli, beanstalkd: Beanstalkd) -> None:
    with producing(beanstalkd.address):
        ended = cli("tail", "ma*", "--limit", "3", "-o", "jsonl")
    assert ended.code == 0
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert len(rows) == 3
    (known,) = cli("jobs", "mail", "--ids", str(rows[0]["id"]), "-o", "json").json
    assert rows[0].keys() == known.keys()
    assert rows[0]["data"] == {"n": 1}


def test_text_is_safe_and_redacted(cli: Cli, beanstalkd: Beanstalkd) -> None:
    with producing(beanstalkd.address, b'{"note": "\x1b[31m\\u202e", "token": "s3cret"}'):
        ended = cli("tail", "--limit", "1", "--redact", "token")
    assert ended.out.split()[2:4] == ["ready", "mail"]
    assert "\x1b" not in ended.out
    assert "s3cret" not in ended.out


@pytest.mark.parametrize("output", ["json", "csv", "table"])
def test_other_formats_are_whole(cli: Cli, beanstalkd: Beanstalkd, output: str) -> None:
    with producing(beanstalkd.address):
        ended = cli("tail", "--limit", "2", "-o", output)
    assert ended.code == 0
    assert len(json.loads(ended.out) if output == "json" else ended.out.splitlines()) == 2 + (output == "csv")


def test_no_job_within_the_timeout_fails(cli: Cli) -> None:
    ended = cli("tail", "nothing", "--timeout", "1s")
    assert ended.code == 1
    first, last = ended.err.splitlines()
    assert first.startswith("beanops: no tube 'nothing'")
    assert last == "beanops: no job came for 1s: 0 jobs"
    assert cli("tail", "--for", "0.2s").code == 0


def test_ctrl_c_ends_it_with_a_summary(program: Start, beanstalkd: Beanstalkd) -> None:
    process = program("tail", "mail", "-o", "jsonl")
    assert process.stdout is not None
    with producing(beanstalkd.address):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "beanops: interrupted after " in err
    assert "Traceback" not in err


def test_a_closed_pipe_ends_it_quietly_even_if_no_job_comes(program: Start, beanstalkd: Beanstalkd) -> None:
    with program("tail", "-o", "jsonl") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        with producing(beanstalkd.address):
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) in (0, 1)
        assert process.stderr.read() == ""


def test_a_server_that_goes_is_waited_for(program: Start, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    process = program("-s", server.address, "tail", "-o", "jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    with producing(server.address):
        process.stdout.readline()
    server.stop(kill=True)
    assert "connection lost, trying again" in process.stderr.readline()
    with producing(start_beanstalkd(port=server.port).address):
        assert "the server was restarted and begins with id 1 again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert '"body"' in out


def test_wrong_arguments_and_no_server_are_one_line(cli: Cli) -> None:
    assert cli("-s", "127.0.0.1:1", "tail").code == 3
    for wrong in (["--where", "("], ["--state", "burried"], ["--for", "soon"], ["-o", "xml"]):
        ended = cli("tail", "mail", *wrong)
        assert ended.code == 2
        one_line(ended.err)


def test_a_job_is_followed_until_it_is_gone(program: Start, cli: Cli, client: Client) -> None:
    id = client.put(b"x", tube="mail")
    process = program("job", str(id), "--follow", "-o", "jsonl")
    assert process.stdout is not None
    assert [json.loads(process.stdout.readline())["event"] for _ in range(2)] == ["put", "seen"]
    assert cli("bury", "--ids", str(id), "--reason", "\x1b[31mred").code == 0
    buried = json.loads(process.stdout.readline())
    assert (buried["event"], buried["outcome"], buried["state"]) == ("bury", "done", "buried")
    assert cli("delete", "--ids", str(id), "--yes").code == 0
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["delete", "gone"]
    ended = cli("job", str(id), "--follow")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert [line.split()[2] for line in ended.out.splitlines()] == ["bury", "delete", "gone"]
    assert len(cli("job", str(id), "--follow", "-o", "json").json) == 3
    assert len(cli("job", str(id), "--follow", "-o", "csv").out.splitlines()) == 4


def test_a_job_that_never_was_cannot_be_followed(cli: Cli) -> None:
    ended = cli("job", "4711", "--follow")
    assert (ended.code, ended.out) == (1, "")
    assert one_line(ended.err) == "beanops: job 4711 does not exist"
    assert cli("-s", "127.0.0.1:1", "job", "1", "--follow").code == 3
