"""The demo: it shows tubes that look like work, and leaves nothing behind."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import termios
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.cli.demo.flows import FLOWS
from beanops.cli.demo.workload import running
from beanops.embedded.process import Beanstalkd, free_port
from beanops.jobs.bodies import decode
from beanops.protocol.errors import ConnectFailed
from tests.cli.conftest import BEANOPS
from tests.waits import until


def gone(told: str) -> None:
    match = re.search(r"at (127\.0\.0\.1:\d+)", told)
    assert match
    with pytest.raises(ConnectFailed):
        Client(match[1])


def test_without_a_terminal_it_prints_the_tubes_twice() -> None:
    ended = subprocess.run([BEANOPS, "demo"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert re.search(r"a private beanstalkd \d", ended.stderr)
    first, second = ended.stdout.split("seconds later")
    for flow in FLOWS:
        assert flow.tube in first
        assert flow.tube in second
    assert first != second
    gone(ended.stderr)


def test_beanops_own_server_serves_where_there_is_no_beanstalkd(tmp_path: Path) -> None:
    ended = subprocess.run(
        [BEANOPS, "demo"],
        env={**os.environ, "PATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0
    assert "beanops' own server (in memory)" in ended.stderr
    assert all(flow.tube in ended.stdout for flow in FLOWS)
    gone(ended.stderr)


def test_serve_takes_the_flags_of_beanstalkd_and_ends_on_sigterm() -> None:
    process = subprocess.Popen(
        [BEANOPS, "serve", "-l", "127.0.0.1", "-p", str(free_port()), "-z", "10"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = process.stdout.readline().split()[-1]
    with Client(address) as client:
        assert client.stats().max_job_size == 10
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    refused = subprocess.run([BEANOPS, "serve", "-b", "/tmp"], capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2
    assert "there is no binlog" in refused.stderr


@pytest.mark.parametrize(("quit", "code"), [(b"q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_on_a_terminal_it_opens_the_tui(quit: bytes | signal.Signals, code: int) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    process = subprocess.Popen([BEANOPS, "demo"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    asked = False
    with suppress(OSError):  # Linux says so when the other side has closed
        while data := os.read(ours, 1 << 16):
            shown += data
            if not asked and b"webhooks" in shown:
                asked = True
                process.send_signal(quit) if isinstance(quit, signal.Signals) else os.write(ours, quit)
    os.close(ours)
    assert process.wait(10) == code
    assert b"Traceback" not in shown
    assert shown.rfind(b"\x1b[?1049l") > shown.rfind(b"\x1b[?1049h"), "the terminal is as it was"
    gone(shown.decode("utf-8", "replace"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_server(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [BEANOPS, "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    told = process.stderr.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert "Traceback" not in err
    gone(told)


def heads_and_bodies(address: str) -> list[tuple[int, bytes]]:
    with connect(address) as session:
        jobs = session.jobs_by_id(range(1, 400))
        return [(job.id, job.body) for job in jobs if job is not None and job.stats.state == "buried"]


def test_it_is_the_same_twice(start_beanstalkd: object) -> None:
    seen = []
    for _ in range(2):
        server: Beanstalkd = start_beanstalkd()  # type: ignore[operator]
        with running(server.address):
            seen.append(heads_and_bodies(server.address)[:300])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 300


def test_it_looks_like_work(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address), Client(beanstalkd.address) as client:
        errors = Counter(decode(body).data["exception"]["class"] for _, body in heads_and_bodies(beanstalkd.address))
        assert len(errors) == 3
        assert errors.total() >= 300
        assert client.stats_tube("reports").current_watching == 0
        poison = next(job for job in (client.peek(id) for id in range(1, 1000)) if b"tarpit" in job.body)
        until(lambda: client.stats_job(poison.id).timeouts >= 1)
        assert client.stats_job(poison.id).ttr == 2
        until(lambda: client.stats_tube("mail").cmd_delete > 0)


def test_every_kind_of_body_is_there(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address), connect(beanstalkd.address) as session:
        chains = {decode(job.body).chain for job in session.jobs_by_id(range(1, 620)) if job is not None}
        heads = session.heads("billing")
        assert heads["buried"] is not None
        assert decode(heads["buried"].body).data["displayName"] == "App\\Jobs\\ChargeCustomer"
    assert {("json",), ("php",), ("msgpack",), ("gzip", "json"), ("hex",), ("text",)} <= chains


def test_a_server_that_ends_ends_the_workload_quietly(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address):
        beanstalkd.stop(kill=True)
