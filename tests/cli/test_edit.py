"""``beanops edit``: what becomes of bodies in all their envelopes, what is shown before, and bodies in an editor."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import BEANOPS, Cli, Terminal, bury, configure, one_line

Start = Callable[..., Terminal]
PLAIN = '{"customer": 42, "sum": 1.50}'
PHP = 'a:2:{s:8:"customer";i:42;s:3:"sum";d:1.5;}'
COMMAND = 'O:12:"App\\Jobs\\Pay":2:{s:8:"customer";i:42;s:4:"name";s:4:"Zoë";}'


def _json_in(text: str) -> str:
    return json.dumps({"job": "x", "data": text})


#: Bodies before and after, with what has the value in it.
ENVELOPES: dict[str, tuple[bytes, str, bytes]] = {
    "json": (PLAIN.encode(), "$.customer", PLAIN.replace("42", "7").encode()),
    "json in json": (_json_in(PLAIN).encode(), "$.data.customer", _json_in(PLAIN.replace("42", "7")).encode()),
    "base64": (base64.b64encode(PLAIN.encode()), "$.customer", base64.b64encode(PLAIN.replace("42", "7").encode())),
    "php": (PHP.encode(), "$.customer", PHP.replace("i:42", "i:7").encode()),
    "laravel": (
        json.dumps({"uuid": "u", "data": {"commandName": "App\\Jobs\\Pay", "command": COMMAND}}).encode(),
        "$.data.command.customer",
        json.dumps(
            {"uuid": "u", "data": {"commandName": "App\\Jobs\\Pay", "command": COMMAND.replace("i:42", "i:7")}}
        ).encode(),
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_value_is_set_within_its_envelope(name: str, cli: Cli, client: Client) -> None:
    body, path, edited = ENVELOPES[name]
    bury(client, "mail", body)
    ended = cli("edit", "mail", "--set", f"{path}=7")
    assert (ended.code, ended.out, ended.err) == (0, "edit: 1 done\n", "")
    (job,) = cli("jobs", "mail", "--json").json
    assert job["state"] == "buried"
    assert client.peek(job["id"]).body == edited
    run = cli("journal", "--json").json[0]["run"]
    assert cli("undo", run).out == "undo: 1 done\n"
    (job,) = cli("jobs", "mail", "--json").json
    assert client.peek(job["id"]).body == body


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda body: base64.b64encode(gzip.compress(body))])
def test_compressed_bodies_are_packed_again(pack: Callable[[bytes], bytes], cli: Cli, client: Client) -> None:
    bury(client, "mail", pack(PLAIN.encode()))
    assert cli("edit", "mail", "--set", "$.customer=7", "--kick").code == 0
    (job,) = cli("jobs", "mail", "--json").json
    assert job["state"] == "ready"
    body = client.peek(job["id"]).body
    unpacked = base64.b64decode(body) if body[:1] == b"H" else body
    assert zlib.decompress(unpacked, 47) == PLAIN.replace("42", "7").encode()


def test_values_are_json_or_text_and_are_removed(cli: Cli, client: Client) -> None:
    bury(client, "mail", b'{"a": 1, "b": 2, "token": "x"}')
    assert cli("edit", "mail", "--set", "$.a=[1, null]", "--set", "$.b=b c", "--unset", "$.token").code == 0
    (job,) = cli("jobs", "mail", "--json").json
    assert client.peek(job["id"]).body == b'{"a": [1, null], "b": "b c"}'


def test_settings_are_changed_with_or_without_the_body(cli: Cli, client: Client) -> None:
    bury(client, "mail", PLAIN.encode())
    options = ("--priority", "3", "--ttr", "2m", "--delay", "1h", "--to", "post", "--kick")
    assert cli("edit", "mail", *options).out == "edit: 1 done\n"
    (job,) = cli("jobs", "post", "--json").json
    stats = client.stats_job(job["id"])
    assert (stats.state, stats.priority, stats.ttr, stats.delay) == ("delayed", 3, 120, 3600)


def test_what_was_unchanged_and_what_was_refused_is_counted(cli: Cli, client: Client) -> None:
    bury(client, "mail", b'{"n": 1}', b'{"n": 2}', b"text", b"{")
    ended = cli("edit", "mail", "--set", "$.n=1", "--json")
    assert ended.code == 1
    assert (ended.json["done"], ended.json["unchanged"]) == (1, 1)
    assert "2 were left out, 1: " in ended.err
    assert "; 1: " in ended.err
    again = cli("edit", "mail", "--set", "$.n=1", "--where", "body like '%n%'")
    assert (again.code, again.out) == (0, "edit: 0 done, 2 unchanged\n")


def test_a_dry_run_shows_the_difference_and_changes_nothing(cli: Cli, client: Client) -> None:
    ids = bury(client, "mail", b'{"customer": 42, "token": "s3cret"}', b'{"customer": 7, "token": "s3cret"}')
    ended = cli("edit", "mail", "--set", "$.customer=7", "--redact", "token", "--kick", "--dry-run")
    assert ended.code == 0
    assert '\n-  "customer": 42,\n+  "customer": 7,\n' in ended.out
    assert f"job {ids[0]}, buried in tube mail, state buried -> ready" in ended.out
    assert "s3cret" not in ended.out
    assert "\x1b" not in ended.out
    assert [client.stats_job(id).state for id in ids] == ["buried", "buried"]
    only = cli("edit", "mail", "--set", "$.token=x", "--redact", "token", "--dry-run", "--json")
    assert only.json["sample"][0]["diff"] == ["\\ only hidden values differ"]
    assert cli("journal", "--json").json == []


def test_the_difference_is_coloured_on_a_terminal(terminal: Start, client: Client) -> None:
    bury(client, "mail", b'{"customer": 42, "evil": "\x1b]0;x\x07"}'.replace(b"\x1b", b"\\u001b").replace(b"\x07", b""))
    shown = terminal("edit", "mail", "--set", "$.customer=7", "--dry-run")
    assert shown.end() == 0
    assert '\x1b[31m-  "customer": 42,\x1b[0m' in shown.shown
    assert '\x1b[32m+  "customer": 7,\x1b[0m' in shown.shown
    assert "\x1b]0" not in shown.shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mail"], "nothing to change"),
        (["mail", "--set", "customer=7"], "a path begins with $"),
        (["mail", "--set", "$.customer"], "expected PATH=VALUE"),
        (["mail", "--set", "$.a=1", "--set", "$.a=2"], "--set has $.a twice"),
        (["mail", "--set", "$.a=1", "--unset", "$.a.b"], "one is inside the other"),
        (["mail", "--unset", "$.a["], "expected a number"),
        (["mail", "--editor"], "--editor takes the jobs of --ids"),
        (["--ids", "1", "--where", "age > interval 1 day"], "nothing to change"),
        (["--ids", "1", "--rate", "5"], "no --set, --unset, --rate"),
        (["mail", "--ids", "1", "--kick"], "give either TUBE or --ids"),
        (["--ids", "1", "--editor", "--set", "$.a=1"], "--editor takes the jobs of --ids"),
        (["mail", "--kick", "--schema", "none.json"], "schema none.json cannot be read: No such file or directory"),
        (["mail", "--ttr", "-1"], "whole seconds"),
        (["mail", "--kick", "--state", "reserved"], "--state reserved names none of these"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], words: str, cli: Cli, client: Client) -> None:
    bury(client, "mail", PLAIN.encode())
    ended = cli("edit", *arguments)
    assert ended.code == 2
    assert words in one_line(ended.err)
    assert client.stats().cmd_put == 1


def test_a_read_only_session_edits_nothing(cli: Cli, client: Client) -> None:
    (id,) = bury(client, "mail", PLAIN.encode())
    for arguments in (["mail", "--set", "$.customer=7"], ["--ids", str(id)]):
        ended = cli("--read-only", "edit", *arguments)
        assert ended.code == 4
        assert "read-only" in one_line(ended.err)
    assert client.stats().cmd_put == 1


def test_more_than_a_hundred_jobs_are_confirmed(cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(client, "mail", *(b'{"n": %d}' % n for n in range(102)))
    refused = cli("edit", "mail", "--set", "$.n=0")
    assert (refused.code, "pass --yes" in one_line(refused.err)) == (4, True)
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)
    ended = cli("edit", "mail", "--set", "$.n=0", stdin=b"101\n")
    assert ended.err.startswith("Edit 101 of the jobs of tube mail")
    assert (ended.code, ended.out) == (0, "edit: 101 done, 1 unchanged\n")


def test_without_bodies_in_the_journal_the_number_is_typed(
    cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("journal_bodies = false\n")
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)
    bury(client, "mail", PLAIN.encode())
    ended = cli("edit", "mail", "--set", "$.customer=7", stdin=b"y\n")
    assert "This cannot be undone: the journal keeps no bodies. Type their number to go on: " in ended.err
    assert ended.code == 4
    assert cli("edit", "mail", "--set", "$.customer=7", stdin=b"1\n").out == "edit: 1 done\n"


# -- schema ----------------------------------------------------------------------------------------------------------


def test_put_edit_and_import_refuse_what_does_not_fit(cli: Cli, client: Client, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"properties": {"customer": {"type": "integer"}}}')
    ended = cli("put", "mail", '{"customer": "x"}', "--schema", str(schema))
    assert (ended.code, one_line(ended.err)) == (2, 'beanops: body: schema: $.customer: does not fit type "integer"')
    assert cli("put", "mail", '{"customer": 1}', "--schema", str(schema)).code == 0
    ended = cli("edit", "mail", "--set", "$.customer=x", "--schema", str(schema))
    assert ended.code == 1
    assert '$.customer: does not fit type "integer"' in one_line(ended.err)
    lines = tmp_path / "jobs.jsonl"
    lines.write_text('{"tube": "mail", "body": "{}"}\n{"tube": "mail", "body": "{\\"customer\\": null}"}\n')
    ended = cli("import", str(lines), "--schema", str(schema))
    assert ended.code == 2
    assert one_line(ended.err).startswith("beanops: line 2: schema: $.customer: does not fit type")
    assert client.stats().cmd_put == 1


# -- in an editor ----------------------------------------------------------------------------------------------------


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a script the user's editor: ``editor("sed -i s/42/7/ $1")``."""

    def make(script: str) -> Path:
        file = tmp_path / "editor"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o700)
        monkeypatch.setenv("EDITOR", str(file))
        return tmp_path

    monkeypatch.delenv("VISUAL", raising=False)
    return make


