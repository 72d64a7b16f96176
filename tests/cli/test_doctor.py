"""``beanops doctor``: what it finds, that it changes nothing, and that the bundle has no secrets."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, Ended, configure, one_line

#: No machine is wrong while these tests run: what the terminal and the limits are is their own.
OWN = ("journal", "configuration", "recording", "server")


def wrong(ended: Ended) -> list[tuple[str, str, str]]:
    """Return what of an examination needs attention, apart from the machine."""
    assert "Traceback" not in ended.err
    rows = ended.json
    assert all(row["advice"] for row in rows if row["state"] != "ok")
    return [
        (row["area"].partition(" ")[0], row["state"], row["text"])
        for row in rows
        if row["state"] != "ok" and row["area"].startswith(OWN)
    ]


def test_all_is_well_at_first_and_nothing_is_made(cli: Cli, beanstalkd: Beanstalkd) -> None:
    ended = cli("doctor", "-o", "json")
    assert wrong(ended) == []
    assert ended.code == (0 if all(row["state"] == "ok" for row in ended.json) else 1)
    texts = {row["area"]: [one["text"] for one in ended.json if one["area"] == row["area"]] for row in ended.json}
    assert any(text.startswith("round trip ") for text in texts[f"server {beanstalkd.address}"])
    assert any("the first action makes it" in text for text in texts["journal"])
    assert not Path(os.environ["BEANOPS_JOURNAL"]).exists()
    shown = cli("doctor")
    assert shown.out.splitlines()[0].startswith("ok       beanops: beanops ")


def test_no_server_is_a_finding(cli: Cli) -> None:
    ended = cli("-s", "127.0.0.1:1", "doctor", "-o", "json")
    assert ended.code == 1
    ((area, state, text),) = wrong(ended)
    assert (area, state) == ("server", "problem")
    assert "Connection refused" in text
    assert wrong(cli("doctor", "-s", "no such server", "-o", "json"))[0][:2] == ("server", "problem")


def test_problems_of_the_server_are_findings(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    client.put(b"x", tube="mail")
    ((_, state, text),) = wrong(cli("doctor", "-o", "json"))
    assert state in ("warning", "problem")
    assert text.startswith("no-workers: tube mail: 1 job ready")
    assert f"-> beanops -s {beanstalkd.address} stats mail" in cli("doctor").out


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("[", "config.toml"),
        ("colour = 1", "colour is unknown"),
        ("[servers.a]\nread_only = true", "servers.a: it has no address"),
        ("[keys]\na = 1", "keys.a must name keys"),
    ],
)
def test_a_broken_configuration_is_a_finding(cli: Cli, config: str, text: str) -> None:
    configure(config)
    ended = cli("doctor", "-o", "json")
    ((area, state, said),) = wrong(ended)
    assert (ended.code, area, state) == (1, "configuration", "problem")
    assert text in said


def test_profiles_that_do_not_answer_and_secrets_for_others_are_told(cli: Cli, beanstalkd: Beanstalkd) -> None:
    configure(f'[servers.here]\naddress = "{beanstalkd.address}"\n[servers.away]\naddress = "127.0.0.1:1"')
    ((area, state, text),) = wrong(cli("doctor", "-o", "json"))
    assert (area, state) == ("configuration", "warning")
    assert text.startswith("server away: ")
    rules = Path(os.environ["BEANOPS_CONFIG"]).with_name("alerts.toml")
    rules.write_text('[notifiers.pager]\ntype = "pagerduty"\nrouting_key = "R0"\n')
    rules.chmod(0o644)
    assert any("alerts.toml may have secrets" in text for _, _, text in wrong(cli("doctor", "-o", "json")))
    rules.chmod(0o600)
    assert not any("alerts.toml" in text for _, _, text in wrong(cli("doctor", "-o", "json")))


def test_a_journal_that_is_none_is_a_finding(cli: Cli) -> None:
    path = Path(os.environ["BEANOPS_JOURNAL"])
    path.write_bytes(b"no database" * 100)
    path.chmod(0o600)
    ((area, state, text),) = wrong(cli("doctor", "-o", "json"))
    assert (area, state) == ("journal", "problem")
    assert "file is not a database" in text
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("create table cats (name text)")
    other.close()
    path.chmod(0o600)
    assert "is no journal of beanops" in wrong(cli("doctor", "-o", "json"))[0][2]


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://ann:hunter2@127.0.0.1:1/ops", "nosuchdb://ann:hunter2@host/ops", "postgres:hunter2"]
)
def test_a_database_that_is_not_there_is_a_finding_without_its_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BEANOPS_JOURNAL", url)
    ended = cli("doctor", "-o", "json")
    assert [row[:2] for row in wrong(ended)] == [("journal", "problem")]
    assert "hunter2" not in ended.out + ended.err


def test_a_journal_of_another_version_is_not_touched(cli: Cli, client: Client) -> None:
    cli("put", "mail", "x")
    path = Path(os.environ["BEANOPS_JOURNAL"])
    for version, found in ((1, False), (99, True)):
        with sqlite3.connect(path) as database:
            database.execute("update schema_version set version = ?", (version,))
        database.close()
        ended = cli("doctor", "-o", "json")
        assert any(area == "journal" for area, _, _ in wrong(ended)) is found
        texts = [row["text"] for row in ended.json if row["area"] == "journal"]
        assert any(f"version {version}" in text for text in texts)
        with sqlite3.connect(path) as database:
            assert database.execute("select version from schema_version").fetchall() == [(version,)]
        database.close()
    assert list(path.parent.glob("*.bak")) == []


def test_runs_that_did_not_end_and_the_future_are_told(cli: Cli, client: Client) -> None:
    cli("put", "mail", "x")
    path = Path(os.environ["BEANOPS_JOURNAL"])
    with sqlite3.connect(path) as database:
        database.execute("update leases set ended = null, alive_until = 0")
        database.execute("update runs set time = time + 3600000000")
    database.close()
    texts = [text for area, _, text in wrong(cli("doctor", "-o", "json")) if area == "journal"]
    assert texts[0].startswith("1 run did not end, the last one ")
    assert texts[1].endswith("which is in the future")


def read(path: Path) -> dict[str, bytes]:
    """Return the files of a bundle."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive.getmembers()}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["bundle.zip", "bundle.tar.gz"])
