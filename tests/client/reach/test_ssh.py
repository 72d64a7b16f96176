"""Connections through ssh, with both clients: a program in its place, and the real one where there is an sshd."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops import Client, Reach, errors
from beanops.client.address import Address
from beanops.client.ssh import command_line
from beanops.embedded.process import Beanstalkd, free_port
from tests.certificates import Certificates
from tests.client.adapter import Connector
from tests.needs import missing, program
from tests.waits import until

#: What ssh does with -W: it notes its arguments and its process, and carries bytes.
CARRIER = """#!{python}
import os, socket, sys, threading
with open({log!r}, "a") as log:
    print(os.getpid(), *sys.argv[1:], file=log)
host, _, port = sys.argv[sys.argv.index("-W") + 1].rpartition(":")
try:
    peer = socket.create_connection((host.strip("[]"), int(port)))
except OSError as error:
    sys.exit(f"channel 0: open failed: connect failed: {{error.strerror}}\\nstdio forwarding failed")
def carry():
    while data := peer.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=carry, daemon=True).start()
while data := os.read(0, 65536):
    peer.sendall(data)
"""


class Programs:
    """A folder at the front of PATH, with an ``ssh`` in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ssh"
        self.log = folder / "log"

    def install(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o755)

    def running(self) -> list[int]:
        """Return the processes that are left."""
        pids = [int(line.split()[0]) for line in self.log.read_text().splitlines()]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Have a program that carries connections where ssh is looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    programs = Programs(folder)
    programs.install(CARRIER.format(python=sys.executable, log=str(programs.log)))
    return programs


def test_commands_and_the_end(connect: Connector, beanstalkd: Beanstalkd, ssh: Programs) -> None:
    client = connect(f"ssh://ops@jump:2222/{beanstalkd.address}")
    assert str(client.address) == f"ssh://ops@jump:2222/{beanstalkd.address}"
    client.use("mail")
    assert client.peek(client.put(b"x" * 60_000)).body == b"x" * 60_000
    client.reconnect()
    assert client.list_tube_used() == "mail"
    assert len(ssh.log.read_text().splitlines()) == 2
    assert "-oBatchMode=yes" in ssh.log.read_text()
    client.close()
    until(lambda: not ssh.running())


def test_with_tls_inside(
    connect: Connector, start_tls: Callable[..., Beanstalkd], certificates: Certificates, ssh: Programs
) -> None:
    server = start_tls()
    client = connect(Reach.of(f"ssh://jump/{server.address}", tls_ca=str(certificates.ca)))
    assert client.put(b"x") == 1
    client.close()
    until(lambda: not ssh.running())


def test_a_client_that_is_forgotten_leaves_no_child(beanstalkd: Beanstalkd, ssh: Programs) -> None:
    client = Client(f"ssh://jump/{beanstalkd.address}")
    client.put(b"x")
    del client
    until(lambda: not ssh.running())


