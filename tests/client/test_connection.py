"""Coming, staying and going: addresses, time-outs, broken connections, and reconnecting."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from beanops import Address, Client, commands, errors
from beanops.client.reach import Reach
from beanops.embedded.process import Beanstalkd, free_port
from tests.names import resolve
from tests.needs import missing
from tests.proxies import Proxy
from tests.scripted import Scripted
from tests.waits import PATIENCE, until


@contextmanager
def listening(*arguments: str, address: str) -> Iterator[None]:
    """Run a beanstalkd that listens elsewhere than on 127.0.0.1."""
    if shutil.which("beanstalkd") is None:
        missing("beanstalkd is not on PATH")

    def answers() -> bool:
        assert process.poll() is None, "beanstalkd did not come up"
        try:
            Client(address).close()
        except errors.ConnectFailed:
            return False
        return True

    process = subprocess.Popen(["beanstalkd", *arguments], stderr=subprocess.DEVNULL)
    try:
        until(answers)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def deaf() -> Iterator[tuple[str, int]]:
    """Give an address that takes no connection and refuses none, as a host that drops packets does."""
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # A backlog that is full makes the next connection wait.
        for _ in range(3):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()


def move(client: Any, address: str) -> None:
    """Have a client connect elsewhere from now on, as to a server that was replaced."""
    getattr(client, "inner", client).reach = Reach.of(address)


@contextmanager
def impatient(client: Any) -> Iterator[None]:
    """Give a client a short read time-out, only as long as nothing has to come in time."""
    inner = getattr(client, "inner", client)
    before, inner.read_timeout = inner.read_timeout, 0.1
    yield
    inner.read_timeout = before


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("queue", Address("queue", 11300), "queue:11300"),
        ("queue.local:1234", Address("queue.local", 1234), "queue.local:1234"),
        ("10.0.0.1:65535", Address("10.0.0.1", 65535), "10.0.0.1:65535"),
        ("[::1]:11300", Address("::1", 11300), "[::1]:11300"),
        ("[fe80::1%eth0]", Address("fe80::1%eth0", 11300), "[fe80::1%eth0]:11300"),
        ("beanstalk://queue", Address("queue", 11300), "queue:11300"),
        ("beanstalkd://Queue", Address("queue", 11300), "queue:11300"),
        ("Beanstalkd://queue:2/", Address("queue", 2), "queue:2"),
        ("/run/bean.sock", Address("", 0, "/run/bean.sock"), "unix:/run/bean.sock"),
        ("beanstalk://queue:1/", Address("queue", 1), "queue:1"),
        ("beanstalk://[::1]:2", Address("::1", 2), "[::1]:2"),
        ("unix:/run/b.sock", Address("", 0, "/run/b.sock"), "unix:/run/b.sock"),
        ("unix:///run/b.sock", Address("", 0, "/run/b.sock"), "unix:/run/b.sock"),
        ("unix:b.sock", Address("", 0, "b.sock"), "unix:b.sock"),
    ],
)
def test_addresses_as_users_write_them(text: str, address: Address, shown: str) -> None:
    assert Address.parse(text) == address
    assert str(address) == shown
    assert Address.parse(shown) == address


@pytest.mark.parametrize(
    "text",
    ["", ":", ":11300", "a:b", "a:0", "a:65536", "a:99999999", "a b", "::1", "[::1", "[zz]:1", "http://a:1", "a/b",
     "a@b", "unix:", "unix:a\0b", "beanstalk://", "beanstalk://u:p@h:1", "beanstalkd://", "beanstalkd:h", "/a\0b",
     "a:1\n", "a:١", 11300, None, b"a"],
)  # fmt: skip
def test_what_is_no_address_says_what_is(text: Any) -> None:
    with pytest.raises(errors.ArgumentError) as caught:
        Address.parse(text)
    assert caught.value.argument == "address"
    assert caught.value.given == text


def test_over_a_unix_socket(connect: Any, tmp_path: Path) -> None:
    path = f"{tmp_path}/b.sock"
    with listening("-l", f"unix:{path}", address=f"unix:{path}"):
        client = connect(f"unix:{path}")
        assert client.peek(client.put(b"x" * 60_000)).body == b"x" * 60_000
        client.reconnect()
        assert client.stats().current_jobs_ready == 1


def test_over_ipv6(connect: Any) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
            port = probe.getsockname()[1]
    except OSError:
        missing("this machine has no IPv6 loopback")
    with listening("-l", "::1", "-p", str(port), address=f"[::1]:{port}"):
        assert connect(f"[::1]:{port}").put(b"x") == 1


def test_nobody_listens(connect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    for address in (f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/none", "unix:/" + "x" * 200, "no.such.host.invalid"):
        with pytest.raises(errors.ConnectFailed) as caught:
            connect(address, connect_timeout=5)
        assert str(Address.parse(address)) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_connecting_takes_no_longer_than_allowed(connect: Any) -> None:
    with deaf() as address:
        start = time.monotonic()
        with pytest.raises(errors.ConnectFailed, match="timed out"):
            connect(f"127.0.0.1:{address[1]}", connect_timeout=0.1)
        assert time.monotonic() - start < 10


def test_all_addresses_of_a_name_share_the_time(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as address:
        resolve(monkeypatch, *[address] * 100)
        start = time.monotonic()
        with pytest.raises(errors.ConnectFailed, match="queue:11300: timed out"):
            connect("queue", connect_timeout=1)
        assert time.monotonic() - start < 30


def test_an_address_that_is_deaf_does_not_keep_from_the_next(
    connect: Any, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deaf() as address:
        resolve(monkeypatch, address, ("127.0.0.1", free_port()), ("127.0.0.1", beanstalkd.port))
        assert connect("queue", connect_timeout=3).put(b"x") == 1


def test_an_address_that_the_system_cannot_use_does_not_keep_from_the_next(
    connect: Any, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of IPv6 where that is switched off."""
    resolve(monkeypatch, ("127.0.0.1", beanstalkd.port))
    lookup, no_family = socket.getaddrinfo, 255

    def both(*asked: Any, **options: Any) -> Any:
        found = lookup(*asked, **options)
        return [*((no_family, *more) for _, *more in found), *found]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    assert connect("queue").put(b"x") == 1


