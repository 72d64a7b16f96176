"""A real Alertmanager takes our alerts, and ends them when we say so."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beanops.alerts.couriers import deliver
from tests.alerts.conftest import Read
from tests.alerts.test_notifiers import NOTICE
from tests.needs import program
from tests.waits import until


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """Start one, and give its URL."""
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program("prometheus-alertmanager"), "--config.file=am.yml", "--storage.path=data"]
    process = subprocess.Popen(
        [*command, f"--web.listen-address={address}", "--cluster.listen-address="],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: process.poll() is not None or alerts(f"http://{address}") is not None)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def alerts(url: str) -> list[dict[str, Any]] | None:
    """Return the active alerts, None where nothing answers."""
    try:
        with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as reply:
            found: list[dict[str, Any]] = json.load(reply)
            return found
    except OSError:
        return None


def test_alerts_begin_and_end(alertmanager: str, read: Read) -> None:
    rule = '[[rule]]\nname = "a"\nwhen = "true"\n'
    channel = read(f'{rule}[notifiers.am]\ntype = "alertmanager"\nurl = "{alertmanager}/"\n').channels["am"]
    began = datetime.now(UTC) - timedelta(minutes=1)
    notices = [NOTICE._replace(key=key, tube=key, since=began) for key in ("one", "two")]
    assert [one.error for one in deliver(channel, notices)] == [""]
    found = alerts(alertmanager)
    assert found is not None
    assert sorted(one["labels"]["tube"] for one in found) == ["one", "two"]
    assert found[0]["annotations"]["summary"] == "mail: 101 jobs ready"
    ended = notices[0]._replace(status="resolved", ended=datetime.now(UTC))
    assert [one.error for one in deliver(channel, [ended])] == [""]
    until(lambda: [one["labels"]["tube"] for one in alerts(alertmanager) or ()] == ["two"])