def test_a_process_that_is_killed_leaves_no_child(beanstalkd: Beanstalkd, ssh: Programs) -> None:
    script = f"""
import os, beanops
client = beanops.Client('ssh://jump/{beanstalkd.address}')
client.put(b'x')
os.kill(os.getpid(), 9)"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    until(lambda: not ssh.running())


def test_a_child_that_dies_ends_the_connection(beanstalkd: Beanstalkd, ssh: Programs) -> None:
    with Client(f"ssh://jump/{beanstalkd.address}") as client:
        (pid,) = ssh.running()
        threading.Timer(0.05, os.kill, (pid, 9)).start()
        with pytest.raises(errors.ConnectionClosed):
            client.reserve()
        client.reconnect()
        assert client.stats().current_connections == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "#!/bin/sh\necho banner >&2; echo 'Host key verification failed.' >&2; exit 255\n",
            "ssh: Host key verification",
        ),
        (
            "#!/bin/sh\necho 'ssh: connect to host jump port 22: No route' >&2; exit 255\n",
            ": ssh: connect to host jump",
        ),
        ("#!/bin/sh\nprintf '\\033[31mred' >&2; exit 255\n", r"ssh: \\x1b\[31mred"),
        ("#!/bin/sh\nexit 255\n", "ssh: exit code 255"),
        ("#!/bin/sh\nexec sleep 60\n", "no answer to 'list-tube-used'"),
        ("#!/bin/sh\ntrap '' TERM; while :; do sleep 1; done\n", "no answer to 'list-tube-used'"),
    ],
)
def test_what_ssh_complains_of(connect: Connector, ssh: Programs, text: str, complaint: str) -> None:
    ssh.install(text)
    quick = "exit" in text
    with pytest.raises(errors.ConnectFailed, match=complaint) as caught:
        connect("ssh://jump/queue", connect_timeout=30 if quick else 0.2)
    assert "cannot connect to beanstalkd at ssh://jump/queue:11300" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there(connect: Connector, ssh: Programs) -> None:
    with pytest.raises(errors.ConnectFailed, match="ssh: channel 0: open failed: connect failed: Connection refused"):
        connect(f"ssh://jump/127.0.0.1:{free_port()}")
    until(lambda: not ssh.running())


def test_without_ssh(connect: Connector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.ConnectFailed, match="ssh is not on PATH"):
        connect("ssh://jump/queue")


@pytest.mark.parametrize(
    ("address", "end"),
    [
        ("ssh://jump/queue", "-W queue:11300 -- jump"),
        ("ssh://ops@jump:2222/queue:1", "-p 2222 -W queue:1 -- ops@jump"),
        ("ssh://[::1]:2222/[fe80::1]:5", "-p 2222 -W [fe80::1]:5 -- ::1"),
        ("ssh://ops@[::1]/beanstalks://queue", "-W queue:11300 -- ops@::1"),
    ],
)
def test_the_command_line(address: str, end: str) -> None:
    parsed = Address.parse(address)
    assert Address.parse(str(parsed)) == parsed
    assert " ".join(command_line(parsed, 5)).endswith(end)


@pytest.mark.parametrize(
    "address",
    ["ssh://", "ssh://jump", "ssh://jump/", "ssh:///queue", "ssh://-oProxyCommand=x/queue", "ssh://-x@jump/queue",
     "ssh://a@-x/queue", "ssh://jump:0/queue", "ssh://jump:99999/queue", "ssh://a b/queue", "ssh://jump/unix:/path",
     "ssh://jump/-queue:1x", "ssh://jump/ssh://other/queue", "beanstalks://", "beanstalks://a/b"],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(errors.ArgumentError):
        Address.parse(address)


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a real sshd of the test's own; give it as ``127.0.0.1:port``."""
    daemon = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or missing("sshd is not installed")
    if os.getuid() != 0:
        missing("sshd runs as root alone")
    real, port = program("ssh"), free_port()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    settings = (
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/user.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
    )
    (tmp_path / "sshd_config").write_text(settings)
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(
        f"#!/bin/sh\nexec {real} -F none -i {tmp_path}/user -oIdentitiesOnly=yes "
        f'-oUserKnownHostsFile={tmp_path}/known -oGlobalKnownHostsFile=none "$@"\n'
    )
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    process = subprocess.Popen([daemon, "-D", "-e", "-f", tmp_path / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_the_real_one(connect: Connector, beanstalkd: Beanstalkd, sshd: str, tmp_path: Path) -> None:
    until(
        lambda: (
            subprocess.run(["ssh-keyscan", "-p", sshd.rpartition(":")[2], "127.0.0.1"], capture_output=True).stdout
            != b""
        )
    )
    client = connect(f"ssh://{sshd}/{beanstalkd.address}", connect_timeout=60)
    assert client.peek(client.put(b"x" * 60_000)).body == b"x" * 60_000
    client.close()
    with pytest.raises(errors.ConnectFailed, match="open failed: connect failed: Connection refused"):
        connect(f"ssh://{sshd}/127.0.0.1:{free_port()}", connect_timeout=60)
    (tmp_path / "known").write_text("")
    with pytest.raises(errors.ConnectFailed, match="Host key verification failed"):
        connect(f"ssh://{sshd}/{beanstalkd.address}", connect_timeout=60)
