"""An action is carried out step by step, can be cancelled, and says what of it can be undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import ConnectFailed, UsageError
from beanops.session.connect import connect
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.runner import LastAction, Progress, Results, Runner, Step, undo_steps


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address) as session:
        for tube in ("a", "b", "c"):
            session._context.acting().use(tube)
            session._context.acting().put(b"x")
        yield session


def pauses(session: Session, *tubes: str, errors: dict[str, Exception] | None = None) -> list[Step]:
    def step(tube: str) -> Step:
        def pause(progress: Progress) -> Run:
            if errors and tube in errors:
                raise errors[tube]
            run = session.pause(tube, 60)
            progress(run)
            return run

        return Step(f"tube {tube}", pause)

    return [step(tube) for tube in tubes]


def test_a_step_that_fails_keeps_no_other_from_being_tried(session: Session) -> None:
    results = Runner().carry_out(pauses(session, "a", "b", "c", errors={"b": UsageError("it is gone")}))
    assert results.counts == {"done": 2, "skipped": 0, "failed": 0, "unknown": 0}
    assert [(target, str(error)) for target, error in results.errors] == [("tube b", "it is gone")]
    assert (results.complete, results.left, results.stopped("tube")) == (False, 0, "")
    with pytest.raises(UsageError, match="it is gone"):
        results.check()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectFailed("no answer"), "the server is lost, with 2 tubes to go"),
        (ValueError("a fault"), "2 tubes not tried"),
    ],
)
def test_a_lost_server_and_a_fault_end_the_action(session: Session, error: Exception, why: str) -> None:
    results = Runner().carry_out(pauses(session, "a", "b", "c", errors={"a": error}))
    assert (results.runs, results.stopped("tube")) == ((), why)


def test_an_interrupt_does_not_hide_what_was_done(session: Session) -> None:
    def interrupted(_: Progress) -> Run:
        raise KeyboardInterrupt

    results = Runner().carry_out([*pauses(session, "a"), Step("tube b", interrupted)])
    assert results.counts["done"] == 1
    with pytest.raises(KeyboardInterrupt):
        results.check()


def test_cancel_ends_the_run_under_way_and_the_steps_after_it(session: Session) -> None:
    runner = Runner(lambda run: runner.cancel())
    results = runner.carry_out(pauses(session, "a", "b", "c"))
    assert (len(results.runs), results.stopped("tube")) == (1, "cancelled before 2 tubes")
    assert all(run.cancelled for run in runner.runs.values())
    assert runner.counts["done"] == 1


def test_the_last_action_is_what_undo_reverts(session: Session) -> None:
    assert LastAction().why_not == "nothing to undo"
    paused = Runner().carry_out(pauses(session, "a", "b"))
    last = LastAction().after(paused)
    assert (last.runs, last.what) == (tuple(run.id for run in paused.runs), "pause (2)")
    assert last.after(Results()) is last
    undone = Runner().carry_out(undo_steps(session, last.runs))
    assert [session.tube(tube).pause for tube in "ab"] == [0, 0]
    assert last.after(undone) == LastAction()
    assert last.after(undone._replace(undone=last.runs[1:])).runs == last.runs[:1]


def test_the_undo_of_an_earlier_run_leaves_the_last_action(session: Session) -> None:
    first, second = (Runner().carry_out(pauses(session, tube)) for tube in "ab")
    last = LastAction().after(first).after(second)
    undone = Runner().carry_out(undo_steps(session, [first.runs[0].id]))
    assert undone.undone == (first.runs[0].id,)
    assert last.after(undone) == last


def test_an_action_that_nothing_undoes_says_why(session: Session) -> None:
    session.bury([1])
    kicked = Runner().carry_out([Step("tube a", lambda _: session.kick_next("a", 1))])
    last = LastAction(("a run",), "pause").after(kicked)
    assert not last.runs
    assert last.why_not.startswith("nothing to undo: kick: ")
