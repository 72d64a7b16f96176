"""Sessions on servers that are reached by TLS, with a token, or by several addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Reach, connect, errors
from beanops.client.transport import hang_up
from beanops.embedded.process import Beanstalkd, free_port
from beanops.journal.records import Refused
from beanops.session.config import ConfigError, profile, profiles
from beanops.session.reaching import give
from tests.certificates import Certificates
from tests.proxies import Proxy

SECRET = "s3cret-token-of-the-tests"


def configure(text: str) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(text)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def secure(start_beanstalkd: Callable[..., Beanstalkd], certificates: Certificates) -> Beanstalkd:
    """Start a server that speaks TLS and wants a token."""
    return start_beanstalkd(tls=certificates, token=SECRET)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("addresses = []", "it has no address"),
        ('address = "a"\naddresses = ["b"]', "it has address and addresses; give one of them"),
        ('addresses = "a"', "servers.prod.addresses must be a list, not 'a'"),
        ('addresses = ["a", 5]', "address: 5 given"),
        ('address = "a"\ntls_ca = "ca.pem"', "tls_ca needs an address that begins with beanstalks://"),
        ('address = "beanstalks://a"\ntls_min_version = "1.1"', "tls_min_version must be one of 1.2, 1.3, not '1.1'"),
        ('address = "beanstalks://a"\ntls_key = "k"', "tls_key needs tls_cert"),
        ('address = "beanstalks://a"\ntls_verify = false', "servers.prod.tls_verify is unknown"),
        ('address = "a"\ntoken_file = "f"\ntoken_command = "c"', "give one of token_file and token_command"),
        ('address = "a"\ntoken_keyring = "prod"', "token_keyring must be service/user"),
        (f'address = "a"\ntoken = "{SECRET}"', "servers.prod.token is unknown"),
        (f'address = "a"\ntoken_command = ["print", "{SECRET}"]', "token_command must be a text in quotes"),
    ],
)
def test_keys_that_are_refused(keys: str, complaint: str) -> None:
    configure(f"[servers.prod]\n{keys}\n")
    with pytest.raises(ConfigError) as caught:
        profiles()
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_with_tls_and_a_token(secure: Beanstalkd, certificates: Certificates, token: Path) -> None:
    configure(
        f'[servers.prod]\naddress = "{secure.address}"\ntls_ca = "{certificates.ca}"\ntoken_file = "{token}"\n'
        "read_only = true\n"
    )
    with connect("prod") as session:
        assert session.server().current_connections > 0
        with pytest.raises(Refused, match="read-only"):
            session.put("x", tube="mail")
        assert SECRET not in repr(session) + repr(session._context.reach) + repr(session.profile)
    # The same address by itself is the same server, with its rules, its CA and its token.
    with connect(secure.address) as session:
        assert session.read_only


def test_a_token_goes_to_no_address_without_tls(secure: Beanstalkd, certificates: Certificates, token: Path) -> None:
    configure(f'[servers.prod]\naddress = "{secure.address}"\ntls_ca = "{certificates.ca}"\ntoken_file = "{token}"\n')
    assert profile(secure.address).token is not None
    assert profile(secure.address.removeprefix("beanstalks://")).token is None


def test_acting_and_undoing(secure: Beanstalkd, certificates: Certificates, token: Path) -> None:
    reach = Reach.of(secure.address, tls_ca=str(certificates.ca), token_file=str(token))
    with connect(reach) as session:
        for body in "abc":
            session.put(body, tube="mail")
        run = session.delete("mail", state="ready")
        assert run.done == 3
        assert session.undo(run).done == 3
        copied = session.copy("mail", "other", state="ready", server=session)
        assert copied.done == 3
        assert set(session.journal.runs().server) == {secure.address}


def test_options_of_the_command_line_are_for_their_server(
    secure: Beanstalkd, certificates: Certificates, token: Path
) -> None:
    configure(f'[servers.prod]\naddress = "{secure.address}"\n[servers.other]\naddress = "beanstalks://other"\n')
    give("prod", {"tls_ca": str(certificates.ca), "token_file": str(token)})
    try:
        with connect("prod") as session:
            assert session.server().pid == secure.pid
        assert profile("other").token is None
        with pytest.raises(errors.ConnectFailed, match="certificate is not trusted"):
            connect(secure.address)
        give("prod", {"tls_min_version": "2"})
        with pytest.raises(errors.UsageError, match="server prod: tls_min_version must be one of"):
            connect("prod")
    finally:
        give("prod", {})


def test_another_address_answers(beanstalkd: Beanstalkd) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    configure(f'[servers.prod]\naddresses = ["{nobody}", "{beanstalkd.address}"]\n')
    with connect("prod") as session:
        session.put("x", tube="mail")
        # The server is called what it was always called, so that its history stays one.
        assert str(session.address) == nobody
        assert set(session.journal.runs().server) == {nobody}
        assert repr(session) == f"<Session {nobody} by {beanstalkd.address}>"
        assert f"{nobody} by {beanstalkd.address}" in session._repr_html_()


def test_the_rules_of_a_profile_hold_for_each_of_its_addresses(beanstalkd: Beanstalkd) -> None:
    configure(f'[servers.prod]\naddresses = ["127.0.0.1:1", "localhost:{beanstalkd.port}"]\nread_only = true\n')
    with connect(beanstalkd.address, read_only=False) as session, pytest.raises(Refused, match="read-only"):
        session.put("x", tube="mail")


def test_no_action_goes_on_at_another_server(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """Jobs that were found before are of the server that is gone: the one that answers now has others of these ids."""
    first, second = start_beanstalkd(), start_beanstalkd()
    for server in (first, second):
        with connect(server.address) as session:
            session.put("x", tube="mail")
    with connect(Reach.of(first.address, second.address)) as session:
        jobs = session.jobs("mail")
        first.stop()
        with pytest.raises(errors.BeanopsError, match="restarted"):
            session.delete(jobs)
    with connect(second.address) as session:
        assert session.server().current_jobs_ready == 1


@pytest.mark.parametrize("by", ["ids", "rows", "tube", "drain", "move", "edit"])
def test_looking_at_one_server_never_acts_on_another(start_beanstalkd: Callable[..., Beanstalkd], by: str) -> None:
    """The connection that acts may reach another address than the one that looks, whose job 1 is another one."""
    first, second = start_beanstalkd(), start_beanstalkd()
    for server in (first, second):
        with connect(server.address) as filling:
            filling.put('{"of": "both"}', tube="mail")
    with Proxy(first.port) as proxy, connect(Reach.of(proxy.address, second.address)) as session:
        rows = session.jobs("mail")
        proxy.away = True  # for new connections: the one that looks stays
        acts: dict[str, Callable[[], Any]] = {
            "ids": lambda: session.delete([1]),
            "rows": lambda: session.delete(rows),
            "tube": lambda: session.delete("mail", state="ready"),
            "drain": lambda: session.drain("mail", state="ready"),
            "move": lambda: session.move("mail", "other", state="ready"),
            "edit": lambda: session.edit([1], {"$.of": "one"}),
        }
        with suppress(Refused):  # or the run says that it did nothing
            assert acts[by]().done == 0
    for server in (first, second):
        with connect(server.address) as looking:
            assert (looking.job(1).stats.tube, looking.server().total_jobs) == ("mail", 1)


@pytest.mark.parametrize("by", ["pause", "unpause", "put", "kick next", "reserve"])
def test_what_names_no_job_is_not_done_at_another_server(start_beanstalkd: Callable[..., Beanstalkd], by: str) -> None:
    """Of a tube or a new job nothing shows the server that it is of, so the connection that acts has to be there."""
    first, second = start_beanstalkd(), start_beanstalkd()
    for server in (first, second):
        with Client(server.address) as client:
            client.put(b"x", tube="mail")
    with Proxy(first.port) as proxy, connect(Reach.of(proxy.address, second.address)) as session:
        session.tubes()
        proxy.away = True  # for new connections: the one that looks stays
        acts: dict[str, Callable[[], Any]] = {
            "pause": lambda: session.pause("mail", 60),
            "unpause": lambda: session.unpause("mail"),
            "put": lambda: session.put("new", tube="mail"),
            "kick next": lambda: session.kick_next("mail", 1),
            "reserve": lambda: session.reserve("mail", timeout=0).__enter__(),
        }
        for _ in range(2):  # nor when it is asked again
            with pytest.raises(Refused, match="another server"):
                acts[by]()
    with Client(second.address) as client:
        tube = client.stats_tube("mail")
        assert (tube.current_jobs_ready, tube.cmd_pause_tube, tube.total_jobs) == (1, 0, 1)


def test_a_new_connection_to_act_tells_of_a_restart_that_no_lookup_has_seen(
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    """That the connection that looks is asked for its server at that moment is no lookup."""
    server = start_beanstalkd()
    with connect(server.address) as session:
        session.put("x", tube="mail")
        server.stop()
        start_beanstalkd(port=server.port)
        with pytest.raises(Refused, match="restarted"):
            session._context.acting()


def test_acting_follows_looking_to_another_server(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """When the connection that looks was lost and reached the next address, the one that acts goes there too."""
    first, second = start_beanstalkd(), start_beanstalkd()
    for server in (first, second):
        with Client(server.address) as client:
            client.put(b"x", tube="mail")
    with Proxy(first.port) as proxy, connect(Reach.of(proxy.address, second.address)) as session:
        session.pause("mail", 1)
        proxy.away = True
        hang_up(session._context.looking()._wire.socket)
        session.tubes()  # of the second
        assert session.pause("mail", 60).done == 1
    with Client(first.address) as one, Client(second.address) as other:
        assert (one.stats_tube("mail").cmd_pause_tube, other.stats_tube("mail").cmd_pause_tube) == (1, 1)


def test_a_network_that_breaks_in_the_middle_of_a_delete(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """The rest of a run is not sent over another address: what was sent may have been executed."""
    server = start_beanstalkd()
    with connect(server.address) as filling:
        for number in range(50):
            filling.put(f"{number}", tube="mail")
    with (
        Proxy(server.port, fatal=b"delete 30\r\n") as proxy,
        connect(Reach.of(proxy.address, server.address)) as session,
    ):
        run = session.delete("mail", state="ready")
        with connect(server.address) as looking:
            deleted = 50 - looking.server().current_jobs_ready
        assert (run.done, deleted, run.complete) == (29, 29, False)


def test_a_connected_socket_is_for_a_client(beanstalkd: Beanstalkd) -> None:
    made = socket.create_connection(("127.0.0.1", beanstalkd.port))
    with made, pytest.raises(errors.UsageError, match=r"a session needs several connections; .* beanops\.Client"):
        connect(Reach.of(made))


def test_copies_go_to_the_server_that_was_looked_at(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    source, first, second = (start_beanstalkd() for _ in range(3))
    with (
        Proxy(first.port) as proxy,
        connect(source.address) as session,
        connect(Reach.of(proxy.address, second.address)) as there,
    ):
        session.put("x", tube="mail")
        assert there.server().pid == first.pid
        proxy.away = True
        with pytest.raises(
            Refused, match=f"{proxy.address}: .* reached another server than the one seen, at {second.address}"
        ):
            session.copy("mail", state="ready", server=there)
        with pytest.raises(errors.BeanopsError, match="another server"):
            session.migrate(there)
        proxy.away = False
        assert session.copy("mail", state="ready", server=there).done == 1
    with connect(second.address) as other:
        assert other.server().total_jobs == 0


def test_all_connections_go_to_the_address_that_answers(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """Also when the first address answers again: its jobs may be others."""
    first, second = start_beanstalkd(), start_beanstalkd()
    with Proxy(first.port) as proxy:
        proxy.away = True
        with connect(Reach.of(proxy.address, second.address)) as session:
            assert session.server().pid == second.pid
            proxy.away = False
            session.put("x", tube="mail")
            assert session.server().total_jobs == 1
