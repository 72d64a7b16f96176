"""The dashboard in a real terminal: tmux, the command line, the keys an operator presses, and the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.needs import missing
from tests.tui.conftest import fill
from tests.waits import until

Tmux = Callable[..., str]


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    """Run commands of a tmux of the test's own."""
    if shutil.which("tmux") is None:
        missing("tmux is not on PATH")
    name = f"beanops-{uuid.uuid4().hex[:8]}"

    def run(*arguments: str) -> str:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        command = ["tmux", "-L", name, "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    yield run
    # Where the test has failed there may be no server any more, which must not hide why.
    subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)


def test_a_job_is_kicked_in_a_real_terminal(beanstalkd: Beanstalkd, client: Client, tmux: Tmux) -> None:
    (id,) = fill(client, "mail", b'{"task": "app.Mail"}', bury=1)
    run = f"{sys.executable} -c 'import sys; from beanops.tui.app import run; run(sys.argv[1])' {beanstalkd.address}"
    tmux("new-session", "-d", "-x", "100", "-y", "30", run)

    def shows(text: str) -> Callable[[], bool]:
        return lambda: text in tmux("capture-pane", "-p")

    until(shows("2 tubes"))
    tmux("send-keys", "Enter")
    until(shows("app.Mail"))
    tmux("send-keys", "k")
    until(shows(f"Kick job {id} of tube mail?"))
    tmux("send-keys", "y")
    until(lambda: client.stats_job(id).state == "ready")
    until(shows("kick: 1 done"))


def test_bursts_after_the_key_of_an_entry_go_into_the_entry(beanstalkd: Beanstalkd, client: Client, tmux: Tmux) -> None:
    ids = fill(client, "mail", b"Alice", b"Bob", bury=2)
    run = f"{sys.executable} -c 'import sys; from beanops.tui.app import run; run(sys.argv[1])' {beanstalkd.address}"
    tmux("new-session", "-d", "-x", "120", "-y", "30", run)

    def shows(text: str) -> Callable[[], bool]:
        return lambda: text in tmux("capture-pane", "-p")

    def burst(*parts: str) -> None:
        # All in one write, as a paste or a slow line sends them.
        tmux("send-keys", "-H", *(f"{byte:02x}" for byte in "".join(parts).encode()))

    until(shows("2 tubes"))
    burst(":tube nope\r", "Dky")
    until(shows("tube nopeDky"))
    burst("\x1b")
    until(lambda: "nopeDky" not in tmux("capture-pane", "-p"))
    burst(":tube mail\r")
    until(shows("2 jobs"))
    burst("/Bob\r")
    until(shows("with 'Bob'"))
    burst("w", "body = 'Alice' -- DkyX\r")
    until(shows("where"))
    burst("\x10freeze DkyX")
    until(shows("freeze DkyX"))
    burst("\x1b")
    until(lambda: "freeze DkyX" not in tmux("capture-pane", "-p"))
    burst("PDkyX\x13")  # a body, and its confirmation
    until(shows("Put a job of 4 bytes into tube mail?"))
    assert [client.stats_job(id).state for id in ids] == ["buried", "buried"]
