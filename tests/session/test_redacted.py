"""What a session hides is hidden in everything that it gives out; what acts on jobs and keeps them has the bytes."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from beanops import connect
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import UsageError
from beanops.session.files import samples
from beanops.session.session import Session

SECRET = "hUnter2-S3cret"
BODIES = [
    b'{"token": "%s", "user": 7}' % SECRET.encode(),
    b'{"token":"%s","token":null}' % SECRET.encode(),
    b"<job><token>%s</token></job>" % SECRET.encode(),
    gzip.compress(b'{"token":"%s"}' % SECRET.encode(), 0, mtime=0),
    b"\x00\xff token %s" % SECRET.encode(),
]


@pytest.fixture
def session(beanstalkd: Beanstalkd, client: Client) -> Any:
    for body in BODIES:
        client.put(body, tube="mail")
    with connect(beanstalkd.address, redact=["*token*"]) as session:
        yield session


def _reveals(value: object) -> bool:
    text = value if isinstance(value, str) else repr(value)
    return SECRET in text or SECRET.encode().hex() in text


def test_all_that_looks_gives_out_what_may_be_shown(session: Session, tmp_path: Path) -> None:
    ids = range(1, len(BODIES) + 1)
    found = [
        *(job for batch in session.scan("mail") for job in batch),
        *(job for batch in session.scan("mail", order="-size", limit=9) for job in batch),
        *session._lookups.jobs_by_id(ids),
        *map(session.job, ids),
        session.next_jobs("mail")["ready"],
    ]
    frame = session.jobs("mail")
    session.snapshot(tmp_path / "saved", "mail")
    saved = (
        "".join(map(str, (tmp_path / "saved").rglob("*"))),
        *[file.read_bytes().decode("latin-1") for file in (tmp_path / "saved").rglob("*.parquet")],
    )
    shown = [
        *(tuple(job) for job in found if job),
        *(job._repr_html_() for job in found if job),
        *frame.to_dict("records"),
        *session.sql("select body, data from jobs").to_dict("records"),
        *session._lookups.sql_rows("select body, data from jobs").rows,
        *saved,
    ]
    assert len(found) == 4 * len(BODIES) + 1
    assert not [one for one in shown if _reveals(one)]
    assert sorted(frame["size"]) == sorted(map(len, BODIES))
    assert {job.id: job.size for job in found if job} == {id: len(BODIES[id - 1]) for id in ids}
    with session.reserve("mail") as held:
        assert not _reveals(held.body)
        assert not _reveals(held.kept)


def test_what_is_hidden_is_found_by_no_predicate(session: Session) -> None:
    where = f"body like '%{SECRET}%' or data::varchar like '%{SECRET}%'"
    assert session.jobs(where=where).empty
    assert session.delete("mail", where=where, dry_run=True).done == 0
    run = session.delete("mail", state="ready")
    assert run.done == len(BODIES)
    assert session.undo(run, where=where, dry_run=True).done == 0
    user = "data->>'$.user' = '7'"
    planned = session.undo(run, where=user, dry_run=True)
    assert planned.done == 1
    assert planned.sample
    assert not _reveals([tuple(intent) for intent in planned.sample])


def test_a_body_that_is_hidden_as_a_whole_matches_no_predicate_on_data(session: Session, client: Client) -> None:
    client.put(pickle.dumps({"keep": 1}), tube="pickled")
    for predicate in ("data->>'$.keep' is null", "data->>'$.keep' is not null"):
        assert session.jobs("pickled", where=predicate).empty
    assert len(session.jobs("pickled", where="size > 0 and body like '[hidden: pickle, %'")) == 1


def test_what_acts_and_keeps_has_the_bytes(session: Session, client: Client, tmp_path: Path) -> None:
    kept = dict(enumerate(BODIES, 1))
    moved = session.move("mail", "other", state="ready")
    copied = session.copy("other", "third", state="ready")
    put_again = session.undo(session.delete("third", state="ready"))
    session.export(tmp_path / "out", "other")
    exported = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert moved.done == copied.done == put_again.done == len(BODIES)
    for tube in ("other", "third"):
        ids = [job.id for batch in session.scan(tube) for job in batch]
        assert sorted(client.peek(id).body for id in ids) == sorted(kept.values())
    assert exported[0]["body"].encode() == BODIES[0]


def test_jobs_that_were_shown_can_be_acted_on(session: Session) -> None:
    job, peeked = session.job(1), session.job(2)
    frame = session.jobs("mail", ids=[3])
    assert session.delete([job, peeked]).done == 2
    assert session.delete(frame).done == 1


def test_a_body_that_is_hidden_is_kept_as_no_sample(session: Session) -> None:
    with pytest.raises(UsageError, match="its body is redacted"):
        samples.save("x", session.job(1))
    session.put(b"plain", tube="mail")
    samples.save("x", session.job(6))
    assert samples.load("x").body == b"plain"


@pytest.mark.parametrize("bodies", ["text", "bytes"])
def test_jobs_are_found_again_by_their_bodies_as_frames_show_them(
    session: Session, client: Client, bodies: Any
) -> None:
    client.put(b"\xff\\xfe", tube="mail")
    rows = session.jobs("mail", bodies=bodies, columns=["id", "body"]).to_dict("records")
    assert len(rows) == len(BODIES) + 1
    run = session.bury(rows)
    assert (run.done, run.reasons) == (len(rows), {})
    assert session.resume(run).done == 0
    assert session.delete(rows, where="state = 'buried'").done == len(rows)


def test_a_body_that_is_not_shown_so_is_that_of_another_job(session: Session, client: Client) -> None:
    other = b'{"token": "%s", "user": 8}' % SECRET.encode()
    ids = [client.put(other, tube="mail"), client.put(b"\xfe", tube="mail")]
    bodies = [session.jobs(ids=[1])["body"][0], "\\xff"]
    rows = [{"id": id, "body": body} for id, body in zip(ids, bodies, strict=True)]
    run = session.delete(rows)
    assert (run.done, run.reasons) == (0, {"id was reused by another job": (2, f"job {ids[0]}")})
