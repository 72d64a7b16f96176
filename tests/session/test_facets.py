"""The facets of jobs on a real server: frames, what was not decoded, and what a shell completes afterwards."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from beanops import Session, connect
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bodies import Reader
from beanops.jobs.facets import FacetCounter
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError
from beanops.session.investigation.last_shown import keep_facets, last_paths
from beanops.state_files import state_path


def put_orders(client: Client, jobs: int = 60) -> Counter[str]:
    """Put jobs of customers, some of which have an error and a secret, and return how many each customer has."""
    customers: Counter[str] = Counter()
    for number in range(jobs):
        customer = str(number % 7)
        customers[customer] += 1
        body = {"customer": int(customer), "api_token": f"s3cret-{number % 2}", "tags": ["a", "b"][: number % 3]}
        client.put(json.dumps(body).encode(), tube="billing", priority=number % 2)
    return customers


def test_frames_have_paths_values_and_histograms(session: Session, worker: Client) -> None:
    customers = put_orders(worker)
    worker.put(b"\x00\xff", tube="billing")
    found = session.facets("billing", top=3)
    assert found.complete
    assert "60 jobs" not in found.verdict
    assert "1 body not decoded: 1 unknown format" in found.verdict
    assert found.undecoded[0].jobs == 1
    paths = found.paths.set_index("path")
    assert paths.loc["$.customer", ["jobs", "missing", "distinct", "min", "max", "types"]].tolist() == (
        [60, 0, 7, 0, 6, "integer"]
    )
    assert paths.loc["$.customer", "top"] == dict(sorted(customers.items(), key=lambda one: (-one[1], one[0]))[:3])
    assert {name: str(dtype) for name, dtype in found.paths.dtypes.items()} == {
        "path": "str", "jobs": "int64", "share": "float64", "missing": "int64", "nulls": "int64", "types": "str",
        "distinct": "int64", "approximate": "bool", "min": "object", "max": "object", "top": "object",
    }  # fmt: skip
    for row in found.values.itertuples():
        assert len(session.jobs("billing", where=row.where)) == row.jobs
    assert found.histograms.query("column == 'priority'")["jobs"].tolist() == [30, 30, 1]
    run = session.bury("billing", where=found.values["where"].iloc[0])
    assert run.done == found.values["jobs"].iloc[0]


def test_frames_of_no_jobs_have_the_same_columns(session: Session, worker: Client) -> None:
    put_orders(worker)
    full, empty = session.facets("billing"), session.facets("billing", state="buried")
    for name in ("paths", "values", "histograms"):
        assert list(getattr(full, name).columns) == list(getattr(empty, name).columns)
        assert [*map(str, getattr(full, name).dtypes)] == [*map(str, getattr(empty, name).dtypes)]
        assert getattr(empty, name).empty


def test_a_selection_narrows_them(session: Session, worker: Client) -> None:
    customers = put_orders(worker)
    found = session.facets("billing", where="data->>'$.customer' = '3'")
    assert found.facets.jobs == customers["3"]
    assert session.facets("billing", limit=5).facets.jobs == 5
    assert session.facets(ids=[1, 2]).facets.jobs == 2
    with pytest.raises(ArgumentError):
        session.facets("billing", top=-1)


def test_a_notebook_shows_a_table_in_which_nothing_is_markup(session: Session, worker: Client) -> None:
    worker.put(b'{"<b>key": "<script>alert(1)</script>\\u202e"}', tube="billing")
    shown = session.facets("billing")._repr_html_()
    assert "<script>" not in shown
    assert "<b>key" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;" in shown
    assert repr(session.facets("billing")) == "<FoundFacets: 1 path in 1 job>"


def test_redacted_values_are_in_no_frame(beanstalkd: Beanstalkd, worker: Client) -> None:
    put_orders(worker)
    with connect(beanstalkd.address, redact=["*token*"]) as session:
        found = session.facets("billing")
        texts = found.paths.to_string() + found.values.to_string() + found._repr_html_() + found.verdict
    assert "s3cret" not in texts
    assert "[redacted]" in texts


def _facets(*bodies: bytes) -> FacetCounter:
    counter = FacetCounter(Reader())
    stats = JobStats(1, "mail", "ready", 0, 5, 0, 60, 0, 0, 0, 0, 0, 0, 0)
    counter.add([FoundJob(stats, body) for body in bodies])
    return counter


def test_what_is_kept_for_completion_has_no_secret_and_is_private() -> None:
    body = {
        "customer": 7,
        "api_token": "s3cret",
        "link": "/x?password=s3cret",
        "code": "pin-s3cret",
        "list": ["s3cret"],
    }
    facets = _facets(json.dumps(body).encode()).result()
    keep_facets("127.0.0.1:1", "mail", facets, ["code"])
    text = state_path("facets").read_text()
    assert "s3cret" not in text
    assert state_path("facets").stat().st_mode & 0o777 == 0o600
    (customer, *_) = last_paths("127.0.0.1:1", "mail")
    assert customer == ("data->>'$.customer'", ["data->>'$.customer' = '7'"])
    assert [path.predicates for path in last_paths("127.0.0.1:1", "mail")[1:]] == [[], [], [], [], []]


def test_a_tube_has_the_paths_of_the_glob_that_it_was_shown_by() -> None:
    keep_facets("127.0.0.1:1", "mail-*", _facets(b'{"a": 1}').result(), [])
    keep_facets("127.0.0.1:1", "sms", _facets(b'{"b": 1}').result(), [])
    keep_facets("127.0.0.1:2", "sms", _facets(b'{"c": 1}').result(), [])
    assert [path.sql for path in last_paths("127.0.0.1:1", "mail-a")] == ["data->>'$.a'"]
    assert [path.sql for path in last_paths("127.0.0.1:1", "sms")] == ["data->>'$.b'"]
    assert {path.sql for path in last_paths("127.0.0.1:1", None)} == {"data->>'$.a'", "data->>'$.b'"}
    assert last_paths("127.0.0.1:1", "other") == []


def test_what_is_kept_is_bounded() -> None:
    many = _facets(json.dumps({f"key{n}": f"value{n}" for n in range(900)} | {"x" * 190: "y"}).encode()).result()
    for number in range(60):
        keep_facets("127.0.0.1:1", f"tube{number}", many, [])
    assert state_path("facets").stat().st_size < 1_500_000
    assert len(last_paths("127.0.0.1:1", "tube59")) == 200
    assert last_paths("127.0.0.1:1", "tube0") == []


@pytest.mark.parametrize(
    "text", ["", "{", "[[1]]", '[["127.0.0.1:1", "mail", [["a", [1]]]]]', "[" * 100_000, '{"a": 1}']
)
def test_a_damaged_file_is_no_file(text: str) -> None:
    state_path("facets").parent.mkdir(parents=True, exist_ok=True)
    state_path("facets").write_text(text)
    assert last_paths("127.0.0.1:1", "mail") == []
    keep_facets("127.0.0.1:1", "mail", _facets(b'{"a": 1}').result(), [])
    assert [path.sql for path in last_paths("127.0.0.1:1", "mail")] == ["data->>'$.a'"]


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BEANOPS_STATE", str(tmp_path / "file" / "tui.json"))
    keep_facets("127.0.0.1:1", "mail", _facets(b'{"a": 1}').result(), [])
    assert last_paths("127.0.0.1:1", "mail") == []
