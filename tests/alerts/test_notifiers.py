"""Notifiers against receivers on loopback: what they send, and what they make of refusals."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_string, policy
from email.utils import format_datetime
from pathlib import Path

import pytest

from beanops.alerts.couriers import Delivered, deliver
from beanops.alerts.fields import RulesError
from beanops.alerts.notifiers.notice import Notice
from beanops.alerts.notifiers.slack import message
from beanops.alerts.rules import NotifierChannel
from tests.alerts.conftest import START, Read
from tests.alerts.receivers import HttpReceiver, Reply, SmtpReceiver, certificate, dribbling

NOTICE = Notice(
    "beanops-1", "firing", "backlog", "prod", "mail", "critical", "mail: 101 jobs ready", "Add workers.",
    {"team": "mail"}, {"ready": "101"}, START, look_at="beanops -s prod stats mail",
)  # fmt: skip
ENDED = NOTICE._replace(status="resolved", ended=START.replace(hour=13))
SECRET = "hunter2-secret"

Made = Callable[..., NotifierChannel]


@pytest.fixture
def made(read: Read) -> Made:
    """Make a notifier of the lines of its table."""

    def make(*lines: str) -> NotifierChannel:
        text = "\n".join(['[[rule]]\nname = "a"\nwhen = "true"\n[notifiers.x]', *lines])
        return read(text).channels["x"]

    return make


def send(channel: NotifierChannel, *notices: Notice) -> Delivered:
    """Deliver notices, and return how the last delivery went."""
    *_, last = deliver(channel, notices or (NOTICE,))
    return last


def test_a_webhook_gets_all_facts(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", f"Bearer {SECRET}")
    with HttpReceiver() as receiver:
        channel = made(
            'type = "webhook"', f'url = "{receiver.url}/hook"', 'headers = { Authorization = { env = "TOKEN" } }'
        )
        assert send(channel, NOTICE, ENDED).error == ""
    (posted,) = receiver.posted
    assert posted.path == "/hook"
    assert posted.headers["Authorization"] == f"Bearer {SECRET}"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.body["version"] == 1
    first, second = posted.body["alerts"]
    assert first == {
        "key": "beanops-1", "status": "firing", "rule": "backlog", "server": "prod", "tube": "mail",
        "severity": "critical", "summary": "mail: 101 jobs ready", "description": "Add workers.",
        "labels": {"team": "mail"}, "values": {"ready": "101"}, "since": "2026-01-31T12:00:00Z", "ended": None,
        "look_at": "beanops -s prod stats mail", "test": False,
    }  # fmt: skip
    assert (second["status"], second["ended"]) == ("resolved", "2026-01-31T13:00:00Z")


def test_pagerduty_gets_an_event_for_each_alert(made: Made, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("routing-key\n")
    with HttpReceiver(Reply(202)) as receiver:
        channel = made(
            'type = "pagerduty"', f'url = "{receiver.url}"', f"routing_key = {{ file = '{tmp_path / 'key'}' }}"
        )
        assert send(channel, NOTICE, ENDED).error == ""
    trigger, resolve = receiver.bodies
    assert trigger["routing_key"] == "routing-key"
    assert (trigger["event_action"], trigger["dedup_key"]) == ("trigger", "beanops-1")
    assert trigger["payload"] == {
        "summary": "mail: 101 jobs ready", "source": "prod", "severity": "critical",
        "timestamp": "2026-01-31T12:00:00Z", "component": "mail", "group": "prod", "class": "backlog",
        "custom_details": {
            "description": "Add workers.", "look_at": "beanops -s prod stats mail", "ready": "101", "team": "mail",
        },
    }  # fmt: skip
    assert resolve == {"routing_key": "routing-key", "event_action": "resolve", "dedup_key": "beanops-1"}


def test_alertmanager_gets_alerts_that_end_unless_they_come_again(made: Made) -> None:
    with HttpReceiver() as receiver:
        channel = made('type = "alertmanager"', f'url = "{receiver.url}/am/"')
        before = datetime.now(UTC)
        assert send(channel, NOTICE, ENDED._replace(key="beanops-2")).error == ""
    (posted,) = receiver.posted
    assert posted.path == "/am/api/v2/alerts"
    firing, ended = posted.body
    assert firing["labels"] == {
        "alertname": "backlog", "severity": "critical", "server": "prod", "tube": "mail", "team": "mail",
        "beanops_key": "beanops-1",
    }  # fmt: skip
    assert firing["annotations"]["summary"] == "mail: 101 jobs ready"
    assert firing["startsAt"] == "2026-01-31T12:00:00Z"
    assert channel.repeat is not None
    assert (datetime.fromisoformat(firing["endsAt"]) - before).total_seconds() > 2 * channel.repeat
    assert ended["endsAt"] == "2026-01-31T13:00:00Z"


def test_slack_gets_one_message_without_links_or_mentions(made: Made) -> None:
    hostile = NOTICE._replace(summary="<!channel> & <http://x|y>")
    with HttpReceiver() as receiver:
        channel = made('type = "slack"', f'url = "{receiver.url}"', 'channel = "#ops"')
        assert send(channel, hostile, ENDED).error == ""
    (body,) = receiver.bodies
    assert body["channel"] == "#ops"
    assert body["text"] == "beanops: 1 firing, 1 resolved"
    first, second = body["attachments"]
    assert first["text"].startswith("*CRITICAL: &lt;!channel&gt; &amp; &lt;http://x|y&gt;*\nAdd workers.\n`beanops")
    assert second["text"].startswith("*RESOLVED: mail: 101 jobs ready*")
    assert "<" not in json.dumps(body)


def test_slack_counts_alerts_that_are_too_many() -> None:
    shown = message([NOTICE] * 57)["attachments"]
    assert isinstance(shown, list)
    assert len(shown) == 21
    assert shown[-1]["text"] == "and 37 more alerts"
    assert message([NOTICE])["text"] == "CRITICAL: mail: 101 jobs ready"


@pytest.mark.parametrize(
    ("reply", "error", "rejected", "wait"),
    [
        (Reply(500, "oops\nand\x1b[31m more"), r"localhost answered 500: oops and\\x1b\[31m more", False, None),
        (Reply(429, "", {"Retry-After": "17"}), "localhost answered 429", False, 17.0),
        (Reply(503, "", {"Retry-After": "99999999"}), "localhost answered 503", False, 3600.0),
        (Reply(503, "", {"Retry-After": "soon"}), "localhost answered 503", False, None),
        (Reply(503, "", {"Retry-After": "-5"}), "localhost answered 503", False, None),
        (Reply(400, "invalid_payload"), "localhost answered 400: invalid_payload", True, None),
        (Reply(403, f"bad token {SECRET}"), r"localhost answered 403: bad token \[hidden\]", False, None),
        (Reply(302, "", {"Location": "http://localhost:1/"}), "302, a redirect, which is not followed", False, None),
    ],
)
def test_refusals(
    made: Made, monkeypatch: pytest.MonkeyPatch, reply: Reply, error: str, rejected: bool, wait: float | None
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    with HttpReceiver(reply) as receiver:
        told = send(made('type = "webhook"', f'url = "{receiver.url}"', 'headers = { X-Token = { env = "TOKEN" } }'))
        assert len(receiver.posted) == 1
    assert re.search(error, told.error)
    assert (told.rejected, told.wait) == (rejected, wait)
    assert SECRET not in told.error


def test_a_date_to_retry_after(made: Made) -> None:
    when = format_datetime(datetime.fromtimestamp(time.time() + 120, UTC), usegmt=True)
    with HttpReceiver(Reply(503, "", {"Retry-After": when})) as receiver:
        wait = send(made('type = "webhook"', f'url = "{receiver.url}"')).wait
    assert wait is not None
    assert 60 < wait <= 120


def test_a_secret_url_is_never_shown(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with HttpReceiver(Reply(404, "no_service /services/T0/hunter2-secret")) as receiver:
        monkeypatch.setenv("HOOK", f"{receiver.url}/services/T0/{SECRET}")
        channel = made('type = "slack"', 'url = { env = "HOOK" }')
        told = send(channel)
    assert told.error.startswith("localhost answered 404")
    assert f"T0/{SECRET}" not in repr(channel) + repr(channel.notifier.secrets)
    told = send(channel)  # nothing listens there any more
    assert told.error.startswith("cannot reach localhost: ")
    assert SECRET not in told.error


def test_a_header_that_is_none_is_not_repeated(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", f"a\r\nX-Other: {SECRET}")
    with HttpReceiver() as receiver:
        told = send(made('type = "webhook"', f'url = "{receiver.url}"', 'headers = { X-Token = { env = "TOKEN" } }'))
    assert told.error == "cannot send to localhost: the URL or a header is not valid"
    assert receiver.posted == []


def test_a_secret_is_read_when_it_is_used(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    with HttpReceiver() as receiver:
        channel = made(
            'type = "webhook"', f'url = "{receiver.url}"', f"headers = {{ X-Token = {{ file = '{tmp_path}/token' }} }}"
        )
        send(channel)
        (tmp_path / "token").write_text("second\n")
        send(channel)
        (tmp_path / "token").unlink()
        assert "No such file" in send(channel).error
    assert [one.headers["X-Token"] for one in receiver.posted] == ["first", "second"]


def test_a_receiver_that_is_too_slow(made: Made) -> None:
    with HttpReceiver(Reply(delay=1.0)) as receiver:
        told = send(made('type = "webhook"', f'url = "{receiver.url}"', 'timeout = "0.2s"'))
    assert told.error == "localhost did not answer within 0.2 s"


def test_a_receiver_that_never_ends_its_answer(made: Made) -> None:
    with dribbling() as url:
        began = time.monotonic()
        told = send(made('type = "webhook"', f'url = "{url}"', 'timeout = "0.3s"'))
    assert told.error == "localhost did not answer within 0.3 s"
    assert time.monotonic() - began < 10


def test_a_certificate_must_be_trusted(made: Made, tmp_path: Path) -> None:
    context, file = certificate(tmp_path)
    with HttpReceiver(context=context) as receiver:
        url = f'url = "{receiver.url}"'
        assert "its certificate is not trusted" in send(made('type = "webhook"', url)).error
        assert receiver.posted == []
        assert send(made('type = "webhook"', url, f"ca_file = '{file}'")).error == ""


def test_a_batch_that_is_rejected_is_tried_in_halves(made: Made) -> None:
    notices = [NOTICE._replace(key=f"beanops-{number}") for number in range(4)]
    with HttpReceiver(Reply(413), Reply(413), Reply(413), Reply()) as receiver:
        results = [*deliver(made('type = "webhook"', f'url = "{receiver.url}"'), notices)]
    told = [(one.notices[0].key, len(one.notices), one.rejected) for one in results]
    assert told == [("beanops-0", 1, True), ("beanops-1", 1, False), ("beanops-2", 2, False)]


def test_a_failure_ends_the_deliveries_of_the_moment(made: Made) -> None:
    with HttpReceiver(Reply(202), Reply(500), Reply(202)) as receiver:
        channel = made('type = "pagerduty"', f'url = "{receiver.url}"', 'routing_key = { env = "HOME" }')
        results = [*deliver(channel, [NOTICE, NOTICE, NOTICE])]
    assert [bool(one.error) for one in results] == [False, True]
    assert len(receiver.posted) == 2


# A command.

SCRIPT = "import json, os, sys; json.dump([dict(os.environ), json.load(sys.stdin), sys.argv], open(sys.argv[1], 'w'))"


def test_a_command_gets_facts_and_no_secrets_of_others(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "http://localhost/secret")
    found = tmp_path / "found.json"
    command = json.dumps([sys.executable, "-c", SCRIPT, str(found), "$(touch x); `ls`"])
    channels = read(
        '[[rule]]\nname = "a"\nwhen = "true"\n'
        f'[notifiers.run]\ntype = "command"\ncommand = {command}\n'
        '[notifiers.hook]\ntype = "slack"\nurl = { env = "HOOK" }\n'
    ).channels
    hostile = NOTICE._replace(summary="$(touch y)\n; rm -rf /", tube="a;b$c")
    assert send(channels["run"], hostile).error == ""
    environment, facts, arguments = json.loads(found.read_text())
    assert arguments[2] == "$(touch x); `ls`"
    assert facts["tube"] == "a;b$c"
    assert environment["BEANOPS_ALERT_SUMMARY"] == "$(touch y)\n; rm -rf /"
    assert environment["BEANOPS_ALERT_STATUS"] == "firing"
    assert "HOOK" not in environment
    assert "PATH" in environment


@pytest.mark.parametrize(
    ("command", "timeout", "error"),
    [
        (["sh", "-c", "echo no network >&2; exit 3"], "30s", "sh ended with exit code 3: no network"),
        (["sh", "-c", "kill -9 $$"], "30s", "sh ended with signal 9"),
        (["sh", "-c", "sleep 60 & sleep 60"], "0.3s", "sh did not end within 0.3 s"),
    ],
)
def test_a_command_that_fails_is_run_again_later(made: Made, command: list[str], timeout: str, error: str) -> None:
    told = send(made('type = "command"', f"command = {json.dumps(command)}", f'timeout = "{timeout}"'))
    assert (told.error, told.rejected) == (error, False)


def test_nobody_waits_for_what_a_command_leaves_behind(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    channel = made('type = "command"', """command = ["sh", "-c", "sleep 20 & echo $! > pid"]""")
    pid = Path("pid")
    try:
        assert send(channel).error == ""
        assert time.monotonic() - began < 15
    finally:
        if pid.exists():
            os.kill(int(pid.read_text()), 9)


# Mail.


def mail(*lines: str, port: int) -> tuple[str, ...]:
    usual = ('type = "mail"', 'host = "localhost"', f"port = {port}", 'from = "beanops@example.com"')
    return (*usual, 'to = ["a@example.com", "b@example.com"]', *lines)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_with_tls_and_a_login(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)
    context, file = certificate(tmp_path)
    with SmtpReceiver(context, implicit=tls == "tls") as receiver:
        login = (f'tls = "{tls}"', f"ca_file = '{file}'", 'user = "ops"', 'password = { env = "PASSWORD" }')
        told = send(made(*mail(*login, port=receiver.port)), NOTICE, ENDED)
    assert told.error == ""
    (text,) = receiver.mails
    sent = message_from_string(text, policy=policy.default)
    assert sent["Subject"] == "[CRITICAL] mail: 101 jobs ready (and 1 more alert)"
    assert sent["To"] == "a@example.com, b@example.com"
    assert sent["Auto-Submitted"] == "auto-generated"
    body = sent.get_content()
    assert "rule backlog, tube mail on server prod" not in body
    assert "rule backlog, tube mail on prod" in body
    assert "RESOLVED: mail: 101 jobs ready" in body
    assert any(command.startswith("AUTH") for command in receiver.commands)


def test_mail_to_a_server_without_tls_is_not_sent(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)
    with SmtpReceiver() as receiver:
        told = send(made(*mail('user = "ops"', 'password = { env = "PASSWORD" }', port=receiver.port)))
    assert told.error.startswith("cannot send by localhost: STARTTLS extension not supported")
    assert not any(command.startswith(("AUTH", "MAIL")) for command in receiver.commands)
    with SmtpReceiver() as receiver:
        assert send(made(*mail('tls = "none"', port=receiver.port))).error == ""


def test_a_password_that_the_server_repeats_is_hidden(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)
    context, file = certificate(tmp_path)
    replies = {"AUTH": f"535 {SECRET} is wrong"}
    with SmtpReceiver(context, implicit=True, replies=replies) as receiver:
        login = ('tls = "tls"', f"ca_file = '{file}'", 'user = "ops"', 'password = { env = "PASSWORD" }')
        told = send(made(*mail(*login, port=receiver.port)))
    assert told.error == "localhost answered 535: [hidden] is wrong"


@pytest.mark.parametrize(
    ("replies", "error", "rejected"),
    [
        ({"MAIL": "451 try later"}, "localhost answered 451: try later", False),
        ({"RCPT": "550 nobody"}, "localhost refused all recipients (550)", True),
        ({"RCPT": "450 grey"}, "localhost refused all recipients (450)", False),
    ],
)
def test_mail_that_is_refused(made: Made, replies: dict[str, str], error: str, rejected: bool) -> None:
    with SmtpReceiver(replies=replies) as receiver:
        told = send(made(*mail('tls = "none"', port=receiver.port)))
    assert (told.error, told.rejected) == (error, rejected)


def test_a_header_of_a_mail_is_one_line(made: Made) -> None:
    hostile = NOTICE._replace(summary="a\r\nBcc: everybody@example.com\r\n\r\nx", description="é\x1b[31m")
    with SmtpReceiver() as receiver:
        assert send(made(*mail('tls = "none"', port=receiver.port)), hostile).error == ""
    sent = message_from_string(receiver.mails[0], policy=policy.default)
    assert sent["Bcc"] is None
    assert "\x1b" not in sent.get_content()


def test_what_is_wrong_with_tls_is_said(made: Made, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with SmtpReceiver(context, implicit=True) as receiver:
        told = send(made(*mail('tls = "tls"', port=receiver.port)))
    assert told.error.startswith("the certificate of localhost is not trusted")


def test_a_missing_file_of_certificates_is_said(made: Made) -> None:
    with pytest.raises(RulesError, match="cannot read"):
        made('type = "webhook"', 'url = "https://localhost"', 'ca_file = "/no/such.pem"')