def test_a_silent_server_is_given_up_and_the_connection_closed(connect: Any) -> None:
    with Scripted(b"", hold=True) as server:
        client = connect(server.address, read_timeout=0.05)
        with pytest.raises(errors.ReadTimeout, match=r"no answer to 'delete 5' within 0.05 s"):
            client.delete(5)
        # A late answer would be taken for the next command's.
        assert client.closed
        with pytest.raises(errors.ConnectionClosed, match="no answer to 'delete 5'"):
            client.delete(6)
        until(lambda: bytes(server.received) == b"delete 5\r\n")


@pytest.mark.parametrize("reply", [b"FOUND 5 100\r\nhalf of i", b"FOU", b"FOUND 5 1\r\nx"])
def test_half_a_reply_is_given_up_too(connect: Any, reply: bytes) -> None:
    with Scripted(reply, hold=True) as server:
        client = connect(server.address, read_timeout=0.05)
        with pytest.raises(errors.ReadTimeout):
            client.peek(5)
        assert client.closed


def test_where_there_is_no_poll(beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")  # as on Windows
    with Client(beanstalkd.address) as client:
        with pytest.raises(errors.TimedOut):
            client.reserve(timeout=1)
        ids = list(client.pipeline(commands.put(b"x" * 60_000) for _ in range(200)))
        assert [job.body for job in client.pipeline(map(commands.peek, ids))] == [b"x" * 60_000] * 200
    with (
        Scripted(b"", hold=True) as server,
        Client(server.address, read_timeout=0.05) as client,
        pytest.raises(errors.ReadTimeout),
    ):
        client.delete(5)


def test_what_is_slow_but_moves_is_not_given_up(connect: Any) -> None:
    def play() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(100)
            for piece in (b"FOUND 5 8\r\n", *[b"x"] * 8, b"\r\n"):
                peer.sendall(piece)
                time.sleep(0.25)
            left = size
            while left > 0:
                left -= len(peer.recv(size // 10))
                time.sleep(0.25)
            peer.sendall(b"INSERTED 6\r\n")
            peer.recv(1)

    size = 8 << 20
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 19)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        player = threading.Thread(target=play)
        player.start()
        client = connect(f"127.0.0.1:{listener.getsockname()[1]}", read_timeout=2)
        assert client.peek(5).body == b"x" * 8
        assert client.put(bytes(size)) == 6
        client.close()
        player.join(PATIENCE)


def test_a_server_that_answers_before_it_has_read_is_not_believed(connect: Any) -> None:
    body = bytes(32 << 20)  # more than all buffers on the way can hold
    for ask in (lambda client: client.put(body), lambda client: list(client.pipeline([commands.put(body)] * 3))):
        with Scripted(b"INSERTED 1\r\n", hold=True) as server:
            client = connect(server.address)
            with pytest.raises(errors.ProtocolError, match="before it had all of 'put"):
                ask(client)
            assert client.closed
            with pytest.raises(errors.ConnectionClosed, match="before it had all of 'put"):
                client.stats()


@pytest.mark.parametrize("reply", [b"", b"FOUND 5 100\r\nhalf of i", b"FOU"])
def test_a_server_that_hangs_up_in_the_middle(connect: Any, reply: bytes) -> None:
    with Scripted(reply) as server:
        client = connect(server.address)
        with pytest.raises(errors.ConnectionClosed, match="before it answered 'peek 5'"):
            client.peek(5)
        assert client.closed


def test_a_reserve_may_take_longer_than_the_read_timeout(connect: Any, beanstalkd: Beanstalkd) -> None:
    client = connect(beanstalkd.address)
    first, second = client.put(b"x", delay=1), client.put(b"y", delay=2)
    with impatient(client):
        assert client.reserve(timeout=30).id == first
        assert client.reserve().id == second
    with pytest.raises(errors.TimedOut):
        client.reserve(timeout=0)
    assert client.stats().current_jobs_reserved == 2


def test_the_longest_of_reserves(connect: Any, beanstalkd: Beanstalkd) -> None:
    client = connect(beanstalkd.address)
    id = client.put(b"x", delay=1)
    assert client.reserve(timeout=2**31 - 1).id == id


def test_a_server_killed_while_somebody_waits(connect: Any, beanstalkd: Beanstalkd) -> None:
    client = connect(beanstalkd.address)
    results = client.pipeline([commands.put(b"x"), commands.reserve(), commands.reserve()])
    assert [next(results), next(results).body] == [1, b"x"]
    beanstalkd.stop(kill=True)
    with pytest.raises(errors.ConnectionClosed):
        next(results)
    assert client.closed


def test_a_server_that_went_away_while_idle_executes_nothing(connect: Any, beanstalkd: Beanstalkd) -> None:
    client = connect(beanstalkd.address)
    beanstalkd.stop(kill=True)
    with pytest.raises(errors.ConnectionClosed):
        client.put(b"x")
    with pytest.raises(errors.ConnectFailed):
        client.reconnect()
    with pytest.raises(errors.ConnectionClosed, match="not connected"):
        client.put(b"x")


def test_reconnect_restores_use_and_watch(
    connect: Any, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    client = connect(beanstalkd.address)
    client.use("mine")
    client.watch("a")
    client.watch("b")
    client.ignore("default")
    client.ignore("a")
    beanstalkd.stop(kill=True)
    for _ in range(2):
        with pytest.raises(errors.ConnectionLost):
            client.stats()
        with pytest.raises(errors.ConnectFailed):
            client.reconnect()
    start_beanstalkd(port=beanstalkd.port)
    client.reconnect()
    assert client.list_tube_used() == "mine"
    assert client.list_tubes_watched() == ["b"]
    assert client.stats().total_jobs == 0


def test_reconnect_that_fails_half_way_still_remembers(connect: Any, beanstalkd: Beanstalkd) -> None:
    with Proxy(beanstalkd.port) as proxy:
        client = connect(proxy.address)
        client.use("mine")
        client.watch("a")
        proxy.held = True
        with impatient(client), pytest.raises(errors.ReadTimeout):
            client.reconnect()
        assert client.closed
        proxy.held = False
        client.reconnect()
        assert client.list_tube_used() == "mine"
        assert client.list_tubes_watched() == ["default", "a"]


def test_reconnect_that_is_refused_stays_closed(connect: Any) -> None:
    with Scripted(b"USING a\r\n", hold=True) as server:
        client = connect(server.address)
        client.use("a")
    with Scripted(b"OUT_OF_MEMORY\r\n", hold=True) as server:
        move(client, server.address)
        with pytest.raises(errors.OutOfMemory):
            client.reconnect()
        assert client.closed


def test_put_elsewhere_that_breaks_off_does_not_move_the_client(connect: Any, beanstalkd: Beanstalkd) -> None:
    with Scripted(b"USING mine\r\n", b"USING theirs\r\n") as server:
        client = connect(server.address)
        client.use("mine")
        with pytest.raises(errors.ConnectionClosed):
            client.put(b"x", tube="theirs")
    move(client, beanstalkd.address)
    client.reconnect()
    assert client.list_tube_used() == "mine"


def test_put_elsewhere_without_a_way_back_closes_the_client(connect: Any) -> None:
    with Scripted(b"USING theirs\r\n", b"INSERTED 1\r\nOUT_OF_MEMORY\r\n", hold=True) as server:
        client = connect(server.address)
        assert client.put(b"x", tube="theirs") == 1
        with pytest.raises(errors.ConnectionClosed, match="could not switch back to the tube default"):
            client.put(b"y")


def test_reconnect_of_a_healthy_client_hands_its_jobs_back(client: Any) -> None:
    id = client.put(b"x")
    client.reserve(timeout=0)
    client.reconnect()
    until(lambda: client.stats_job(id).state == "ready")


def test_the_network_breaks_under_a_big_body(connect: Any, beanstalkd: Beanstalkd) -> None:
    with Proxy(beanstalkd.port) as proxy:
        client = connect(proxy.address)
        id = client.put(b"x" * 60_000)
        proxy.held = True
        results = client.pipeline(commands.peek(id) for _ in range(500))
        proxy.drop()
        with pytest.raises(errors.ConnectionClosed):
            list(results)
        assert client.closed


def test_closing_twice_is_no_error_and_hands_jobs_back(connect: Any, beanstalkd: Beanstalkd) -> None:
    with connect(beanstalkd.address) as client:
        id = client.put(b"x")
        client.reserve(timeout=0)
    client.close()
    assert client.closed
    assert "closed" in repr(client)
    other = connect(beanstalkd.address)
    assert other.reserve(timeout=30).id == id
    assert beanstalkd.address in repr(other)
    assert "closed" not in repr(other)


def test_a_client_knows_that_the_server_went_away_while_nothing_was_asked(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        client.put(b"x")
        assert not client.notice_end()
        assert client.stats_job(1).state == "ready"
        beanstalkd.stop()
        assert not client.closed
        assert client.notice_end()
        assert client.closed
