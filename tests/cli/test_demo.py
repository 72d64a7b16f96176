"""The demo: it shows tubes that look like work, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.cli.demo.flows import FLOWS
from beanops.cli.demo.workload import running
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bodies import decode
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import ConnectFailed
from tests.cli.conftest import BEANOPS, Cli, Terminal, configure
from tests.waits import PATIENCE, until


def gone(told: str) -> None:
    match = re.search(r"at (127\.0\.0\.1:\d+)", told)
    assert match
    with pytest.raises(ConnectFailed):
        Client(match[1])


@pytest.mark.usefixtures("start_beanstalkd")  # which says so where there is none
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
    assert re.search(r"g[0-9a-f]{8} .* Undefined array key \"vat_id\"", second)
    gone(ended.stderr)


@pytest.mark.parametrize(("arguments", "installed"), [(["demo"], False), (["demo", "--embedded"], True)])
def test_beanops_own_server_serves_where_there_is_no_beanstalkd_and_where_it_is_asked_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], installed: bool
) -> None:
    if not installed:
        monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("beanops.cli.demo.command._BETWEEN", 0.01)
    monkeypatch.delattr(signal, "SIGHUP")  # as on Windows
    ended = cli(*arguments)
    assert ended.code == 0
    assert "beanops' own server (in memory)" in ended.err
    assert all(flow.tube in ended.out for flow in FLOWS)
    gone(ended.err)


def test_serve_takes_the_flags_of_beanstalkd_and_ends_on_sigterm() -> None:
    with subprocess.Popen([BEANOPS, "serve", "-p", "0", "-z", "10"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            with Client(address) as client:
                assert client.stats().max_job_size == 10
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    refused = subprocess.run([BEANOPS, "serve", "-b", "/tmp"], capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 2
    assert "there is no binlog" in refused.stderr


@pytest.mark.parametrize(("quit", "code"), [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_on_a_terminal_it_opens_the_tui(
    terminal: Callable[..., Terminal], quit: str | signal.Signals, code: int
) -> None:
    demo = terminal("demo")
    demo.until("webhooks")
    demo.process.send_signal(quit) if isinstance(quit, signal.Signals) else demo.type(quit)
    assert demo.end() == code
    assert "Traceback" not in demo.shown
    assert demo.shown.rfind("\x1b[?1049l") > demo.shown.rfind("\x1b[?1049h"), "the terminal is as it was"
    gone(demo.shown)


def test_it_knows_no_server_but_its_own_and_writes_nowhere_else(terminal: Callable[..., Terminal]) -> None:
    """What is done in the demo is in a journal that is deleted with it: nothing real must be in reach from there."""
    configure('[servers.vault]\naddress = "queue.example"\n')
    demo = terminal("demo")
    demo.until("webhooks")
    demo.type("s")
    demo.until("demo ←")
    demo.type("q")
    assert demo.end() == 0
    assert "vault" not in demo.shown
    folder = Path(os.environ["BEANOPS_CONFIG"]).parent
    assert [file.name for file in folder.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_server(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [BEANOPS, "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    told = process.stderr.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "Traceback" not in err
    gone(told)


def failed(address: str) -> list[FoundJob]:
    """Return the jobs that had been buried before the demo began, which nobody there touches."""
    with connect(address) as session:
        jobs = session._lookups.jobs_by_id(range(1, 1000))
        return [job for job in jobs if job is not None and job.stats.tube == "billing" and job.stats.state == "buried"]


def test_it_is_the_same_twice(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    seen = []
    for _ in range(2):
        server = start_beanstalkd()
        with running(server.address):
            seen.append([(job.id, job.body) for job in failed(server.address)[:320]])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 320


def test_its_failed_jobs_have_five_causes(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    with running(server.address), connect(server.address) as session:
        causes = session.groups("billing", state="buried")
        truth = Counter(json.loads(job.body or b"")["exception"]["class"] for job in failed(server.address))
    assert len(causes) == len(truth) == 5
    assert all(causes["cause"].str.contains(error, regex=False).sum() == 1 for error in truth)
    assert causes["count"].sum() >= 320


MADE = """
from itertools import islice
from beanops.cli.demo.flows import FLOWS
from beanops.cli.demo.workload import filling, producing
for flow in FLOWS:
    print(flow.tube, filling(flow), list(islice(producing(flow), 30)))
"""


def test_all_that_is_put_is_the_same_twice() -> None:
    one, two = (
        subprocess.run(
            [sys.executable, "-c", MADE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for seed in ("1", "2")
    )
    assert one == two
    assert len(one) == len(FLOWS)


def test_it_looks_like_work(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address), connect(beanstalkd.address) as session, Client(beanstalkd.address) as client:
        errors = Counter(decode(job.body).data["exception"]["class"] for job in failed(beanstalkd.address))
        assert len(errors) == 5
        assert errors.total() >= 300
        assert client.stats_tube("reports").current_watching == 0
        jobs = session._lookups.jobs_by_id(range(1, 1000))
        poison = next(job for job in jobs if job is not None and b"tarpit" in job.body)
        until(lambda: client.stats_job(poison.id).timeouts >= 1)
        assert client.stats_job(poison.id).ttr == 2
        until(lambda: client.stats_tube("mail").cmd_delete > 0)


def test_what_fails_meanwhile_tells_its_error_too(beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = FLOWS[0]._replace(every=0.001, takes=0.001, fails=0.5)
    monkeypatch.setattr("beanops.cli.demo.workload.FLOWS", (quick,))
    with running(beanstalkd.address), connect(beanstalkd.address) as session:
        until(lambda: session.tube(quick.tube).current_jobs_buried > 5)
        jobs = session.jobs(quick.tube, state="buried", decoded=True)
    assert set(jobs["data"].str["exception"].str["class"]) == {name for name, _ in quick.failures}


def test_every_kind_of_body_is_there(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address), connect(beanstalkd.address) as session:
        chains = {decode(job.body).chain for job in session._lookups.jobs_by_id(range(1, 620)) if job is not None}
        heads = session.next_jobs("billing")
        assert heads["buried"] is not None
        assert decode(heads["buried"].body).data["displayName"] == "App\\Jobs\\ChargeCustomer"
    assert {("json",), ("php",), ("msgpack",), ("gzip", "json"), ("hex",), ("text",)} <= chains


def test_a_server_that_drains_ends_the_producers_quietly(
    beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.cli.demo.workload.FLOWS", (FLOWS[0]._replace(every=0.001),))
    with running(beanstalkd.address), Client(beanstalkd.address) as client:
        os.kill(beanstalkd.pid, signal.SIGUSR1)
        until(lambda: (stats := client.stats()).cmd_put > stats.total_jobs)


def test_a_server_that_ends_ends_the_workload_quietly(beanstalkd: Beanstalkd) -> None:
    with running(beanstalkd.address):
        beanstalkd.stop(kill=True)
