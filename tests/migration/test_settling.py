"""What becomes of each state in which an interruption can leave a job, also where it is late to go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beanops.jobs.identity import digest_of
from beanops.journal.records import Fate, Intent, RunRow
from beanops.migration.migrate import checked
from beanops.protocol.errors import NotFound
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.session.transfer.steps import FREE, HELD, STAYS, new_mark
from tests.migration.conftest import Pair

MARK = new_mark()
BODY = b"body"


class CutOff:
    """A migration that was cut off, made by hand.

    Attributes
    ----------
    id : str
        Its run.
    job : int
        The job that it was about to move.
    """

    def __init__(self, servers: Pair, state: str = "ready", delay: int = 0) -> None:
        self.servers = servers
        here, now = servers.here, datetime.now(UTC)
        self.job = here.put(BODY, tube="mail", priority=9, ttr=77, delay=delay)
        if state == "buried":
            here.reserve_job(self.job)
            here.bury(self.job)
        stats, left = here.stats_job(self.job), delay if state == "delayed" else 0
        self.id = "20260101-000000-00000000"
        request: dict[str, Any] = {"jobs": "*", "tubes": ["*"], "mark": MARK}
        request |= {"server": str(servers.destination.address), "server_instance": servers.there.stats().id}
        source = (str(servers.source.address), here.stats().id)
        row = RunRow(self.id, now, *source, "somebody", "cli", "migrate", None, None, request)
        self._journal = servers.source._context.journal()
        self._journal.begin(row)
        intent = Intent(
            "migrate", "mail", self.job, stats.state, 9, stats.delay, 9, left, 77,
            created=now.timestamp() - stats.age, digest=digest_of(BODY),
        )  # fmt: skip
        self._journal.write(self.id, now, [intent])

    def hold(self) -> None:
        """Have its job held."""
        self.servers.here.reserve_job(self.job)
        self.servers.here.release(self.job, priority=9, delay=MARK)

    def copy(self, delay: int = MARK, said: str | None = None) -> int:
        """Put the copy; where something is said of it, it is on record."""
        id = self.servers.there.put(BODY, tube="mail", priority=9, ttr=77, delay=delay)
        if said is not None:
            self._journal.write(self.id, datetime.now(UTC), fates=[(0, Fate("unknown", f"{said} {id}", id))])
        return id

    def resume(self, later: float = 0.0) -> Fate:
        """Go on with it, as if some seconds had passed; return the outcome."""
        session = self.servers.session(self.servers.old, clock=lambda: datetime.now(UTC) + timedelta(seconds=later))
        session.resume(self.id)
        return self.fate

    @property
    def fate(self) -> Fate:
        """The outcome of its action."""
        return self._journal.entries(self.id)[0].fate

    def states(self) -> tuple[list[str], list[str]]:
        """Return the states of the jobs on both servers."""
        return states(self.servers.source), states(self.servers.destination)


def states(session: Session) -> list[str]:
    jobs = session.jobs("mail", bodies=False) if "mail" in session._lookups.looking().list_tubes() else None
    return [] if jobs is None else sorted(map(str, jobs["state"]))


@pytest.fixture
def cut_off(pair: Callable[..., Pair]) -> Callable[..., CutOff]:
    """Make one: ``cut_off("delayed", 900)``."""
    return lambda *how, **servers: CutOff(pair(**servers), *how)


@pytest.mark.parametrize("held", [False, True])
def test_a_job_without_a_copy_is_moved(held: bool, cut_off: Callable[..., CutOff]) -> None:
    one = cut_off()
    if held:
        one.hold()
    assert one.resume().outcome == "failed"
    assert one.states() == ([], ["ready"])


def test_a_copy_that_is_not_on_record_is_deleted(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off()
    one.hold()
    stray = one.copy()
    one.resume()
    assert one.states() == ([], ["ready"])
    with pytest.raises(NotFound):
        one.servers.there.stats_job(stray)


@pytest.mark.parametrize(("state", "delay"), [("ready", 0), ("delayed", 900)])
def test_a_copy_on_record_is_completed(state: str, delay: int, cut_off: Callable[..., CutOff]) -> None:
    one = cut_off(state, delay)
    one.hold()
    new = one.copy(delay or MARK, said=HELD)
    assert one.resume() == Fate("done", new_id=new)
    assert one.states() == ([], [state])


def test_a_delayed_copy_that_is_not_on_record_is_found_by_what_it_is_like(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off("delayed", 900)
    one.hold()
    new = one.copy(900)
    assert one.resume() == Fate("done", new_id=new)
    assert one.states() == ([], ["delayed"])


def test_a_buried_job_is_buried_there(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off("buried")
    new = one.copy(said=HELD)
    assert one.resume() == Fate("done", new_id=new)
    assert one.states() == ([], ["buried"])


@pytest.mark.parametrize(("said", "outcome", "left"), [(HELD, "done", "ready"), (FREE, "unknown", "delayed")])
def test_a_job_that_is_gone(said: str, outcome: str, left: str, cut_off: Callable[..., CutOff]) -> None:
    """Of a job that was held only this run can have deleted it; else a worker may have done it."""
    one = cut_off()
    one.copy(said=said)
    one.servers.here.delete(one.job)
    assert one.resume().outcome == outcome
    assert one.states() == ([], [left])
    one.servers.here.put(b"another", tube="mail")
    again = one.servers.source.migrate(one.servers.destination)
    assert again.run.done == 1  # nothing is left to settle
    assert again.complete
    checked_again = checked(one.servers.source, one.servers.destination, Run(one.id, "migrate", list))
    assert checked_again.check is not None
    assert checked_again.check.complete is (outcome == "done")


def test_a_job_that_a_worker_has_taken_stays_with_it(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off()
    one.hold()
    one.copy(said=HELD)
    one.servers.here.kick_job(one.job)  # by somebody who did not know
    one.servers.here.reserve_job(one.job)
    assert one.resume().outcome == "skipped"
    assert one.states() == (["reserved"], [])


def test_a_job_whose_copy_was_lost_is_moved(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off()
    one.hold()
    one.servers.there.delete(one.copy(said=HELD))
    assert one.resume().outcome == "failed"
    assert one.states() == ([], ["ready"])


def test_a_copy_that_may_be_done_by_now_leaves_the_job_held(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off("delayed", 900)
    one.hold()
    fate = one.resume(later=1000)
    assert fate.outcome == "unknown"
    assert (fate.error or "").startswith(STAYS)
    assert one.states() == (["delayed"], [])
    again = one.servers.source.migrate(one.servers.destination)
    assert "holds it" in str(again.run.reasons)


def test_an_undo_settles_first(cut_off: Callable[..., CutOff]) -> None:
    one = cut_off()
    one.hold()
    one.copy(said=HELD)
    undone = one.servers.destination.undo(one.id)
    assert undone.done == 1
    assert one.states() == (["ready"], [])
