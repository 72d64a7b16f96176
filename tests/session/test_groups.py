"""Groups of jobs that workers failed in known ways: they equal the truth, and act as selections."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import chain
from random import Random
from typing import Any

import pandas as pd
import pytest

from beanops.client.sync import Client
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.tube_names import UnknownTubeWarning
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError, NotFound, UsageError
from beanops.session.execution import targets
from beanops.session.investigation import groups
from beanops.session.session import Session
from tests.session.conftest import fill

#: Ways to fail, and what a worker notes of each in the body: the numbers differ each time.
FAILURES: dict[str, Callable[[int], dict[str, Any]]] = {
    "declined": lambda n: {"exception": {"class": "CardDeclined", "message": f"issuer declined charge {n}"}},
    "timeout": lambda n: {"error": f"no answer from 10.0.{n % 200}.7:443 within {n} ms"},
    "missing": lambda n: {"error_class": "ModelNotFound", "error_message": f"no customer {n}"},
    "deadlock": lambda n: {"failure": {"type": "QueryException", "message": f"Deadlock (SQL: select {n})"}},
    "vat": lambda n: {"exception": {"class": "ErrorException", "message": 'Undefined array key "vat_id"'}},
}


class Failing:
    """A worker that fails each job of ``billing`` in a known way: it puts it again with the error, and buries that."""

    def __init__(self, client: Client) -> None:
        self.truth: dict[str, list[int]] = defaultdict(list)
        self._client = client
        self._random = Random(7)

    def work(self, jobs: int, ways: str = " ".join(FAILURES)) -> None:
        client = self._client
        client.use("billing")
        client.watch("billing")
        put = [commands.put(json.dumps({"job": "Charge", "customer": n % 5}).encode()) for n in range(jobs)]
        list(client.pipeline(put))
        for n in range(jobs):
            job = client.reserve(0)
            way = self._random.choice(ways.split())
            failed = json.loads(job.body) | FAILURES[way](1000 + n)
            again = client.put(json.dumps(failed).encode())
            client.delete(job.id)
            client.bury(client.reserve_job(again))
            self.truth[way].append(again)
        client.use("default")
        client.ignore("billing")


@pytest.fixture
def failing(worker: Client) -> Failing:
    failing = Failing(worker)
    failing.work(60)
    return failing


def members(session: Session, table: pd.DataFrame) -> list[list[int]]:
    """Return the ids of each group's jobs."""
    return [sorted(session.jobs(row, bodies=False)["id"].tolist()) for _, row in table.iterrows()]


def test_groups_equal_the_truth(session: Session, failing: Failing) -> None:
    fill(failing._client, "mail", "buried", 3)
    table = session.groups("billing", state="buried")
    assert table["count"].tolist() == sorted(map(len, failing.truth.values()), reverse=True)
    assert sorted(members(session, table)) == sorted(map(sorted, failing.truth.values()))
    assert table["share"].sum() == pytest.approx(1)
    assert [table.attrs[name] for name in ("others", "other_groups", "total", "complete")] == [0, 0, 60, True]
    newest = {max(ids) for ids in failing.truth.values()}
    assert {*table["sample_id"]} <= {id for ids in failing.truth.values() for id in ids}
    assert len(newest) == len(table) == len(set(table["name"]))
    assert table["where"].tolist() == [f"group_name = '{name}'" for name in table["name"]]
    assert table["oldest"].le(table["newest"]).all()


def test_names_are_the_same_on_another_server(
    session: Session, failing: Failing, start_beanstalkd: Any, open_session: Callable[..., Session]
) -> None:
    there = start_beanstalkd()
    with Client(there.address) as client:
        Failing(client).work(40, "vat declined")
    other = open_session(there.address).groups("billing")
    here = session.groups("billing").set_index("name")["cause"].to_dict()
    assert other.set_index("name")["cause"].to_dict().items() <= here.items()
    assert len(other) == 2


FORMS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "series": lambda table: table.iloc[0],
    "tuple": lambda table: next(table.itertuples()),
    "dict": lambda table: table.iloc[0].to_dict(),
    "frame": lambda table: table.head(1),
    "list": lambda table: [table.iloc[0]],
    "json": lambda table: json.loads(table.head(1).to_json(orient="records", date_format="iso")),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_group_is_jobs_in_any_form(session: Session, failing: Failing, form: str) -> None:
    table = session.groups("billing", state="buried")
    largest = sorted(max(failing.truth.values(), key=len))
    group = FORMS[form](table)
    assert sorted(session.jobs(group)["id"]) == largest
    assert sorted(session.jobs("billing", group=group)["id"]) == largest
    run = session.kick(group)
    assert sorted(run.ids) == largest
    assert session.tube("billing").current_jobs_ready == len(largest)