def test_a_body_is_edited_in_an_editor_and_confirmed(
    editor: Callable[[str], Path], cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = bury(client, "mail", b'{"customer":42,  "token":"s3cret"}')
    folder = editor('cp "$1" "$(dirname "$0")/shown"; sed -i s/42/7/ "$1"')
    refused = cli("edit", "--ids", str(id), "--redact", "token")
    assert (refused.code, refused.err.splitlines()[-1]) == (
        4,
        f"beanops: edit of job {id} was refused: not a terminal; pass --yes",
    )
    assert (folder / "shown").read_text() == '{\n  "customer": 42,\n  "token": "[redacted]"\n}\n'
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)
    declined = cli("edit", "--ids", str(id), stdin=b"n\n")
    assert declined.code == 4
    assert client.stats().cmd_put == 1
    ended = cli("edit", "--ids", str(id), "--redact", "token", "--kick", "--editor", stdin=b"y\n")
    assert (ended.code, ended.out) == (0, "edit: 1 done\n")
    assert '-  "customer": 42,\n+  "customer": 7,' in ended.err
    assert "s3cret" not in ended.err
    (job,) = cli("jobs", "mail", "--json").json
    assert job["state"] == "ready"
    assert client.peek(job["id"]).body == b'{"customer":7,  "token":"s3cret"}'


