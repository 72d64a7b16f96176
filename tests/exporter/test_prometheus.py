"""A real Prometheus scrapes the command `beanops exporter` of a real beanstalkd, over TLS with a password."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import bcrypt
import pytest

from beanops import Client, exporter
from beanops.embedded.process import Beanstalkd, free_port
from tests.cli.conftest import BEANOPS
from tests.exporter.test_shipped import queries
from tests.needs import program
from tests.waits import until

CONFIG = """
global:
  scrape_interval: 500ms
  evaluation_interval: 500ms
rule_files: [rules.yml]
scrape_configs:
  - job_name: beanstalkd
    scheme: https
    basic_auth: {{username: ann, password: secret}}
    tls_config: {{ca_file: {certificates}/ca.pem, server_name: localhost}}
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""
#: Queries without a result while nothing is wrong.
QUIET = re.compile(r"beanops_problem_seconds|resets\(")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._port = port

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        with suppress(OSError):
            return self._ask("/-/ready")[0] == 200
        return False

    def get(self, path: str, **arguments: str) -> Any:
        answer = json.loads(self._ask(f"/api/v1/{path}?{urlencode(arguments)}")[1])
        assert answer["status"] == "success", (arguments, answer)
        return answer["data"]

    def query(self, expression: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return the values of a query by their labels, without those of the target."""
        return {
            frozenset((name, value) for name, value in one["metric"].items() if name not in ("instance", "job")): float(
                one["value"][1]
            )
            for one in self.get("query", query=expression)["result"]
        }

    def value(self, expression: str) -> float | None:
        return next(iter(self.query(expression).values()), None)


@pytest.fixture
def web_config(certificates: Path) -> Path:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    path = certificates / "prometheus.yml"
    path.write_text(
        f"tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{ann: {hashed}}}\n"
    )
    return path


@pytest.fixture
def prometheus(beanstalkd: Beanstalkd, certificates: Path, web_config: Path, tmp_path: Path) -> Iterator[Prometheus]:
    """Give a Prometheus that scrapes an exporter of the test's server, both as processes."""
    port = free_port()
    listen = f"127.0.0.1:{free_port()}"
    # The exporter chooses a free port and says which.
    with ExitStack() as ends:

        def start(*arguments: str, **how: Any) -> subprocess.Popen[str]:
            process = ends.enter_context(subprocess.Popen(arguments, text=True, **how))
            ends.callback(process.kill)
            return process

        command = [BEANOPS, "exporter", "-s", beanstalkd.address, "--port", "0", "--interval", "0.5"]
        ours = start(*command, "--web.config.file", str(web_config), stderr=subprocess.PIPE)
        assert ours.stderr is not None
        said = re.search(r"https://127\.0\.0\.1:(\d+)/metrics serves", ours.stderr.readline())
        assert said is not None
        port = int(said[1])
        (tmp_path / "prometheus.yml").write_text(CONFIG.format(certificates=certificates, port=port))
        (tmp_path / "rules.yml").write_text(exporter.rules())
        start(
            program("prometheus"),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={listen}",
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running = Prometheus(int(listen.partition(":")[2]))
        until(running.is_ready)
        yield running


def test_a_scrape_by_prometheus(prometheus: Prometheus, client: Client, beanstalkd: Beanstalkd) -> None:
    for _ in range(3):
        client.put(b"x", tube="mail")
    client.bury(client.reserve_job(1))

    until(lambda: prometheus.value('beanstalkd_tube_current_jobs{tube="mail",state="ready"}') == 2)
    assert prometheus.value('up{job="beanstalkd"}') == 1
    (target,) = prometheus.get("targets")["activeTargets"]
    assert target["lastError"] == ""
    counts = prometheus.query('beanstalkd_tube_current_jobs{tube="mail"}')
    assert {dict(labels)["state"]: count for labels, count in counts.items()} == {
        "urgent": 0,
        "ready": 2,
        "reserved": 0,
        "delayed": 0,
        "buried": 1,
    }

    # Prometheus has an answer to each query of the dashboard.
    for expression in queries():
        query = re.sub(r"\$(instance|server|tube)", ".*", expression)
        query = query.replace("$__rate_interval", "1m").replace("$__interval", "1m")
        query = re.sub(r"label_values\((.*), \w+\)", r"\1", query)
        if QUIET.search(query):
            prometheus.query(query)
        else:
            until(lambda query=query: prometheus.query(query) != {})
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == exporter.rules().count("alert: ")
    until(lambda: all(_is_healthy(rule) for group in prometheus.get("rules")["groups"] for rule in group["rules"]))

    beanstalkd.stop()
    until(lambda: prometheus.value("beanstalkd_up") == 0)
    until(lambda: prometheus.query("beanstalkd_tube_jobs_total") == {})  # gone at once, not after five minutes
    assert prometheus.value('up{job="beanstalkd"}') == 1


def _is_healthy(rule: dict[str, Any]) -> bool:
    assert rule.get("lastError", "") == ""
    return rule["health"] == "ok"


def test_a_wrong_password_is_refused(prometheus: Prometheus, web_config: Path) -> None:
    hashed = bcrypt.hashpw(b"else", bcrypt.gensalt(4)).decode()
    web_config.write_text(web_config.read_text().partition("basic")[0] + f"basic_auth_users: {{ann: {hashed}}}\n")
    until(lambda: any("401" in target["lastError"] for target in prometheus.get("targets")["activeTargets"]))
