"""Who may use the dashboard in a browser: the table of the configuration, and what the roles let a session do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.session.config import ConfigError
from beanops.session.web_access import ROLES, web_access
from tests.tui.conftest import fill

HASH = "scrypt$16384$8$5$" + "A" * 22 + "==$" + "B" * 43 + "="


def write(text: str) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(text)


def test_nobody_has_to_log_in_unless_the_configuration_says_so() -> None:
    assert not web_access().asked
    write("[web]\nidle = 'never'\n")
    assert not web_access().asked
    assert web_access().idle is None


def test_users_the_proxy_and_the_limits_are_read() -> None:
    write(
        f"[web]\nidle = '10m'\nmemory = 300\n[web.users.ann]\nrole = 'admin'\npassword = '{HASH}'\n[web.users.bob]\n"
        "[web.proxy]\nfrom = ['10.0.0.5', '2001:db8::/32']\nheader = 'X-Forwarded-User'\nrole = 'operate'\n"
    )
    access = web_access()
    assert (access.idle, access.longest, access.memory) == (600, 43_200, 300)
    assert access.users["ann"].role is ROLES["admin"]
    assert access.users["bob"].role is ROLES["view"]
    assert access.by_password
    assert access.proxy.role is ROLES["operate"]
    for address, trusted in (
        ("10.0.0.5", True), ("::ffff:10.0.0.5", True), ("2001:db8::7", True), ("10.0.0.6", False), ("", False),
    ):  # fmt: skip
        assert (access.proxy.has(address), address) == (trusted, address)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[web]\nuser = 1", "web.user is unknown"),
        ("[web]\nidle = 'long'", "web.idle must be seconds"),
        ("[web]\nidle = 0", "web.idle must be seconds"),
        ("[web]\nmemory = 5", "web.memory must be megabytes"),
        ("[web]\nusers = 5", "web.users must be a table"),
        ("[web.users.ann]\nrole = 'root'\n", "web.users.ann.role must be one of view, operate, admin"),
        ("[web.users.ann]\npassword = 'secret'\n", "web.users.ann.password is no hash"),
        ("[web.users.'a:b']\n", "nobody can be called 'a:b'"),
        ("[web.users.ann]\n", "nobody can log in"),
        ("[web.proxy]\nheader = 'X-User'\n", "web.proxy.from must be a list"),
        ("[web.proxy]\nfrom = ['0.0.0.0/0']\nheader = 'X-User'\n", "must not be all addresses"),
        ("[web.proxy]\nfrom = ['10.0.0.1/8']\nheader = 'X-User'\n", "web.proxy.from: 10.0.0.1/8 has host bits set"),
        ("[web.proxy]\nfrom = ['10.0.0.1']\nheader = 'Host'\n", "web.proxy.header must name a header"),
        ("[web.proxy]\nfrom = ['10.0.0.1']\nheader = 'X-User'\nrole = 1\n", "web.proxy.role must be one of"),
    ],
)
def test_a_wrong_key_is_an_error_that_names_it_and_no_password(text: str, why: str) -> None:
    write(text)
    with pytest.raises(ConfigError, match="config") as error:
        web_access()
    assert why in str(error.value)
    assert "secret" not in str(error.value)


@pytest.fixture
def operator(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address, source="web", actor="bob") as session:
        session._context.denied = ROLES["operate"].denied
        yield session


def test_an_operator_can_neither_delete_nor_drain_nor_reach_files(
    operator: Session, client: Client, tmp_path: Path
) -> None:
    ids = fill(client, "mail", b"one", b"two", bury=2)
    for act in (
        lambda: operator.delete(ids),
        lambda: operator.drain("mail", state="buried"),
        lambda: operator.import_(tmp_path / "none.jsonl"),
        lambda: operator.export(tmp_path / "jobs.jsonl", "mail", delete=True),
        lambda: operator.export(tmp_path / "jobs.jsonl", "mail"),
    ):
        with pytest.raises(Refused, match="your role does not allow it"):
            act()
    assert list(tmp_path.iterdir()) == []
    assert operator.kick(ids).done == 2
    assert operator.tube("mail").current_jobs_ready == 2


def test_an_operator_does_not_delete_by_an_undo(operator: Session, client: Client, beanstalkd: Beanstalkd) -> None:
    run = operator.put(b"new", tube="mail")
    undone = operator.undo(run.id)
    assert (undone.done, undone.skipped) == (0, 1)
    assert undone.reasons == {"your role does not allow delete": (1, "job 1")}
    assert operator.tube("mail").current_jobs_ready == 1
    with connect(beanstalkd.address, actor="ann") as admin:
        assert admin.undo(run.id).done == 1
