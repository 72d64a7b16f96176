"""Whether the process that executes a run still exists: only of one that certainly ended it is said that it is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from beanops.journal.heartbeat import TERM, alive, is_elsewhere, is_gone, lease_from

NOW = datetime(2026, 1, 2, tzinfo=UTC)
_OTHER = """
from datetime import UTC, datetime
from beanops.journal.heartbeat import lease_from
print(lease_from(datetime.now(UTC)).owner, flush=True)
input()
"""


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start another process; give it and its name as the owner of a run."""
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().rstrip("\n")
        process.kill()


def test_another_process_is_gone_when_it_has_ended(other: tuple[subprocess.Popen[str], str]) -> None:
    process, owner = other
    assert not is_gone("r1", owner)
    assert not is_elsewhere(owner)
    process.kill()
    process.wait()
    assert is_gone("r1", owner)


def test_a_later_process_with_the_same_id_is_another_one(other: tuple[subprocess.Popen[str], str]) -> None:
    *place, started = other[1].split(" ")
    assert is_gone("r1", " ".join([*place, str(int(started) - 1)]))
    assert not is_gone("r1", " ".join([*place, "-"])), "when it started is not known"


def test_this_process_is_gone_for_a_run_that_it_has_ended() -> None:
    lease = lease_from(NOW)
    assert lease.until == NOW + TERM
    with alive("r1", lambda runs, lease: None, lambda: NOW):
        assert not is_gone("r1", lease.owner)
        assert is_gone("r2", lease.owner)
    assert is_gone("r1", lease.owner)


@pytest.mark.parametrize("owner", ["", "somebody", "another-host a-boot pid:[1] 12 345", "a b c d e"])
def test_nothing_is_known_of_a_process_elsewhere(owner: str) -> None:
    assert not is_gone("r1", owner)
    assert is_elsewhere(owner)
