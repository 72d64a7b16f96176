"""An argument that is not as described is named in the error as the caller wrote it."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.protocol.errors import ArgumentError
from beanops.session.session import Session
from tests.session.conftest import fill

#: Nothing takes it.
WRONG: Any = ...
SELECTION = ("state", "limit", "order")
FILTERS = ("since", "until", "action", "run", "job", "tube", "actor", "limit")
#: For each method the arguments that it needs, and those that are given wrong one by one.
METHODS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("tubes", {}, ("pattern",)),
    ("tube", {}, ("name",)),
    ("next_jobs", {}, ("tube",)),
    ("rates", {"seconds": 0.01}, ("tube", "seconds", "every")),
    ("jobs", {}, ("tube", "ids", *SELECTION, "bodies", "columns", "rate")),
    ("scan", {}, ("tube", "ids", *SELECTION, "bodies", "rate")),
    ("sql", {"query": "from jobs"}, ("tube", "ids", *SELECTION, "rate")),
    ("facets", {}, ("tube", "top", "ids", *SELECTION, "rate")),
    ("snapshot", {"directory": "new"}, ("tube", "ids", *SELECTION, "rate")),
    ("job", {}, ("id",)),
    ("kick", {"jobs": "mail"}, ("jobs", *SELECTION, "rate")),
    ("bury", {"jobs": "mail"}, ("jobs", "priority", *SELECTION, "rate")),
    ("release", {"jobs": "mail"}, ("jobs", "priority", "delay", *SELECTION, "rate")),
    ("delete", {"jobs": "mail", "state": "ready"}, ("jobs", *SELECTION, "rate")),
    ("drain", {"tube": "mail", "state": "ready"}, ("tube", *SELECTION, "rate")),
    ("move", {"jobs": "mail", "to": "post"}, ("jobs", "to", *SELECTION, "rate", "buried_as")),
    ("copy", {"jobs": "mail", "to": "post"}, ("jobs", "to", *SELECTION, "rate", "buried_as")),
    (
        "edit",
        {"jobs": "mail", "priority": 9},
        ("jobs", "changes", "priority", "ttr", "delay", "to", "schema", *SELECTION, "rate", "buried_as"),
    ),
    ("touch", {}, ("jobs",)),
    ("kick_next", {"tube": "mail", "n": 1}, ("tube", "n")),
    ("put", {"body": b"1", "tube": "mail"}, ("body", "tube", "priority", "delay", "ttr")),
    ("put_many", {"bodies": [b"1"], "tube": "mail"}, ("bodies", "tube", "priority", "delay", "ttr", "rate")),
    ("pause", {"tube": "mail", "seconds": 1}, ("tube", "seconds")),
    ("unpause", {}, ("tube",)),
    ("reserve", {"tube": "mail"}, ("tube", "timeout")),
    ("undo", {"run": "x"}, ("run", "repeat", "buried_as", "rate")),
    ("resume", {}, ("run",)),
    ("export", {"file": "new"}, ("file", "jobs", *SELECTION, "rate")),
    ("import_", {"file": "new"}, ("file", "repeat", "buried_as", "rate")),
    ("journal.actions", {}, FILTERS),
    ("journal.runs", {}, FILTERS),
    ("journal.verify", {}, ("run",)),
    ("journal.prune", {}, ("older_than",)),
]


def test_an_error_names_the_argument_that_was_given(
    session: Session, worker: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(worker, "mail")
    for method, needed, names in METHODS:
        for name in names:
            with pytest.raises(ArgumentError) as raised:
                attrgetter(method)(session)(**{**needed, name: WRONG})
            assert raised.value.argument == name, f"{method}({name}=...): {raised.value}"


def test_several_ids_are_named_as_their_argument(session: Session) -> None:
    for ids in ([1.5], b"1", "1,x", {}, session.tubes()):
        with pytest.raises(ArgumentError, match=r"^ids: "):
            session.jobs(ids=ids)
        with pytest.raises(ArgumentError, match=r"^job: "):
            session.journal.actions(job=ids)
