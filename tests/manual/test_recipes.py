"""What the recipes do to a server: each is run as it stands in the manual, and what it leaves is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops import Session, connect
from tests.manual.conftest import Shop
from tests.manual.documents import BLOCKS

SHELL = {block.heading.partition(".")[0]: block.text for block in BLOCKS if "/recipes" in block.document}


@pytest.fixture
def do(shop: Shop, shell: Callable[[str], None]) -> Iterator[Callable[[int], Session]]:
    """Run a recipe by its number; return a session on the server that it was about."""
    sessions = []

    def run(number: int) -> Session:
        shell(SHELL[str(number)])
        sessions.append(connect(shop.address))
        return sessions[-1]

    yield run
    for session in sessions:
        session.close()


def states(session: Session, tube: str = "billing") -> Counter[str]:
    return Counter(session.jobs(tube)["state"].astype(str))


def test_what_failed_for_one_reason_is_ready_again(do: Callable[[int], Session]) -> None:
    assert states(do(1)) == {"buried": 2, "ready": 48}


def test_only_the_poison_is_gone_and_is_in_the_file(do: Callable[[int], Session]) -> None:
    assert states(do(4)) == {"buried": 44, "ready": 4}
    assert len(Path("poison.jsonl").read_text().splitlines()) == 2


def test_only_the_buried_jobs_are_gone(do: Callable[[int], Session]) -> None:
    assert states(do(5)) == {"ready": 4}


def test_the_last_run_is_undone(do: Callable[[int], Session]) -> None:
    assert states(do(6)) == {"buried": 46, "ready": 4}


def test_the_failed_jobs_are_put_aside(do: Callable[[int], Session]) -> None:
    session = do(7)
    assert states(session) == {"ready": 4}
    assert states(session, "hospital") == {"buried": 46}


def test_staging_has_copies(do: Callable[[int], Session]) -> None:
    assert states(do(8)) == {"buried": 46, "ready": 4}
    with connect("staging") as staging:
        assert states(staging) == {"buried": 10}


def test_the_tube_is_not_paused_at_the_end(do: Callable[[int], Session]) -> None:
    session = do(9)
    assert [session.tube("billing").cmd_pause_tube, session.tube("billing").pause_time_left] == [2, 0]


def test_the_jobs_of_the_log_are_buried(do: Callable[[int], Session]) -> None:
    assert states(do(10)) == {"buried": 48, "ready": 2}


def test_the_job_is_at_the_front(do: Callable[[int], Session]) -> None:
    head = do(11).next_jobs("billing")["ready"]
    assert head is not None
    assert head.id == 42


def test_the_lines_are_put(do: Callable[[int], Session]) -> None:
    assert set(do(12).jobs("mail")["body"]) > {"to ann", "to bob", "to cy"}


def test_the_backlog_is_as_it_was(do: Callable[[int], Session]) -> None:
    assert states(do(13)) == {"buried": 46, "ready": 4}


def test_the_snapshot_can_be_read(do: Callable[[int], Session]) -> None:
    do(16)
    assert Path("saved/folder=billing").is_dir()


def test_the_repaired_jobs_replace_the_broken_ones(do: Callable[[int], Session], shop: Shop) -> None:
    with connect(shop.address) as session:
        exec(SHELL["17"], {"session": session})
        assert states(session) == {"buried": 43, "ready": 7}
        assert sum("EUR" in body for body in session.jobs("billing")["body"]) == 3