def test_a_kicked_group_is_on_record_and_is_undone(session: Session, failing: Failing) -> None:
    table = session.groups("billing", state="buried")
    name = table["name"].iloc[0]
    run = session.kick(table.iloc[0], reason="deployed a fix")
    assert (run.done, run.complete) == (table["count"].iloc[0], True)
    assert run.about["groups"] == [name]
    assert session.runs["about"].tolist() == [f"billing group {name}"]
    assert session.journal.runs()["about"].tolist() == [f"billing group {name}"]
    assert len(session.groups("billing", state="buried")) == len(table) - 1
    assert session.undo(run).done == run.done
    again = session.groups("billing", state="buried")
    assert again[["name", "count"]].values.tolist() == table[["name", "count"]].values.tolist()


def test_several_groups_act_together(session: Session, failing: Failing) -> None:
    table = session.groups("billing", state="buried").head(2)
    run = session.bury(table.drop(columns="state"), priority=3)
    assert run.done == table["count"].sum()
    by_name = session.delete("billing", group=table["name"].tolist())
    assert sorted(by_name.ids) == sorted(run.ids)
    assert session.runs["about"].iloc[0] == (
        f"billing groups {', '.join(table['name'])} where group_name in ({', '.join(map(repr, table['name']))})"
    )


def test_a_group_has_the_jobs_that_are_in_it_when_it_acts(session: Session, failing: Failing) -> None:
    table = session.groups("billing", state="buried")
    session.delete(table.iloc[0], limit=2)
    failing.work(30)
    now = dict(session.groups("billing", state="buried")[["name", "count"]].values.tolist())
    for _, row in table.iterrows():
        assert session.kick(row).done == now[row["name"]]
    assert session.kick(table.iloc[0]).done == 0


def test_a_cancelled_kick_of_a_group_is_resumed(
    session: Session, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "BATCH", 5)
    table = session.groups("billing", state="buried")

    def cancel(run: Any) -> None:
        if run.done:
            run.cancel()

    cancelled = session.kick(table.iloc[0], progress=cancel)
    assert 0 < cancelled.done < table["count"].iloc[0]
    rest = session.resume(cancelled)
    assert cancelled.done + rest.done == table["count"].iloc[0]
    assert session.runs["about"].nunique() == 1


def test_all_verbs_take_groups(session: Session, failing: Failing, tmp_path: Any) -> None:
    row = session.groups("billing", state="buried").iloc[0]
    count = row["count"]
    assert session.copy(row, "copies").done == count
    assert session.export(tmp_path / "group.jsonl", row).done == count
    assert session.export(tmp_path / "all.jsonl", "billing", group=row["name"]).done == count
    assert session.move(row, "moved").done == count
    moved = session.groups("moved", state="buried").iloc[0]
    assert (moved["name"], moved["count"]) == (row["name"], count)
    assert session.release("moved", group=row["name"][:6], delay="1h").done == count
    assert session.snapshot(tmp_path / "saved", "moved", group=moved["name"]).jobs == count
    assert session.sql("select count(*) as n from jobs", "moved", group=moved)["n"].iloc[0] == count
    assert session.drain("moved", state="delayed", group=row["name"]).done == count
    assert session.delete("copies", group=row["name"]).done == count


def test_names_that_are_unknown_or_not_unique_are_refused(session: Session, failing: Failing) -> None:
    names = sorted(session.groups("billing")["name"])
    with pytest.raises(
        UsageError, match=rf"several groups begin with 'g': (g\w{{8}} \(\d+ jobs\)(, )?){{{len(names)}}}"
    ):
        session.kick("billing", group="g")
    unknown = "g00000000" if "g00000000" not in names else "g00000001"
    with pytest.raises(NotFound, match=f"is called '{unknown}'; groups are g"):
        session.delete("billing", group=unknown)
    with pytest.raises(NotFound, match="no group of these jobs begins with 'gfffffff': no job was found"):
        session.kick("billing", state="delayed", group="gfffffff")
    with pytest.raises(NotFound, match="did you mean 'billing'"):
        session.kick("biling", group="g7")
    for wrong in ("declined", "g7; drop", "g123456789", 7, [], {"name": "g7"}, pd.DataFrame({"name": ["g7"]})):
        with pytest.raises(ArgumentError, match="group"):
            session.kick("billing", group=wrong)
    assert session.tube("billing").current_jobs_buried == 60


