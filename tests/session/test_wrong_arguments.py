"""Arguments of the wrong kind, and names of tubes that do not exist: each says what is wrong and what to give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from beanops.client.sync import Client
from beanops.jobs.tube_names import UnknownTubeWarning
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.session import Session
from tests.session.conftest import fill


def test_ids_as_text_are_not_taken_for_a_tube(session: Session, worker: Client, tmp_path: Path) -> None:
    fill(worker, "mail", "buried", 3)
    acts: list[Callable[[str], object]] = [
        session.kick, session.bury, session.release, lambda text: session.delete(text, state="ready"),
        lambda text: session.move(text, "new"), lambda text: session.copy(text, "new"),
        lambda text: session.edit(text, {"$.user": 7}), lambda text: session.export(tmp_path / "new", text),
    ]  # fmt: skip
    for act in acts:
        for text, ids in (("17", "17"), ("5-9", "range(5, 10)"), ("1,3", "[1, 3]"), ("1 2 3 4 5", "[1, 2, 3, 4, ...]")):
            with pytest.raises(NotFound, match=r"; ids are numbers: ") as caught:
                act(text)
            assert str(caught.value) == f"no tube {text!r}; ids are numbers: {ids}"
    assert session.actions.empty


def test_a_tube_whose_name_is_a_number_is_a_tube(session: Session, worker: Client) -> None:
    fill(worker, "17", "buried", 2)
    assert session.kick("17").done == 2


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        (["17", "18"], "jobs: '17' given, allowed is ids as numbers: 17"),
        (["mail"], "a tube is given alone, not in a list"),
        (None, "jobs: None given, allowed is ids, jobs, rows of a frame, or a frame with a column 'id'"),
        (b"17", "allowed is ids, jobs, rows"),
        ({"tube": "mail"}, "allowed is rows with an 'id'"),
        (1.5, "allowed is a whole number"),
        ("", "tube: '' given"),
    ],
)
def test_what_is_no_job_says_what_is(session: Session, jobs: object, said: str) -> None:
    for act in (session.kick, session.bury, session.release, lambda what: session.move(what, "new")):
        with pytest.raises(UsageError) as caught:
            act(jobs)
        assert said in str(caught.value)


def test_one_job_as_text_says_how_to_write_it(session: Session) -> None:
    for act in (session.job, session.follow):
        with pytest.raises(UsageError, match=r"^id: '17' given, allowed is ids as numbers: 17$"):
            act("17")
    with pytest.raises(UsageError, match=r"jobs by id are ids=17$"):
        session.jobs(17)


def test_a_glob_where_one_tube_is_needed_says_so(session: Session) -> None:
    acts: list[Callable[[str], object]] = [
        session.tube, session.next_jobs, session.trend, session.unpause, session.reserve,
        lambda tube: session.pause(tube, 9), lambda tube: session.kick_next(tube, 1),
        lambda tube: session.move([1], tube), lambda tube: session.put("x", tube=tube),
        lambda tube: session.put_many(["x"], tube=tube),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(UsageError, match="the name of one tube, not a glob"):
            act("mail-*")


def test_an_argument_without_its_keyword_names_the_keywords(session: Session) -> None:
    with pytest.raises(UsageError, match=r"^put\(\) takes further arguments by keyword: tube=\.\.\., priority="):
        session.put("x", "mail")  # type: ignore[misc]
    with pytest.raises(UsageError, match=r"^put_many\(\) takes further arguments by keyword: tube="):
        session.put_many(["x"], "mail")  # type: ignore[misc]


def test_a_search_in_an_unknown_tube_warns(session: Session, worker: Client, tmp_path: Path) -> None:
    fill(worker, "mail")
    looks: list[Callable[[str], object]] = [
        session.jobs, session.groups, session.facets, session.tubes, lambda tube: list(session.scan(tube)),
        lambda tube: session.sql("select id from jobs", tube), lambda tube: next(session.watch(pattern=tube)),
        lambda tube: session.snapshot(tmp_path / tube.strip("*"), tube),
    ]  # fmt: skip
    for look in looks:
        with pytest.warns(UnknownTubeWarning, match=r"^no tube 'mial'; did you mean 'mail'\?$"):
            look("mial")
        with pytest.warns(UnknownTubeWarning, match=r"^no tube matches nothing\*$"):
            look("nothing*")
        look("mail*")


def test_a_tube_that_went_with_its_last_job_is_known(session: Session, worker: Client) -> None:
    session.delete(fill(worker, "mail"))
    assert session.jobs("mail").attrs["verdict"].startswith("complete: 0 found")


def test_faces_that_say_it_themselves_do_not_warn(session: Session, worker: Client) -> None:
    fill(worker, "mail")
    for face in ("cli", "tui"):
        assert session._through(face).jobs("mial").empty
