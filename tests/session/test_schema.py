"""A JSON Schema that bodies must fit: what it says of one that does not, and which schemas are no schemas."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from beanops.client.sync import Client
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.editing.schema import Schema, SchemaError, SchemaMismatch
from beanops.session.session import Session
from tests.session.conftest import population

SCHEMA = {"type": "object", "required": ["customer"], "properties": {"customer": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "data", "reason"),
    [
        (SCHEMA, {"customer": 7}, None),
        (SCHEMA, {"customer": "s3cret"}, '$.customer: does not fit type "integer"'),
        (SCHEMA, {"x": 1}, "$: is missing customer"),
        ({"properties": {"a": {"items": {"maximum": 3}}}}, {"a": [1, 9]}, "$.a[1]: does not fit maximum 3"),
        ({"additionalProperties": False}, {"s3cret": 1}, "$: has a property that the schema does not allow"),
        ({"oneOf": [{"type": "string"}]}, {"s3cret": 1}, "$: does not fit exactly one of the schemas of oneOf"),
        ({"properties": {"a": False}}, {"a": "s3cret"}, "$: is not allowed by the schema"),
        ({"enum": ["x" * 200]}, "s3cret", '$: does not fit enum ["xxx'),
        ({"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, {"a": "s"}, "$.a: does not"),
        ({"properties": {"next": {"$ref": "#"}}, "maxProperties": 1}, {"next": {"a": 1, "b": 2}}, "$.next: does not"),
        ({"pattern": "^a"}, "b\x1b[2J", '$: does not fit pattern "^a"'),
    ],
)
def test_a_reason_has_the_path_and_no_value(schema: Any, data: Any, reason: str | None) -> None:
    problem = Schema.of(schema).problem(json.dumps(data).encode())
    if reason is None:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith(f"schema: {reason}")
        assert "s3cret" not in problem
        assert problem.isprintable()
        assert len(problem) < 200


def test_the_decoded_data_is_what_must_fit() -> None:
    import base64
    import gzip

    packed = base64.b64encode(gzip.compress(b'{"customer": "x"}'))
    assert "$.customer" in (Schema(SCHEMA).problem(packed) or "")
    assert "not decoded whole" in (Schema(SCHEMA).problem(b'{"customer": 1, "customer": 2}') or "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ('{"type": "nonsense"}', "is no valid JSON Schema, at $.type"),
        ("[1]", "is no valid JSON Schema"),
        ('{"$ref": "http://127.0.0.1:9/x.json"}', "refers to http://127.0.0.1:9/x.json, which is not in it"),
        ('{"properties": {"a": {"$ref": "#/$defs/none"}}}', "refers to #/$defs/none"),
        ('{"allOf": [{"$ref": "file:///etc/hostname"}]}', "fetches none"),
        ('{"$schema": "http://127.0.0.1:9/meta", "$ref": "other.json"}', "refers to other.json"),
        ('{"pattern": "("}', "is no valid JSON Schema, at $.pattern: '(' is not a 'regex'"),
        ('{"patternProperties": {"(": {}}}', "at $.patternProperties: '(' is not a 'regex'"),
    ],
)
def test_a_bad_schema_is_one_clear_error(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(text)
    with pytest.raises(SchemaError) as caught:
        Schema.of(file)
    assert words in str(caught.value)
    assert "schema.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_schema_that_is_none_or_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SchemaError, match="No such file"):
        Schema.of(tmp_path / "none.json")
    with pytest.raises(SchemaError, match="Is a directory"):
        Schema.of(tmp_path)
    with pytest.raises(ArgumentError):
        Schema.of(7)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(SchemaError, match=r"pip install 'beanops\[schema\]'"):
        Schema.of(SCHEMA)


def test_a_validator_of_jsonschema_is_a_schema_too() -> None:
    assert Schema.of(
        jsonschema.Draft7Validator({**SCHEMA, "$schema": jsonschema.Draft7Validator.META_SCHEMA["$schema"]})
    )
    assert Schema.of(jsonschema.Draft202012Validator(SCHEMA)).problem(b"{}") == "schema: $: is missing customer"


def test_an_edit_skips_jobs_whose_new_body_does_not_fit(session: Session, worker: Client) -> None:
    session.put_many([{"customer": "x"}, {"customer": 2}, {"other": 1}], tube="mail")
    before = population(worker)
    run = session.edit("mail", {"$.other": 1}, schema=SCHEMA)
    assert (run.done, run.skipped, run.unchanged) == (1, 1, 1)
    assert run.reasons == {'schema: $.customer: does not fit type "integer"': (1, "job 1")}
    assert session.undo(run).done == 1
    assert population(worker) == before


def test_put_sends_nothing_that_does_not_fit(session: Session, worker: Client) -> None:
    with pytest.raises(SchemaMismatch, match=r"^body: schema: \$: is missing customer$"):
        session.put({}, tube="mail", schema=SCHEMA)
    with pytest.raises(SchemaMismatch, match=r"^body 2: schema: \$: is missing customer$"):
        session.put_many([{"customer": 1}, {}], tube="mail", schema=SCHEMA)
    with pytest.raises(UsageError):
        session.put({}, tube="mail", schema={"type": "nonsense"})
    assert worker.stats().total_jobs == 0
    assert session._context.journal().runs() == []
    assert session.put({"customer": 1}, tube="mail", schema=SCHEMA).done == 1
    assert session.put_many([{"customer": 1}] * 2, tube="mail", schema=SCHEMA).done == 2


def test_import_names_the_line_and_puts_nothing_if_one_does_not_fit(
    session: Session, worker: Client, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.jsonl"
    lines = [{"tube": "mail", "body": json.dumps({"customer": customer})} for customer in (1, 2, "x")]
    file.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(SchemaMismatch) as caught:
        session.import_(file, schema=SCHEMA)
    assert str(caught.value) == 'line 3: schema: $.customer: does not fit type "integer"; nothing was imported'
    assert worker.stats().total_jobs == 0
    file.write_text("\n".join(map(json.dumps, lines[:2])))
    assert session.import_(file, schema=SCHEMA).done == 2
