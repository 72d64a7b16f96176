"""What the browser's jobs are filtered by, in Python: choices, their predicates, and actions on all that match."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bodies.paths import PathError
from beanops.jobs.select import select
from beanops.jobs.sql.complaints import PredicateError
from beanops.notebook.views.browser import BrowserView
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.session import Session
from tests.notebook.pages import Page, Still

PLANS = ["free", "free", "pro", "free", "pro", "team", "free", "free"]


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        for number, plan in enumerate(PLANS):
            error = "no such customer 12" if number % 2 else "timeout"
            body = {"plan": plan, "password": "hunter2", "error": error, "user": {"id": number}}
            session.put(json.dumps(body).encode(), tube="mail")
        session.bury([1, 2, 3, 4])
        yield session


@pytest.fixture
def view(session: Session) -> Iterator[BrowserView]:
    with BrowserView(session, Still(), "browse mail", select("mail")) as view:  # type: ignore[arg-type]
        yield view.wait()


def bins(page: Page) -> dict[str, Any]:
    return [message for message in page.heard if message["kind"] == "bins"][-1]


def labels(view: BrowserView, name: str) -> dict[str, int]:
    shown = view.facets.dimensions[name].described
    return dict(zip(shown["labels"], shown["counts"], strict=True))


def act(view: BrowserView, page: Page, name: str, **changed: Any) -> None:
    order = {"version": bins(page)["version"], "clicked": time.monotonic(), "text": "", "typed": None}
    page.says("act", name=name, **{**order, **changed})
    view.wait()


def test_jobs_are_counted_by_everything_in_which_they_differ(view: BrowserView) -> None:
    assert {"cause", "state", "$.plan", "size"} <= set(view.facets.dimensions)
    assert labels(view, "$.plan") == {"free": 5, "pro": 2, "team": 1}
    assert labels(view, "cause") == {"timeout": 4, "no such customer <n>": 4}
    assert labels(view, "state") == {"buried": 4, "ready": 4}


def test_choices_are_a_predicate_that_finds_the_same_jobs(view: BrowserView, session: Session) -> None:
    view.choose("$.plan", "free").choose("state", "buried")
    assert view.chosen_where == "(data->>'$.plan') = 'free' and state = 'buried'"
    assert view.matching == [4, 2, 1]
    assert session.jobs("mail", where=view.chosen_where)["id"].tolist() == [4, 2, 1]
    view.choose("state").choose("cause", "timeout")
    assert sorted(view.matching) == [1, 7]
    view.choose("$.plan").choose("cause").choose("$.user.id", 5, 6, 7)
    assert sorted(view.matching) == [6, 7, 8]
    assert sorted(session.jobs("mail", where=view.chosen_where)["id"]) == [6, 7, 8]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("stat", "buried"), "no histogram of stat: .* did you mean 'state'"),
        (("state", "burried"), "state has no value 'burried'.*did you mean 'buried'"),
        (("$.nothing",), "all jobs have the same at \\$.nothing, or nothing"),
        (("$[",), "path"),
        ((5,), "no histogram of 5"),
        (("size", "x"), "size is chosen by the two ends of a range, as numbers"),
    ],
)
def test_a_wrong_choice_says_what_there_is(view: BrowserView, wrong: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        view.choose(*wrong)
    assert view.chosen_where is None


def test_what_is_no_text_is_refused_in_a_line(view: BrowserView, session: Session) -> None:
    wrong: Any = 5
    for call in (view.add_path, view.add_column):
        with pytest.raises(PathError, match="begins with"):
            call(wrong)
    with pytest.raises(ArgumentError, match="where: 5 given"):
        view.find(wrong)
    with pytest.raises(PredicateError, match="it is no text: 5"):
        session.jobs("mail", where=wrong)
    with session.dashboard() as dashboard, pytest.raises(ArgumentError, match="tube: 5 given"):
        dashboard.select(wrong)
    with pytest.raises(ArgumentError, match="verb: 'edit' given"):
        view.choose("state", "buried").act_on_matching("edit")


def test_a_verb_takes_all_that_match_and_no_more(view: BrowserView, session: Session) -> None:
    with pytest.raises(UsageError, match="no job to kick matches"):
        view.act_on_matching("kick")
    view.choose("$.plan", "free")
    run = view.act_on_matching("kick")
    assert run.summary == "kick: 3 done"
    assert session.tube("mail").current_jobs_buried == 1
    assert labels(view, "state") == {"ready": 7, "buried": 1}
    assert view.chosen_where == "(data->>'$.plan') = 'free'"
    moved = view.act_on_matching("move", "elsewhere")
    assert moved.done == 5
    assert sum(labels(view, "$.plan").values()) == 3
    view.undo()
    assert session.tube("mail").current_jobs_ready + session.tube("mail").current_jobs_buried == 8


def test_a_button_acts_on_what_was_confirmed(view: BrowserView, session: Session) -> None:
    page = Page(view.facets)
    page.says("hello", page="one")
    chosen = {"$.plan": [0]}
    act(view, page, "kick", chosen=chosen, count=4)
    assert view.status == "kick was refused: 4 matched at the click, 3 now; click again"
    act(view, page, "kick", chosen=chosen, count=3, version=bins(page)["version"] - 1)
    assert "click again" in view.status
    act(view, page, "kick", chosen=chosen, count=3, clicked=time.monotonic() - 60)
    assert "the kernel was busy" in view.status
    assert session.tube("mail").current_jobs_buried == 4
    act(view, page, "kick", chosen=chosen, count=3)
    assert view.status == "kick: 3 done"
    assert session.tube("mail").current_jobs_buried == 1


def test_jobs_that_were_not_found_are_not_acted_on(session: Session) -> None:
    with BrowserView(session, Still(), "some", select("mail", limit=5)) as view:  # type: ignore[arg-type]
        view.wait().choose("$.plan", "free")
        assert view.matching == [8, 7, 4]  # 1 and 2 match too, and are older
        assert [row.id for row in view.act_on_matching("delete").rows] == [4, 7, 8]


def test_jobs_are_acted_on_in_the_state_in_which_they_are_shown(session: Session) -> None:
    with BrowserView(session, Still(), "some", select("mail", state="buried")) as view:  # type: ignore[arg-type]
        view.wait().choose("$.plan", "free")
        assert view.act_on_matching("kick").done == 3
        session.bury([2])  # nobody has seen this
        run = view.act_on_matching("delete")
        assert sorted(row.id for row in run.rows if row.outcome == "done") == [1, 4]
        assert session.tube("mail").current_jobs_buried == 2


def test_jobs_that_match_since_are_not_acted_on(view: BrowserView, session: Session) -> None:
    view.choose("state", "buried").choose("$.plan", "free")
    session.kick([1, 2])
    session.bury([7, 8])
    run = view.act_on_matching("delete")
    assert [(row.id, row.outcome) for row in run.rows] == [(4, "done")]
    assert session.tube("mail").current_jobs_buried == 3


def test_the_page_gets_a_byte_per_job_and_dimension(view: BrowserView) -> None:
    page = Page(view.facets)
    sent: list[Any] = []
    view.facets.root.send = lambda message, buffers=None: (page.heard.append(message), sent.append(buffers))  # type: ignore[union-attr, method-assign]
    view.facets.welcome()
    ids, *codes = next(buffers for message, buffers in zip(page.heard, sent, strict=True) if message["kind"] == "bins")
    assert len(ids) == 8 * len(PLANS)
    assert {len(one) for one in codes} == {len(PLANS)}
    assert len(codes) == len(bins(page)["dims"])
    view.jobs.select(["1"])
    view.delete()
    assert bins(page)["gone"] == [7]


def test_paths_become_histograms_and_columns(view: BrowserView) -> None:
    page = Page(view.facets)
    page.says("path", path="$.user.id")
    view.wait()
    assert view.facets.dimensions["$.user.id"].size == len(PLANS)
    page.says("drop", path="$.user.id")
    view.wait()
    assert "$.user.id" not in view.facets.dimensions
    Page(view.body).says("column", path="$.user.id")
    Page(view.jobs).says("column", path="$.plan")
    view.wait()
    assert [cells[-2:] for cells in view.jobs.rows.values()][:2] == [(7, "free"), (6, "free")]
    view.select(1)
    view.kick()
    assert view.jobs.rows["1"][-2:] == (0, "free")
    view.drop_column("$.user.id")
    assert view.jobs.rows["1"][-1] == "free"
    view.find("data->>'$.plan' = 'pro'")
    assert [cells[-1] for cells in view.wait().jobs.rows.values()] == ["pro", "pro"]
    page.says("path", path="nonsense")
    view.wait()
    assert "path 'nonsense'" in view.status


def test_a_value_of_a_body_filters(view: BrowserView) -> None:
    view.select(1)
    page = Page(view.body)
    page.says("value", path="$.plan", value="free", **{"with": False})
    view.wait()
    assert view.chosen_where == "((data->>'$.plan') = 'free') is not true"
    assert sorted(view.matching) == [3, 5, 6]


def test_a_job_opens_with_its_error_first(view: BrowserView) -> None:
    view.select(2)
    shown = view.body.shown
    assert shown is not None
    assert (shown.error, shown.state) == ("no such customer 12", "buried")
    assert ("$.user.id", "1", "1") in shown.fields
    assert '"id": 1' in shown.text
    view.delete()
    assert view.body.shown is None


def test_the_table_has_the_error_before_the_numbers(view: BrowserView) -> None:
    place = [column.name for column in view.jobs.columns].index("error")
    assert place < [column.name for column in view.jobs.columns].index("priority")
    assert [view.jobs.rows[key][place] for key in ("1", "2")] == ["timeout", "no such customer 12"]
    view.select(2)
    view.kick()
    assert view.jobs.rows["2"][place] == "no such customer 12"
    assert view.jobs.saved_rows["2"][place] == "no such customer 12"
    assert "hunter2" not in str(view.jobs.saved_rows)


def test_a_file_has_whole_bodies(view: BrowserView) -> None:
    name, content = view._exported("jsonl", ("1", "2"))
    assert name == "mail.jsonl"
    assert [json.loads(json.loads(line)["body"])["plan"] for line in content.splitlines()] == ["free", "free"]
    assert view._exported("csv", ("3",))[1].startswith(b"id,tube,state")


def test_a_snapshot_is_small_and_keeps_no_secret(view: BrowserView) -> None:
    view.add_path("$.user.id")
    view.find("data->>'$.password' = 'hunter2'")
    view.wait()
    with pytest.raises(UsageError):
        view.add_path("$.password")
    saved = json.dumps([message for message in view.facets.snapshot() if message["kind"] == "bins"])
    assert "hunter2" not in saved
    assert "no such customer <n>" in saved
    assert len(saved) < 12_000


def test_a_snapshot_hides_secrets_in_values_and_in_the_search(session: Session) -> None:
    for number in range(8):
        body = {"error": f"refused: pwd=geheim{number % 2}", "password": "hunter2"}
        session.put(json.dumps(body).encode(), tube="sms")
    where = "data->>'$.password' = 'hunter2'"
    with BrowserView(session, Still(), "sms", select("sms", where=where)) as view:  # type: ignore[arg-type]
        view.wait().add_path("$.error")
        view._save()
        saved = json.dumps([view.widget.get_state()["snapshot"], view._bundle()])
        assert "refused: pwd=[redacted]" in saved
        assert "where [hidden]" in saved
        assert not {"geheim0", "geheim1", "hunter2"} & set(re.findall(r"\w+", saved))
        assert "hunter2" in view.facets.said("title")


def test_the_end_of_a_second_leaves_no_job_out(view: BrowserView, session: Session) -> None:
    moments = view._bins._moments._numbers
    for place in range(len(moments)):
        moments[place] -= 60 * place  # as if the next look saw them younger by far
    view._show_bins(view._bins)
    view.choose("age", *view.facets.dimensions["age"].edges[:1])  # type: ignore[union-attr]
    chosen = view.matching
    assert 0 < len(chosen) < len(PLANS)
    run = view.act_on_matching("move", "elsewhere")
    assert sorted(row.id for row in run.rows if row.outcome == "done") == sorted(chosen)


def test_a_new_search_forgets_the_choices(view: BrowserView) -> None:
    view.choose("state", "buried")
    view.find("id < 4")
    assert view.wait().chosen_where is None
    assert sorted(view.matching) == [1, 2, 3]


def test_of_jobs_by_id_those_that_match_are_acted_on(session: Session) -> None:
    with BrowserView(session, Still(), "some", select("mail", ids=[1, 2, 3])) as view:  # type: ignore[arg-type]
        view.wait().choose("$.plan", "pro")
        assert view.act_on_matching("kick").done == 1
        assert session.job(3).stats.state == "ready"