def test_a_unique_beginning_is_enough(session: Session, failing: Failing) -> None:
    names = session.groups("billing")["name"].tolist()
    for name in names:
        short = next(name[:n] for n in range(2, 10) if sum(other.startswith(name[:n]) for other in names) == 1)
        assert session.kick("billing", group=short.upper().replace("G", "g"), dry_run=True).done
        assert set(session.sql("select group_name from jobs", "billing", group=short)["group_name"]) == {name}


def test_what_is_no_group_is_not_taken_for_one(session: Session, failing: Failing) -> None:
    table = session.groups("billing")
    with pytest.raises(ArgumentError, match="a frame with a column 'id'"):
        session.kick(table.drop(columns="where"))
    with pytest.raises(ArgumentError, match="at least one group"):
        session.kick(table.head(0))
    with pytest.raises(ArgumentError, match="groups of one look"):
        session.kick(pd.concat([table.head(1), session.groups("bill*").head(1)]))
    with pytest.raises(UsageError, match="not as both"):
        session.kick(table.iloc[0], group="g7")
    with pytest.raises(ArgumentError, match="ids: "):
        session.jobs(ids=table.iloc[0])
    jobs = session.jobs("billing", limit=2).assign(name="x", count=1, where="true")
    assert session.kick(jobs).done == 2, "a frame with ids is one of jobs"


def test_groups_of_a_glob_and_of_a_choice_keep_it(session: Session, failing: Failing, worker: Client) -> None:
    body = json.dumps({"job": "Charge"} | FAILURES["vat"](1)).encode()
    worker.put(body, tube="billing-2")
    worker.put(body, tube="bills", priority=3)
    glob = session.groups("billing*", where="priority > 100 -- not urgent")
    vat = glob[glob["cause"].str.contains("vat_id")].iloc[0]
    assert (vat["tube"], vat["count"]) == ("billing*", len(failing.truth["vat"]) + 1)
    assert sorted(session.jobs(vat)["tube"].unique()) == ["billing", "billing-2"]
    everything = session.groups(where="priority = 3").iloc[0]
    assert session.bury(everything).done == 1
    inner = session.groups(vat, by="tube", state="ready")
    assert inner[["name", "count", "state"]].values.tolist() == [["billing-2", 1, "ready"]]
    assert session.delete(inner.iloc[0]).done == 1


def test_hints_tell_what_happens_to_jobs_again_and_again(session: Session, worker: Client) -> None:
    for job, ends in {
        "Poison": (worker.bury, worker.bury),
        "Slow": (worker.release,) * 3,
        "Fine": (worker.bury,),
    }.items():
        id = worker.put(json.dumps({"job": job}).encode(), tube="hooks")
        for end in ends:
            end(worker.reserve_job(id))
            worker.kick_job(id) if end == worker.bury else None
    hints = session.groups("hooks").set_index("cause")["hint"].to_dict()
    assert hints == {"Poison": "buried again and again", "Slow": "released again and again", "Fine": ""}


VALUES = [
    7,
    "7",
    "O'Neill",
    None,
    "",
    "a\nb\x00\x1b[31m",
    "—ü 🫘",
    True,
    1.5,
    [1, "a, b"],
    {"k": "v"},
    "x" * 500,
    "x" * 501,
]


@pytest.mark.parametrize("by", ["data->>'$.v'", "data->'$.v'", "data->'$.v' -- a comment", "(data->>'$.v', size)"])
def test_the_where_of_a_value_selects_exactly_its_jobs(session: Session, worker: Client, by: str) -> None:
    for value in VALUES:
        for more in range(2):
            worker.put(json.dumps({"v": value, "more": more}).encode(), tube="t")
    worker.put(b'{"other": 1}', tube="t")
    if by.startswith("("):
        by = f"row{by}"
    table = session.groups("t", by=by)
    found = members(session, table)
    assert sorted(chain.from_iterable(found)) == list(range(1, 2 * len(VALUES) + 2))
    assert list(map(len, found)) == table["count"].tolist()
    assert table.attrs["complete"]
    assert all(where.isprintable() for where in table["where"] if "--" not in where)
    assert table["name"].dropna().str.len().max() <= 60


@pytest.mark.parametrize(
    "by", ["tube", "priority", "state", "date_trunc('hour', created)", "size > 3", "body", "encode(body)",
           "id % 2 = 0", "[tube, state]", "1.0 / id", "null", "group_name", "cause", "instance", "id::hugeint"]
)  # fmt: skip
def test_groups_by_columns_of_any_type(session: Session, worker: Client, by: str) -> None:
    for n, body in enumerate((b"a", b"\xff\x00", b"it's", b"")):
        fill(worker, "t", "buried", body=body, priority=n)
    table = session.groups("t", by=by)
    assert sorted(chain.from_iterable(members(session, table))) == [1, 2, 3, 4]
    assert table["count"].sum() == 4


