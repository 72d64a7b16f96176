"""Profiles: what the configuration says of servers, by name and by address, and what it must not say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.monitor.problems.thresholds import ServerThresholds, Thresholds
from beanops.protocol.errors import ConnectFailed
from beanops.session.config import ConfigError, default_journal, problem_limits, profile
from beanops.session.connect import connect
from tests.session.conftest import fill


def _configure(text: str) -> Path:
    path = Path(os.environ["BEANOPS_CONFIG"])
    path.write_text(text)
    return path


def test_a_read_only_profile_protects_its_server_by_name_and_by_address(beanstalkd: Beanstalkd) -> None:
    at = f'address = "{beanstalkd.address}"'
    _configure(f'[servers.prod]\n{at}\nread_only = true\nlabel = "PRODUCTION"\nconfirm = "type-name"\n')
    with Client(beanstalkd.address) as client:
        fill(client, "mail", "buried")
    for target in ("prod", beanstalkd.address, f"beanstalk://{beanstalkd.address}"):
        assert profile(target).label == "PRODUCTION"
        with connect(target, read_only=False) as session, pytest.raises(Refused, match="read-only"):
            session.kick(1)
    _configure(f"[servers.prod]\n{at}\nread_only = true\n[servers.prod-rw]\n{at}\n")
    assert profile(beanstalkd.address).read_only
    with connect("prod-rw") as session, pytest.raises(Refused, match="read-only"):
        session.kick(1)


def test_an_address_is_guarded_as_the_strictest_of_its_profiles() -> None:
    at = 'address = "queue:11300"'
    _configure(f'[servers.a]\n{at}\nredact = ["*token*"]\n[servers.b]\n{at}\nconfirm = "type-name"\n')
    assert (profile("queue").name, profile("queue").redact) == ("b", ("*token*",))
    _configure(f'[servers.a]\n{at}\nredact = ["*token*"]\n[servers.c]\n{at}\nread_only = true\n')
    assert (profile("queue").name, profile("queue").redact) == ("c", ("*token*",))
    assert profile("c").redact == ("*token*",)


def test_a_misspelt_name_of_a_server_gets_the_nearest() -> None:
    _configure('[servers."prod.invalid"]\naddress = "queue:11300"\n')
    with pytest.raises(ConnectFailed, match=r"cannot connect .*; did you mean 'prod\.invalid'\?"):
        connect("prd.invalid")


def test_bodies_can_be_left_out(beanstalkd: Beanstalkd) -> None:
    _configure("journal_bodies = false\n")
    with Client(beanstalkd.address) as client, connect(beanstalkd.address) as session:
        run = session.delete(fill(client, "mail"))
        assert session.undo(run).reasons == {
            "its body is not in the journal, so it cannot be put again": (1, "job 1")
        }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour = 1", "colour is unknown"),
        ("journal = 5", "journal must be a text in quotes, not 5"),
        ("[servers]\nprod = 5", "servers.prod must be a table"),
        ("[servers.prod]\nread_only = true", "servers.prod: it has no address"),
        ('[servers.prod]\naddress = "a:99999999"', "servers.prod"),
        ('[servers.prod]\naddress = "a"\nread_only = "yes"', "read_only must be true or false, not 'yes'"),
        ('[servers.prod]\naddress = "a"\nconfirm = "never"', "confirm must be one of"),
        ('[servers.prod]\naddress = "a"\nredact = "token"', "redact must be a list"),
        ('[servers.prod]\naddress = "a"\nredact = [5]', "redact must be a list of texts"),
        ("problems = 5", "problems must be a table, not 5"),
        ("[problems]\nburied_ = 5", "problems.buried_ is unknown; did you mean 'buried'"),
        ("[problems]\nburied = -1", "problems.buried must be a whole number from 1 on, not -1"),
        ("[problems]\ntimeouts = 0", "problems.timeouts must be a whole number from 1 on, not 0"),
        ("[problems]\nburied = true", "problems.buried must be a whole number from 1 on, not True"),
        ('[problems]\nwindow = "soon"', "problems.window must be seconds, or a text such as \"10m\", not 'soon'"),
        ("[problems]\ncpu = 90", "problems.cpu must be a share above 0 and at most 1, not 90"),
        ('[problems]\nignore = ["lonely"]', "problems.ignore must be a list of these: draining, "),
        ('[problems."mail-*"]\nslow = 1', 'problems."mail-*".slow is of the server: set it under [problems]'),
        ('[problems."mail-*"]\nold = 1', 'problems."mail-*".old is unknown; did you mean'),
        ("this is no toml", "config.toml"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(text: str, complaint: str) -> None:
    _configure(text)
    with pytest.raises(ConfigError) as caught:
        profile("127.0.0.1:11300")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_journal_is_the_environments_then_the_configurations_then_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _configure('journal = "postgresql+psycopg://db/ops"\n')
    assert default_journal() == os.environ["BEANOPS_JOURNAL"]
    monkeypatch.delenv("BEANOPS_JOURNAL")
    assert default_journal() == "postgresql+psycopg://db/ops"
    _configure("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_journal() == str(tmp_path / "beanops" / "journal.sqlite")


def test_thresholds_are_those_of_the_defaults_then_of_the_patterns_in_turn() -> None:
    assert problem_limits().of("mail-in") == Thresholds()
    _configure(
        """
        [problems]
        oldest = "30m"
        slow = 0.5
        ignore = ["restarted"]
        [problems."mail-*"]
        buried = 100
        no_workers = "5m"
        [problems."*-in"]
        buried = 7
        ignore = ["oldest"]
        """
    )
    limits = problem_limits()
    expected = Thresholds(oldest=1800.0, ignore=("restarted",))
    assert (limits.tubes, limits.server) == (expected, ServerThresholds(slow=0.5))
    assert limits.of("mail-out") == expected._replace(buried=100, no_workers=300.0)
    assert limits.of("mail-in") == expected._replace(buried=7, no_workers=300.0, ignore=("oldest",))
    assert limits.of("sms") == expected
