"""The command line on servers with TLS and a token: options, variables, every face, and no secret anywhere."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Reach, connect
from beanops.embedded.process import Beanstalkd, free_port
from beanops.exporter.service import pollers_of
from tests.certificates import Certificates
from tests.cli.conftest import Cli, one_line
from tests.waits import until

SECRET = "s3cret-token-of-the-tests"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def secure(start_beanstalkd: Callable[..., Beanstalkd], certificates: Certificates) -> Beanstalkd:
    """Start a server that speaks TLS and wants a token."""
    return start_beanstalkd(tls=certificates, token=SECRET)


@pytest.fixture
def options(secure: Beanstalkd, certificates: Certificates, token: Path) -> list[str]:
    """Give the options that reach it."""
    return ["-s", secure.address, "--tls-ca", str(certificates.ca), "--token-command", f"cat {token}"]


def configure(secure: Beanstalkd, certificates: Certificates, token: Path, more: str = "") -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        f'[servers.prod]\naddress = "{secure.address}"\ntls_ca = "{certificates.ca}"\n'
        f'token_command = "cat {token} # {SECRET}"\n{more}'
    )


def test_options_before_and_after_the_name(cli: Cli, options: list[str]) -> None:
    assert cli(*options, "put", "mail", "x").code == 0
    assert '"mail"' in cli("tubes", "--json", *options).out
    assert '"mail"' in cli(*options[:2], "tubes", "--json", *options[2:]).out
    assert cli(*options, "delete", "mail", "--state", "ready", "-y").code == 0
    assert cli("check", *options).code == 0
    assert cli("check", *options[:2]).code == 2


def test_variables(cli: Cli, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEANOPS_SERVER", options[1])
    monkeypatch.setenv("BEANOPS_TLS_CA", options[3])
    monkeypatch.setenv("BEANOPS_TOKEN_COMMAND", options[5])
    assert cli("stats").code == 0
    # An option is stronger than a variable.
    assert "no such file" in one_line(cli("stats", "--token-file", "/none").err).lower()


def test_options_go_to_no_other_server(cli: Cli, options: list[str], beanstalkd: Beanstalkd) -> None:
    """Another server of the same command gets no token."""
    assert cli(*options, "put", "mail", "x").code == 0
    ended = cli(*options, "copy", "mail", "--state", "ready", "--to-server", beanstalkd.address, "-y")
    assert ended.code == 0, ended.err
    with connect(beanstalkd.address) as session:
        assert session.server().current_jobs_ready == 1


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["--tls-ca", "x", "-s", "127.0.0.1:1"], "tls_ca needs an address that begins with beanstalks://"),
        (["--tls-min-version", "1", "-s", "beanstalks://127.0.0.1:1"], "tls_min_version must be one of 1.2, 1.3"),
        (["--token-file", "a", "--token-command", "b"], "give one of token_file and token_command"),
        (["--token-keyring", "a"], "token_keyring must be service/user"),
        (["--token", SECRET], "no such option '--token'; did you mean '--token-file'"),
    ],
)
def test_options_that_are_refused(cli: Cli, given: list[str], complaint: str) -> None:
    ended = cli(*given, "tubes")
    assert complaint in ended.err
    assert (ended.code, "Traceback" in ended.err) == (2, False)


def test_errors_are_one_line(cli: Cli, options: list[str], secure: Beanstalkd, certificates: Certificates) -> None:
    for wrong, code in (
        (options[:2], 3),
        (options[:4], 3),
        (["-s", secure.address.removeprefix("beanstalks://")], 3),
        ([*options[:3], str(certificates.other_ca)], 3),
    ):
        ended = cli(*wrong, "tubes")
        assert ended.code == code
        assert one_line(ended.err)


def test_several_addresses(cli: Cli, beanstalkd: Beanstalkd) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        f'[servers.prod]\naddresses = ["{nobody}", "{beanstalkd.address}"]\ntoken_file = "t"\n'
        f'[servers.two]\naddresses = ["{nobody}", "{beanstalkd.address}"]\n'
    )
    (row, _) = json.loads(cli("servers", "--json").out)
    assert (row["address"], row["others"], row["token"]) == (nobody, beanstalkd.address, "file")
    assert cli("-s", "two", "put", "mail", "x").code == 0
    found = json.loads(cli("-s", "two", "doctor", "--json").out)
    texts = [one["text"] for one in found if one["area"] == "server two"]
    assert any(text.startswith(f"{beanstalkd.address}: beanstalkd ") for text in texts)
    assert any(text.startswith(f"no fail-over: cannot connect to beanstalkd at {nobody}") for text in texts)


def test_doctor_on_certificates_and_tokens(
    cli: Cli, secure: Beanstalkd, certificates: Certificates, token: Path
) -> None:
    given = ["-s", secure.address, "--tls-ca", str(certificates.ca), "--token-file", str(token)]
    texts = [one["text"] for one in json.loads(cli(*given, "doctor", "--json").out)]
    assert any(text.startswith("TLSv1.3, certificate valid until ") for text in texts)
    assert f"shows the token of token_file {token}" in texts
    token.chmod(0o644)
    texts = [one["text"] for one in json.loads(cli(*given, "doctor", "--json").out)]
    assert f"other users can read token_file {token} (mode 644)" in texts
    advice = [one["advice"] for one in json.loads(cli(*given[:4], "doctor", "--json").out)]
    assert any("set token_file, token_command or token_keyring" in text for text in advice)


def test_no_secret_is_kept_or_shown(
    cli: Cli, secure: Beanstalkd, certificates: Certificates, token: Path, tmp_path: Path
) -> None:
    configure(secure, certificates, token, f'[servers.wrong]\naddress = "a"\ntoken_command = "cat {SECRET}"\n')
    # A comment is no argument of cat, and cat complains: with the secret.
    written = [cli("-s", "prod", "tubes"), cli("-s", "prod", "doctor"), cli("servers", "--json")]
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        Path(os.environ["BEANOPS_CONFIG"]).read_text().replace(f" # {SECRET}", "")
    )
    written += [cli("-s", "prod", "put", "mail", "x"), cli("-s", "prod", "journal")]
    bundle = tmp_path / "bundle.zip"
    written.append(cli("-s", "prod", "doctor", "--bundle", str(bundle)))
    assert [ended for ended in written if SECRET in ended.out + ended.err] == []
    with zipfile.ZipFile(bundle) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert [name for name, data in contents.items() if SECRET.encode() in data] == []
    known = json.loads(contents["beanops-bundle/configuration.json"])["servers"]["prod"]
    assert known["reach"] == ["tls_ca", "token_command"]
    with sqlite3.connect(os.environ["BEANOPS_JOURNAL"]) as journal:
        assert SECRET not in "\n".join(journal.iterdump())


def test_daemons(
    cli: Cli,
    program: Callable[..., subprocess.Popen[str]],
    secure: Beanstalkd,
    certificates: Certificates,
    token: Path,
    tmp_path: Path,
) -> None:
    """The recorder, rules of alerts and the exporter."""
    configure(secure, certificates, token)
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        Path(os.environ["BEANOPS_CONFIG"]).read_text().replace(f" # {SECRET}", "")
    )
    (poller,) = pollers_of(["prod"])
    assert poller.look()
    rules = tmp_path / "rules.toml"
    rules.write_text('[rules.any]\non = "servers"\nwhere = "uptime >= 0"\n')
    ended = cli("-s", "prod", "alert", "run", str(rules), "--once")
    assert "error" not in ended.err.lower()
    recording = tmp_path / "recording.sqlite"
    recorder = program("-s", "prod", "record", str(recording))
    try:
        until(lambda: '"prod"' in cli("record", "--info", str(recording), "--json").out)
    finally:
        recorder.terminate()
        recorder.communicate()


def test_what_is_typed_is_in_no_list_of_processes(
    program: Callable[..., subprocess.Popen[str]], options: list[str]
) -> None:
    process = program("wait", "mail", "--until", "ready >= 1", *options)
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert SECRET.encode() not in command
    finally:
        process.terminate()
        process.communicate()


def test_reach_of_python_is_that_of_the_options(options: list[str], token: Path) -> None:
    reach = Reach.of(options[1], tls_ca=options[3], token_command=f"cat {shlex.quote(str(token))}")
    with connect(reach) as session:
        assert session.tubes().tube.tolist() == ["default"]
