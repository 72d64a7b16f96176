"""The command `beanops exporter`: its options, its errors, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from beanops import exporter
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, cli, configure, one_line, program
from tests.exporter.conftest import key, samples_of
from tests.waits import until

__all__ = ["cli", "program"]

Program = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started(program: Program) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Start an exporter on a free port, and return it with the port."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
        process = program("exporter", "--port", "0", "--interval", "0.2", *arguments)
        running.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.match(r"beanops exporter: http://127\.0\.0\.1:(\d+)/metrics serves .*; Ctrl-C ends it\n", line)
        assert found is not None, line
        return process, int(found[1])

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ask(port: int, path: str = "/metrics") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_polls_serves_and_ends(started: Any, beanstalkd: Beanstalkd, number: signal.Signals, code: int) -> None:
    process, port = started()
    until(lambda: ask(port, "/-/ready")[0] == 200)
    looks = key("beanops_looks_total", result="answered")
    until(lambda: samples_of(ask(port)[1])[looks] >= 3)
    assert samples_of(ask(port)[1])[key("process_open_fds")] > 3
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (code, "", "beanops: interrupted")


def test_it_ends_while_a_frozen_server_is_asked(started: Any, beanstalkd: Beanstalkd) -> None:
    process, port = started()
    until(lambda: ask(port, "/-/ready")[0] == 200)
    os.kill(beanstalkd.pid, signal.SIGSTOP)
    try:
        until(lambda: samples_of(ask(port)[1])[key("beanstalkd_up")] == 0)
        process.terminate()
        assert process.wait(timeout=30) == 143
    finally:
        os.kill(beanstalkd.pid, signal.SIGCONT)


def test_it_exports_several_servers_by_their_names(
    started: Any, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    configure(
        f'[servers.prod]\naddress = "{beanstalkd.address}"\n[servers.staging]\naddress = "{start_beanstalkd().address}"'
    )
    _, port = started("-s", "prod", "-s", "staging", "--no-tubes", "default")
    until(lambda: ask(port, "/-/ready")[0] == 200)
    samples = samples_of(ask(port)[1])
    assert samples[key("beanstalkd_up", server="prod")] == samples[key("beanstalkd_up", server="staging")] == 1
    assert not any(name.startswith("beanstalkd_tube_jobs") for name, _ in samples)


@pytest.mark.parametrize("named", ["mail", "prod-*"])
def test_it_exports_a_group_and_a_glob_and_says_which_servers_are_down(
    started: Any, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd], named: str
) -> None:
    frozen = start_beanstalkd()
    addresses = {"prod-a": beanstalkd.address, "prod-b": "127.0.0.1:1", "prod-c": frozen.address}
    servers = "".join(f'[servers.{name}]\naddress = "{address}"\n' for name, address in addresses.items())
    configure(f'{servers}[groups]\nmail = ["prod-a", "prod-*"]\n')
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        _, port = started("-s", named)
        until(lambda: ask(port, "/-/ready")[0] == 200)
        samples = samples_of(ask(port)[1])
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    assert {name: samples[key("beanstalkd_up", server=name)] for name in addresses} == {
        "prod-a": 1,
        "prod-b": 0,
        "prod-c": 0,
    }
    assert samples[key("beanstalkd_current_connections", server="prod-a")] >= 1


@pytest.mark.parametrize("members", [1, 2])
def test_a_group_has_the_label_however_many_servers_it_has(
    started: Any, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd], members: int
) -> None:
    addresses = [beanstalkd.address, start_beanstalkd().address][:members]
    servers = "".join(f'[servers.prod-{n}]\naddress = "{address}"\n' for n, address in enumerate(addresses))
    configure(f'{servers}[groups]\nprod = ["prod-*"]\n')
    _, port = started("-s", "prod")
    until(lambda: ask(port, "/-/ready")[0] == 200)
    assert samples_of(ask(port)[1])[key("beanstalkd_up", server="prod-0")] == 1


def test_a_server_named_before_the_command(started: Any, beanstalkd: Beanstalkd, program: Program) -> None:
    process = program("-s", "nowhere:x", "exporter", "--port", "0")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, one_line(err).startswith("beanops: address: 'nowhere:x' given")) == (2, True)


def test_the_files_are_printed_without_a_server(cli: Cli, beanstalkd: Beanstalkd) -> None:
    beanstalkd.stop()
    printed = cli("exporter", "--print-dashboard")
    assert (printed.code, json.loads(printed.out)["title"]) == (0, "beanstalkd")
    printed = cli("exporter", "--print-rules")
    assert (printed.code, printed.out) == (0, exporter.rules())
    assert yaml.safe_load(printed.out)["groups"]


def test_mistakes_are_one_line(cli: Cli, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    wrong = tmp_path / "web.yml"
    wrong.write_text("basic_auth: {}")
    for arguments, said in (
        (("--web-config", str(wrong)), f"{wrong}: basic_auth is unknown"),
        (("-s", "a", "-s", "a"), "server a is named twice"),
        (("--listen", "203.0.113.1", "--port", "0"), "cannot listen on 203.0.113.1:0: Cannot assign"),
        (("--interval", "0"), "invalid value for '--interval'"),
    ):
        ended = cli("exporter", *arguments)
        assert ended.code == 2
        assert said in one_line(ended.err)