@pytest.mark.parametrize(
    ("by", "complaint"),
    [
        ("", "the expression: it is empty"),
        ("tubes", "there is no column 'tubes'.*did you mean 'tube'"),
        ("true) or (true", "the expression at character 5"),
        ("tube; select 1", "more than one statement"),
        ("count(*)", "the expression"),
        ("(select 1 from jobs)", "the expression"),
        ("'a'::int", "Could not convert"),
    ],
)
def test_what_is_no_expression_is_explained_in_one_line(
    session: Session, worker: Client, by: str, complaint: str
) -> None:
    fill(worker, "t")
    with pytest.raises(PredicateError, match=complaint) as raised:
        session.groups("t", by=by)
    assert "\n" not in str(raised.value)


def test_jobs_that_cannot_be_decoded_are_counted_apart(session: Session, worker: Client) -> None:
    for body in (b'{"v": 1}', b'{"v": 1, "v": 2}', b'{"v": 1, "inner": "{\\"a\\": 1, \\"a\\": 2}"}'):
        worker.put(body, tube="t")
    table = session.groups("t", by="data->>'$.v'")
    assert table["count"].tolist() == [1]
    assert not table.attrs["complete"]
    assert "2 jobs left out: their bodies were not decoded" in table.attrs["verdict"]
    assert session.groups("t").attrs["complete"], "a cause needs no decoded body"


def test_it_stays_bounded(session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_KEPT", 5)
    list(worker.pipeline(commands.put(b'{"v": %d}' % (n if n < 50 else 0)) for n in range(100)))
    table = session.groups("default", by="data->>'$.v'", most=3)
    assert table["count"].iloc[0] == 51
    assert len(table) == 3
    assert table.attrs["others"] == 100 - table["count"].sum()
    assert table.attrs["other_groups"] is None
    few = session.groups("default", by="id % 4", most=3)
    assert (few.attrs["others"], few.attrs["other_groups"]) == (25, 1)
    assert len(session.groups("default", most=0)) == 0


def test_it_says_that_not_all_jobs_were_looked_at(session: Session, failing: Failing) -> None:
    table = session.groups("billing", limit=10)
    assert table.attrs["total"] == 10
    assert table["count"].sum() == 10
    assert "10" in table.attrs["verdict"]
    with pytest.warns(UnknownTubeWarning):
        assert session.groups("nothing").attrs["total"] == 0


def test_causes_and_samples_hide_secrets(open_session: Callable[..., Session], worker: Client) -> None:
    for n in range(3):
        worker.put(json.dumps({"job": "A", "error": {"message": "s3cret%d" % n}, "token": "s3cret"}).encode(), tube="t")
    session = open_session(redact=["message", "*token*"])
    table = session.groups("t")
    assert table["count"].tolist() == [3]
    assert "s3cret" not in table.to_json(date_format="iso")
    values = session.groups("t", by="data->>'$.token'")
    assert values["name"].tolist() == ["[redacted]"]
    assert sorted(session.jobs(table.iloc[0])["id"]) == sorted(session.jobs(values.iloc[0])["id"]) == [1, 2, 3]


def test_a_hostile_body_stays_text(session: Session, worker: Client) -> None:
    worker.put(b'{"job": "A", "error": "\\u001b]52;c;aGk=\\u0007 \\u202egnp.exe"}', tube="t")
    row = session.groups("t").iloc[0]
    assert row["cause"].isprintable()
    assert row["sample"].isprintable()


def test_sql_has_the_groups_as_columns(session: Session, failing: Failing) -> None:
    table = session.groups("billing")
    answer = session.sql("select group_name, any_value(cause) as cause, count(*) as n from jobs group by 1", "billing")
    assert Counter(dict(answer[["group_name", "n"]].values.tolist())) == Counter(
        dict(table[["name", "count"]].values.tolist())
    )
    assert set(answer["cause"]) == set(table["cause"])
    missing = session.jobs("billing", where="cause like '%no customer%' and group_name is not null")
    assert sorted(missing["id"]) == sorted(failing.truth["missing"])


def test_an_undo_takes_the_group_before_the_run(session: Session, failing: Failing) -> None:
    table = session.groups("billing")
    run = session.delete("billing", state="buried")
    assert session.undo(run, where=table["where"].iloc[0]).done == table["count"].iloc[0]


def test_a_session_without_groups_costs_no_look(session: Session, failing: Failing) -> None:
    """A row has all that its jobs need: nothing is looked up for its name."""
    row = session.groups("billing", state="buried").iloc[0]
    before = session.server().cmd_peek
    session.kick(row, limit=1, dry_run=True)
    assert session.server().cmd_peek - before <= 61