@pytest.mark.parametrize("script", ["true", 'touch "$1"', ': > "$1"', 'echo > "$1"'])
def test_an_unchanged_or_emptied_file_does_nothing(
    script: str, editor: Callable[[str], Path], cli: Cli, client: Client
) -> None:
    ids = bury(client, "mail", b'{"n": 1}', b"text")
    editor(script)
    ended = cli("edit", "--ids", f"{ids[0]}-{ids[1]}", "--yes")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "".join(f"job {id}: nothing changed\n" for id in ids)
    assert client.stats().cmd_put == 2


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo "{" > "$1"', "not JSON, line 2"),
        (r'printf "\377" > "$1"', "not UTF-8, at byte 1"),
        ('sed -i s/42/x/ "$1"', "not JSON, line 2"),
        ("exit 3", "Editing failed"),
    ],
)
def test_what_cannot_be_put_says_why_in_one_line(
    script: str, words: str, editor: Callable[[str], Path], cli: Cli, client: Client
) -> None:
    (id,) = bury(client, "mail", b'{"customer": 42}')
    editor(script)
    ended = cli("edit", "--ids", str(id), "--yes")
    assert ended.code == 2
    assert words in one_line(ended.err)
    assert client.stats().cmd_put == 1


def test_what_does_not_parse_can_be_edited_on(
    editor: Callable[[str], Path], terminal: Start, client: Client, tmp_path: Path
) -> None:
    (id,) = bury(client, "mail", b'{"customer": 42}')
    schema = tmp_path / "schema.json"
    schema.write_text('{"properties": {"customer": {"maximum": 9}}}')
    editor(
        'cd "$(dirname "$0")"; if test ! -e 1; then touch 1; sed -i s/42/4x2/ "$1";'
        ' elif test ! -e 2; then touch 2; sed -i s/4x2/43/ "$1"; else sed -i s/43/7/ "$1"; fi'
    )
    shown = terminal("edit", "--ids", str(id), "--schema", str(schema))
    shown.until("Edit again? [Y/n]: ")
    assert "not JSON, line 2" in shown.shown
    shown.type("\n")
    shown.until("schema: $.customer: does not fit maximum 9. Edit again? [Y/n]: ")
    shown.type("y\n")
    shown.until("[y/N]: ")
    assert f"Edit job {id}" in shown.shown
    shown.type("y\n")
    assert shown.end() == 0
    assert client.peek(client.stats().cmd_put).body == b'{"customer": 7}'


