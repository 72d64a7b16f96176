"""The server as a process: its flags, its signals, its start."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beanops.embedded import run
from beanops.embedded.options import parse
from tests.certificates import Certificates
from tests.embedded.peers import ask, dial, read_all, statistics
from tests.waits import PATIENCE, until


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server and give it with its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "beanops.embedded", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().partition("listening on ")[2].strip()
    finally:
        process.kill()
        process.communicate()


def test_it_says_where_it_listens() -> None:
    with started("-p", "0") as (_, address), dial(address) as peer:
        peer.sendall(b"list-tube-used\r\n")
        assert peer.recv(100) == b"USING default\r\n"
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, beanops.embedded; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"pandas", "click", "textual", "sqlalchemy", "importlib.metadata"} & set(modules)
    others = {name for name in modules if name.startswith("beanops.")} - {"beanops.protocol", "beanops.embedded"}
    assert all(name.startswith(("beanops.protocol.", "beanops.embedded.")) for name in others)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_with_connections_open(number: signal.Signals) -> None:
    with started("-p", "0") as (process, address), dial(address) as peer:
        peer.sendall(b"put 1 0 60 1\r\na\r\nreserve\r\nreserve\r\n")
        assert peer.recv(14) == b"INSERTED 1\r\nRE"
        process.send_signal(number)

        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_sigusr1_drains() -> None:
    with started("-p", "0") as (process, address):
        assert ask(address, b"put 1 0 60 1\r\na\r\n") == b"INSERTED 1\r\n"
        process.send_signal(signal.SIGUSR1)
        until(lambda: statistics(address)["draining"] == "true")

        assert ask(address, b"put 1 0 60 1\r\na\r\ndelete 1\r\n") == b"DRAINING\r\nDELETED\r\n"


def test_flags_may_stand_as_beanstalkd_takes_them(tmp_path: Path) -> None:
    path = f"unix:{tmp_path}/queue"
    with started("-VVl", path, "-z100", "--dialect=1.12") as (process, _):
        until(lambda: (tmp_path / "queue").exists())
        assert statistics(path)["max-job-size"] == "100"
        assert statistics(path)["version"] == '"1.12"'
        assert ask(path, b"put 1 0 60 101\r\n" + b"x" * 103) == b"JOB_TOO_BIG\r\n"
        assert process.stdout is not None
        assert process.stdout.readline().startswith("accept ")


def test_a_reader_that_leaves_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it nothing is left to be written at the end
    with started("-p", "0", "-V") as (process, address):
        assert process.stdout is not None
        process.stdout.close()
        for _ in range(2):
            ask(address, b"list-tube-used\r\n")
        process.terminate()

        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_an_address_in_use_is_one_line() -> None:
    with started("-p", "0") as (_, address):
        done = subprocess.run(
            [sys.executable, "-m", "beanops.embedded", "-p", address.rpartition(":")[2]], capture_output=True, text=True
        )
    assert done.returncode == 1
    assert done.stderr == f"beanops serve: cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize(
    "flags", [["-b", "dir"], ["-f", "50"], ["-F"], ["-s", "1000"], ["-c"], ["-n"], ["-u", "nobody"]]
)
def test_what_makes_no_sense_is_refused_with_the_reason(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(flags)

    said = capsys.readouterr().err
    assert said.startswith(f"beanops serve: {flags[0]} is refused: ")
    assert said.count("\n") == 1


def test_a_binlog_can_be_asked_for_in_vain() -> None:
    with started("-b", "somewhere", "--ignore-binlog", "-p", "0") as (process, address):
        assert statistics(address)["binlog-current-index"] == "0"
        process.terminate()
        assert process.stderr is not None
        assert process.stderr.read() == "beanops serve: -b somewhere is ignored, jobs are kept in memory only\n"


@pytest.mark.parametrize(
    "flags",
    [
        ["-p"],
        ["-p", "x"],
        ["-p", "-1"],
        ["-p", "12x"],
        ["-z", ""],
        ["-z", "5x"],
        ["-z", "0x10"],
        ["-q"],
        ["stray"],
        ["-"],
        ["-l", "a..b"],
        ["-l", "x" * 64],
        ["-l", "unix:"],
        ["--dialect", "1.3"],
        ["--nodes", "0"],
        ["--nodes", "x"],
        ["--max-memory", "-1"],
        ["--stats-kept", "nan"],
        ["--idle-timeout", "-1"],
        ["--max-connections", "0"],
        ["--stats-kept", "soon"],
        ["--tls-cert", "/nowhere/cert.pem"],
        ["--tls-cert", ""],
        ["--tls-key", "key.pem"],
        ["--tls-port", "11301"],
        ["--tls-min-version", "1.2"],
        ["--tls-cert", __file__, "--tls-min-version", "1.1"],
        ["--tls-cert", __file__],
        ["--tls-cert", __file__, "-l", "unix:queue"],
        ["--auth-token-file", "/nowhere/tokens"],
        ["--auth-token-file", "/dev/null"],
    ],
)
def test_mistakes_are_one_line(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(flags)

    assert re.fullmatch(r"beanops serve: [^\n]+\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        (" 7", 7),
        ("+8", 8),
        ("1073741824", 2**30),
        ("1073741825", 2**30),
        ("99999999999", 2**30),
        ("9" * 5000, 2**30),
        ("-1", 2**30),
        ("-18446744073709551615", 1),
    ],
)
def test_a_job_size_is_read_as_beanstalkd_reads_it(text: str, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The real one says its program's name, and the same words."""
    assert parse(["-z", text]).max_job_size == size
    clamped = size == 2**30 and text != "1073741824"
    assert capsys.readouterr().err == "beanops serve: maximum job size was set to 1073741824\n" * clamped


