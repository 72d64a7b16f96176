"""Bodies of frames are put again byte for byte, or refused."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from beanops.client.sync import Client
from beanops.protocol.errors import ArgumentError
from beanops.session.session import Session

BODIES = [b"\xff\xfe\x00", b"plain", "é".encode(), b"\\xff", b"", b'{"a": 1}']


@pytest.fixture
def jobs(worker: Client) -> list[bytes]:
    for body in BODIES:
        worker.put(body, tube="mail")
    return BODIES


def bodies_in(session: Session, tube: str) -> list[bytes]:
    return list(session.jobs(tube, bodies="bytes", order="oldest")["body"])


def test_a_frame_of_bytes_is_put_again_as_it_was(session: Session, jobs: list[bytes]) -> None:
    frame = session.jobs("mail", bodies="bytes", order="oldest")
    assert session.put_many(frame, tube="again").done == len(jobs)
    assert bodies_in(session, "again") == jobs
    session.put(frame.iloc[0], tube="one")
    assert bodies_in(session, "one") == jobs[:1]
    assert session.put_many(frame["body"], tube="column").done == len(jobs)
    assert bodies_in(session, "column") == jobs


def test_text_is_put_where_it_is_exact_and_refused_where_it_is_not(session: Session, jobs: list[bytes]) -> None:
    frame = session.jobs("mail", order="oldest")
    assert session.put_many(frame.iloc[1:], tube="again").done == len(jobs) - 1
    assert bodies_in(session, "again") == jobs[1:]
    for put in (lambda: session.put_many(frame, tube="new"), lambda: session.put(frame.iloc[0], tube="new")):
        with pytest.raises(ArgumentError, match=r"^body of row 0: .*read the jobs with bodies='bytes'"):
            put()
    assert "new" not in list(session.tubes().tube)


def test_a_redacted_body_is_not_put(open_session: Callable[..., Session], worker: Client) -> None:
    worker.put(b'{"password": "secret"}', tube="mail")
    session = open_session(redact=["password"])
    for form in ("text", "bytes"):
        with pytest.raises(ArgumentError, match="without redaction"):
            session.put_many(session.jobs("mail", bodies=form), tube="again")  # type: ignore[arg-type]


def test_a_frame_of_ones_own_needs_only_bodies(session: Session) -> None:
    assert session.put_many(pd.DataFrame({"body": [b"\xff", "text"]}), tube="again").done == 2
    assert bodies_in(session, "again") == [b"\xff", b"text"]
    with pytest.raises(ArgumentError, match="a frame with a column 'body'"):
        session.put_many(pd.DataFrame({"data": ["x"]}), tube="again")