def test_a_job_that_changed_while_it_was_edited_is_left(
    editor: Callable[[str], Path], cli: Cli, client: Client, beanstalkd: Beanstalkd
) -> None:
    (id,) = bury(client, "mail", b'{"customer": 42}')
    editor(f'sed -i s/42/7/ "$1"; {BEANOPS} -s {beanstalkd.address} kick --ids {id} >&2')
    ended = cli("edit", "--ids", str(id), "--yes")
    assert ended.code == 1
    assert f"job {id}: it is ready now" in ended.err
    assert client.stats().cmd_put == 1


def test_jobs_that_cannot_be_edited_do_not_keep_the_others_from_it(
    editor: Callable[[str], Path], cli: Cli, client: Client
) -> None:
    ids = bury(client, "mail", b'{"n": 42}', b"\x00\xff" * 40, b'{"n": 42}')
    client.put(b"42", tube="other")
    client.watch("other")
    taken = client.reserve(0).id
    editor('sed -i s/42/7/ "$1"')
    named = ",".join(map(str, (*ids, taken, 99)))
    ended = cli("edit", "--ids", named, "--yes")
    assert ended.code == 1
    assert ended.out == "edit: 1 done\nedit: 1 done\n"
    assert f"job {ids[1]} cannot be edited: " in ended.err
    assert f"job {taken}: a worker has reserved it" in ended.err
    assert "job 99 does not exist" in ended.err
    assert ended.err.endswith("beanops: 3 of 5 jobs could not be edited\n")
