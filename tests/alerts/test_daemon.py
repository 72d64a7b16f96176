"""The daemon as a process: real servers, one of them frozen or ended, signals, reloads, restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beanops import Client
from beanops.alerts.status import alert_status
from beanops.embedded.process import Beanstalkd
from tests.alerts.receivers import HttpReceiver
from tests.cli.conftest import BEANOPS, configure
from tests.waits import until

RULES = """
interval = "1s"
patience = "5s"
servers = ["prod", "staging"]
[notifiers.hook]
type = "webhook"
url = "{url}"
[[rule]]
name = "backlog"
when = "ready > 2"
[[rule]]
name = "unreachable"
on = "servers"
when = "not up"
for = "1s"
"""


class Process:
    """A daemon of its own process, and what it has said."""

    def __init__(self, rules: Path) -> None:
        self.process = subprocess.Popen(
            [BEANOPS, "alert", "--rules", str(rules)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def until(self, text: str) -> None:
        """Wait until it has said a text."""
        until(lambda: any(text in line for line in self.lines) or self.process.poll() is not None)
        assert any(text in line for line in self.lines), self.lines

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join(30)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def rules(
    beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd], receiver: HttpReceiver, tmp_path: Path
) -> Path:
    staging = start_beanstalkd()
    addresses = {"prod": beanstalkd.address, "staging": staging.address}
    configure("".join(f'[servers.{name}]\naddress = "{address}"\n' for name, address in addresses.items()))
    path = tmp_path / "alerts.toml"
    path.write_text(RULES.replace("{url}", receiver.url))
    return path


@pytest.fixture
def daemon(rules: Path) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(rules))
        started[-1].until("watching prod, staging")
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def sent(receiver: HttpReceiver) -> list[tuple[str, str, str]]:
    return [(one["status"], one["rule"], one["server"]) for body in receiver.bodies for one in body["alerts"]]


def put(client: Client, jobs: int = 3) -> None:
    for _ in range(jobs):
        client.put(b"x", tube="mail")


def test_fire_restart_resolve(daemon: Callable[[], Process], receiver: HttpReceiver, client: Client) -> None:
    first = daemon()
    put(client)
    until(lambda: len(receiver.posted) == 1)
    assert first.end() == 0
    assert first.lines[-1].endswith(" ended")
    assert [(one.rule, one.server, one.tube) for one in alert_status().firing] == [("backlog", "prod", "mail")]
    for id in (1, 2, 3):
        client.delete(id)
    second = daemon()
    assert "1 alert firing" in second.lines[0]
    until(lambda: len(receiver.posted) == 2)
    assert sent(receiver) == [("firing", "backlog", "prod"), ("resolved", "backlog", "prod")]
    assert receiver.bodies[0]["alerts"][0]["key"] == receiver.bodies[1]["alerts"][0]["key"]
    assert second.end(signal.SIGINT) == 0


def test_a_restart_does_not_send_again(daemon: Callable[[], Process], receiver: HttpReceiver, client: Client) -> None:
    put(client)
    first = daemon()
    first.until("hook was notified")
    first.end(signal.SIGTERM)
    second = daemon()
    put(client, 1)
    for _ in range(3):
        client.put(b"x", tube="sms")
    until(lambda: len(receiver.posted) == 2)  # the second tube alone
    assert [one["tube"] for body in receiver.bodies for one in body["alerts"]] == ["mail", "sms"]
    second.end()


def test_a_frozen_server_is_an_alert_and_delays_no_other(
    daemon: Callable[[], Process], receiver: HttpReceiver, client: Client, start_beanstalkd: Any, rules: Path
) -> None:
    frozen = start_beanstalkd()
    text = rules.read_text().replace('"staging"', f'"staging", "{frozen.address}"')
    rules.write_text(text.replace('patience = "5s"', 'patience = "0.5s"'))
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        process = daemon()
        until(lambda: ("firing", "unreachable", frozen.address) in sent(receiver))
        put(client)
        until(lambda: ("firing", "backlog", "prod") in sent(receiver))
        assert any(frozen.address in error for error in alert_status().errors)
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    until(lambda: ("resolved", "unreachable", frozen.address) in sent(receiver))
    assert process.end() == 0


def test_a_server_that_ended(
    daemon: Callable[[], Process], receiver: HttpReceiver, beanstalkd: Beanstalkd, client: Client
) -> None:
    process = daemon()
    put(client)
    until(lambda: ("firing", "backlog", "prod") in sent(receiver))
    client.close()
    os.kill(beanstalkd.pid, signal.SIGKILL)
    until(lambda: ("firing", "unreachable", "prod") in sent(receiver))
    assert process.end() == 0
    assert ("resolved", "backlog", "prod") not in sent(receiver)
    assert any("does not answer" in line for line in process.lines)


def test_rules_are_reloaded_and_wrong_ones_refused(
    daemon: Callable[[], Process], receiver: HttpReceiver, client: Client, rules: Path
) -> None:
    process = daemon()
    good = rules.read_text()
    rules.write_text(good.replace("ready > 2", "redy > 2"))
    process.process.send_signal(signal.SIGHUP)
    process.until("rules not reloaded; the present ones stay")
    assert any(f"{rules}:10:9: when: there is no column 'redy'" in line for line in process.lines)
    put(client)
    until(lambda: sent(receiver) == [("firing", "backlog", "prod")])  # by the rules of before
    rules.write_text(good.replace("backlog", "queue"))
    process.process.send_signal(signal.SIGHUP)
    process.until("rules reloaded: 2 rules, 1 notifier")
    until(lambda: len(sent(receiver)) == 3)
    assert sorted(sent(receiver)[1:]) == [("firing", "queue", "prod"), ("resolved", "backlog", "prod")]
    assert process.end() == 0


def test_a_second_daemon_is_refused(daemon: Callable[[], Process], rules: Path) -> None:
    daemon()
    second = subprocess.run([BEANOPS, "alert", "--rules", str(rules)], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "another beanops alert uses" in second.stderr
    assert second.stderr.count("\n") == 1


def test_the_state_holds_no_secrets(
    daemon: Callable[[], Process], rules: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "http://localhost:1/services/hunter2-secret")
    text = rules.read_text()
    url = next(line for line in text.splitlines() if line.startswith("url"))
    rules.write_text(text.replace(url, 'url = { env = "HOOK" }'))
    process = daemon()
    put(client)
    process.until("hook not notified: cannot reach localhost")
    assert process.end() == 0
    state = Path(os.environ["BEANOPS_ALERTS"]).read_text()
    assert json.loads(state)["channels"]["hook"][0] >= 1
    assert "hunter2" not in state + "\n".join(process.lines)