@pytest.mark.parametrize("broken", [False, True])
def test_the_bundle_has_no_secret(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str,
    broken: bool,
) -> None:  # fmt: skip
    secret = "hunter2hunter2"
    with connect(beanstalkd.address, actor=f"{secret}@host") as session:
        run = session.put({"token": secret}, tube="mail", reason=secret)
        session.delete(run.ids, where=f"body <> '{secret}'", reason=secret)
        session.put(secret, tube="mail")
    journal = os.environ["BEANOPS_JOURNAL"]
    monkeypatch.setenv("BEANOPS_SMTP_PASSWORD", secret)
    configure(
        f'journal = "postgresql://ann:{secret}@127.0.0.1:1/ops?sslpassword={secret}"\n'
        f'[servers.prod]\naddress = "{beanstalkd.address}"\nlabel = "{secret}"\nredact = ["{secret}"]\n'
        f'[keys]\n"table.down" = "{secret}"\n'
        + (f'[servers.bad]\naddress = "x"\nread_only = "{secret}"\npassword = "{secret}"\n' if broken else "")
    )
    Path(os.environ["BEANOPS_CONFIG"]).with_name("alerts.toml").write_text(f'password = "{secret}"')
    for journal_url in (journal, f"postgresql+psycopg://ann:{secret}@127.0.0.1:1/ops"):
        monkeypatch.setenv("BEANOPS_JOURNAL", journal_url)
        path = tmp_path / f"{len(journal_url)}-{name}"
        ended = cli("doctor", "--bundle", str(path))
        assert ended.code == 1
        files = read(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {file.rpartition("/")[2] for file in files} == {
            "README.txt", "doctor.json", "configuration.json", "environment.json", "runs.json", "servers.json",
        }  # fmt: skip
        assert [data for data in files.values() if secret.encode() in data] == []
        documents: dict[str, Any] = {
            file.rpartition("/")[2]: json.loads(data) for file, data in files.items() if file.endswith(".json")
        }
        assert documents["configuration.json"]["servers"]["prod"]["address"] == beanstalkd.address
        assert documents["environment.json"]["BEANOPS_SMTP_PASSWORD"] == "set"
        assert [run["action"] for run in documents["runs.json"]] == (
            ["put", "delete", "put"] if journal_url == journal else []
        )
        (server,) = documents["servers.json"].values()
        assert "mail" in [tube["name"] for tube in server["tubes"]]


def test_a_bundle_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    there = tmp_path / "a.zip"
    there.write_text("mine")
    for path in (there, tmp_path / "a.txt", tmp_path / "none" / "a.zip"):
        ended = cli("doctor", "--bundle", str(path))
        assert ended.code != 0
        assert "Traceback" not in ended.err
    assert there.read_text() == "mine"
    assert one_line(cli("doctor", "--bundle", str(there)).err).endswith("it exists; give another name")


def test_a_session_examines_its_own_server_and_journal(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    server = start_beanstalkd()
    with connect(server.address, journal=str(tmp_path / "own.sqlite")) as session:
        session.put("x", tube="mail")
        found = session.doctor()
    assert list(found.columns) == ["area", "state", "text", "advice"]
    assert found.text.str.contains("own.sqlite").any()
    assert f"server {server.address}" in set(found.area)