@pytest.mark.parametrize("port", ["0", "65536", "131072", "", " 0", "+0"])
def test_a_port_is_what_the_resolver_makes_of_it(port: str) -> None:
    """Its low 16 bits count; 0 is any, and so is none."""
    with started("-p", port) as (_, address):
        assert ask(address, b"list-tube-used\r\n") == b"USING default\r\n"


def test_a_port_may_be_the_name_of_a_service() -> None:
    """The real one, too, asks the resolver."""
    assert parse(["-p", "http"]).port == "http"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        taken = probe.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "beanops.embedded", "-p", f"{65536 + taken}"], capture_output=True, text=True
        )
    assert "Address already in use" in done.stderr


def test_clients_can_connect_before_the_server_is_loaded() -> None:
    """Others give it 0.1 s: `listen` must come before what takes long."""
    code = "import sys, beanops.embedded.launch; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    slow = {"argparse", "asyncio", "encodings.idna", "platform", "re", "subprocess", "threading", "typing"}
    assert not slow & set(modules)
    ours = {"beanops", "beanops.protocol", "beanops.protocol.errors", "beanops.protocol.limits", "beanops.embedded"}
    ours |= {f"beanops.embedded.{name}" for name in ("dialects", "launch", "options", "sockets", "sockets.listening")}
    assert {name for name in modules if name.startswith("beanops")} == ours


def test_both_plain_text_and_tls(certificates: Certificates, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("first\n\nsecond\n")
    files = ("--tls-cert", str(certificates.server), "--auth-token-file", str(tokens))
    with started("-p", "0", "--tls-port", "0", *files) as (_, addresses):
        plain, _, secure = addresses.partition(" and beanstalks://")
        assert ask(plain, b"auth second\r\nput 1 0 60 1\r\na\r\n") == b"AUTHENTICATED\r\nINSERTED 1\r\n"
        peer = certificates.context().wrap_socket(dial(secure), server_hostname="localhost")
        with peer:
            peer.sendall(b"auth first\r\npeek 1\r\nquit\r\n")
            assert read_all(peer) == b"AUTHENTICATED\r\nFOUND 1 1\r\na\r\n"


@pytest.mark.parametrize("flag", ["--tls-key", "--tls-client-ca"])
def test_files_of_tls_that_do_not_fit_are_one_line(
    flag: str, certificates: Certificates, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    encrypted = tmp_path / "encrypted.pem"
    locked = ["openssl", "ec", "-aes128", "-passout", "pass:x", "-in", certificates.server, "-out", encrypted]
    subprocess.run(locked, check=True, capture_output=True)
    wrong = {"--tls-key": [certificates.client, encrypted, empty, tmp_path], "--tls-client-ca": [empty, tmp_path]}
    for file in wrong[flag]:
        with pytest.raises(SystemExit, match="2"):
            run(["-p", "0", "--tls-cert", str(certificates.server), flag, str(file)])
        assert re.fullmatch(r"beanops serve: --tls-cert: [^\n]+\n", said := capsys.readouterr().err)
        assert str(file) in said


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, words in (("-h", "--ignore-binlog"), ("-v", "compatible with beanstalkd 1.13")):
        with pytest.raises(SystemExit, match="0"):
            run([flag])
        assert words in capsys.readouterr().out
