"""Rules files: what is wrong is said with its place, and all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from beanops.alerts.fields import RulesError
from beanops.alerts.reading import UNREACHABLE
from tests.alerts.conftest import Read
from tests.cli.conftest import configure

RULE = '[[rule]]\nname = "a"\nwhen = "ready > 1"\n'


def in_rule(line: str) -> str:
    return RULE + line


def in_notifier(kind: str, *lines: str) -> str:
    return "\n".join([RULE, "[notifiers.x]", f'type = "{kind}"', *lines])


BAD = [
    # The file as a whole.
    ("", (1, 1), "there is no [[rule]]"),
    ("x = \n", (1, 5), "invalid value"),
    ("[[rule]\n", (1, 7), "expected ']]' at the end of an array declaration"),
    ('rule = "a"', (1, 1), "rule must be a list, not 'a'"),
    ("rule = [1]", (1, 1), "rule must be written as [[rule]]"),
    ("ruls = 1\n" + RULE, (1, 1), "unknown key 'ruls'"),
    ('interval = "10 parsecs"\n' + RULE, (1, 1), "interval must be a span of time such as"),
    ('interval = "10ms"\n' + RULE, (1, 1), "interval must be from 1 s to 3600 s"),
    ("interval = true\n" + RULE, (1, 1), "interval must be a span of time such as \"5m\" or \"1h 30m\", not true"),
    ('timezone = "Europe/Berln"\n' + RULE, (1, 1), "timezone must be the name of a time zone"),
    ("timezone = 3\n" + RULE, (1, 1), "timezone must be the name of a time zone"),
    ("servers = 3\n" + RULE, (1, 1), "servers must be a list of texts, not 3"),
    ('servers = ["prod", "a:b:c:d"]\n' + RULE, (1, 20), "'a:b:c:d' is neither a profile nor an address"),
    ("labels = { a = 1 }\n" + RULE, (1, 12), "labels.a must be a text in quotes, not 1"),
    ('notify = ["x"]\n' + RULE, (1, 1), "there is no notifier 'x'; there are none"),
    # Rules.
    ("[[rule]]\nwhen = 'true'", (1, 1), "name is missing"),
    ("[[rule]]\nname = ''\nwhen = 'true'", (2, 1), "name is empty"),
    ("[[rule]]\nname = 'a'", (1, 1), "when is missing"),
    (RULE + RULE, (5, 1), "a rule named 'a' is above already"),
    ("[[rule]]\nname = 'a'\nwhen = 'redy > 1'", (3, 9), "did you mean 'ready'"),
    ("[[rule]]\nname = 'a'\nwhen = '''\ntube = 'x'\n  and redy > 1'''", (5, 7), "when: there is no column 'redy'"),
    ('[[rule]]\nname = "a"\nwhen = "tube = \'\\t\' and redy > 1"', (3, 25), "there is no column 'redy'"),
    ("[[rule]]\nname = 'a'\nwhen = 'age > 5'", (3, 9), "are spans of time: write interval 60 seconds, or epoch(age)"),
    ("[[rule]]\nname = 'a'\nwhen = 'ready'", (3, 1), "when: it is BIGINT, neither true nor false; write a comparison"),
    ("[[rule]]\nname = 'a'\nwhen = 'true) or (true'", (3, 13), "syntax error"),
    ("[[rule]]\nname = 'a'\nwhen = 'true; drop table x'", (3, 1), "it is more than one statement"),
    ("[[rule]]\nname = 'a'\non = 'servers'\nwhen = 'ready > 1 and tube = 1'", (4, 23), "there is no column 'tube'"),
    ("[[rule]]\nname = 'a'\nwhen = \"exists(from read_csv('/etc/passwd'))\"", (3, 21), "when: Cannot access file"),
    (in_rule("until = 'redy < 1'"), (4, 10), "until: there is no column 'redy'"),
    (in_rule("on = 'tube'"), (4, 1), "on must be one of tubes, problems, servers, not 'tube'; did you mean 'tubes'"),
    (in_rule("severity = 'criticl'"), (4, 1), "did you mean 'critical'"),
    (in_rule("sevrity = 'critical'"), (4, 1), "did you mean 'severity'"),
    (in_rule("for = 'soon'"), (4, 1), "for must be a span of time"),
    (in_rule("for = -5"), (4, 1), "for must be a span of time"),
    (in_rule("keep_firing = []"), (4, 1), "keep_firing must be a span of time such as"),
    (in_rule("labels = { 'a b' = 'x' }"), (4, 12), "labels.a b: a label is made of letters"),
    (in_rule("per = 'job'"), (4, 1), "per must be one of tube, server"),
    (in_rule("per = 'server'\nuntil = 'ready < 1'"), (5, 1), "until needs per"),
    (in_rule("summary = '{tub}'"), (4, 1), "unknown field {tub}"),
    (in_rule("summary = '{tube.__class__}'"), (4, 1), "unknown field {tube.__class__}"),
    (in_rule("summary = '{tube!r}'"), (4, 1), "a field is a name alone, without a format: {tube}"),
    (in_rule("description = '{ready:,}'"), (4, 1), "a field is a name alone"),
    (in_rule("description = 'a } b'"), (4, 1), "write {{ for a brace"),
    (in_rule("notify = ['chat']\n[notifiers.cat]\ntype = 'webhook'\nurl = 'http://x'"), (4, 1), "did you mean 'cat'"),
    # Silences.
    (RULE + "[[silence]]\nrule = 'b'", (5, 1), "there is no rule 'b'"),
    (RULE + "[[silence]]\ndaily = '22-06'", (5, 1), "daily must be hours such as \"22:00-06:00\", not '22-06'"),
    (RULE + "[[silence]]\ndaily = '22:00-25:00'", (5, 1), "daily must be hours"),
    (RULE + "[[silence]]\ndaily = '22:00-22:00'", (5, 1), "daily must be hours"),
    (RULE + "[[silence]]\ndays = ['sat', 'sunday']", (5, 16), "a day is one of mon, tue"),
    (RULE + "[[silence]]\nfrom = 'tomorrow'", (5, 1), "from must be a time such as"),
    (RULE + "[[silence]]\nfrom = 2026-01-02T00:00:00\nto = 2026-01-01T00:00:00", (6, 1), "to is not after from"),
    (RULE + "[[rule.silence]]\ntubes = 'a'", (5, 1), "did you mean 'tube'"),
    # Notifiers.
    (RULE + "[notifiers]\nx = 1", (5, 1), "notifiers.x must be a table: [notifiers.x]"),
    (RULE + "[notifiers.x]", (4, 1), "type is missing"),
    (in_notifier("slak"), (6, 1), "did you mean 'slack'"),
    (in_notifier("webhook"), (5, 1), "url is missing"),
    (in_notifier("webhook", "url = 3"), (7, 1), "url must be a text, { env ="),
    (in_notifier("webhook", "url = 'example.com/hook'"), (7, 1), "url must be a URL that begins with https://"),
    (in_notifier("webhook", "url = 'http://a b'"), (7, 1), "url must be a URL"),
    (in_notifier("webhook", "url = { env = 'HOME' }"), (7, 1), "url must be a URL"),
    (in_notifier("webhook", "url = { env = 'NOT_SET_HERE' }"), (7, 1), "url: the variable NOT_SET_HERE is not set"),
    (in_notifier("webhook", "url = { file = '/no/such' }"), (7, 1), "url: cannot read the file /no/such: No such file"),
    (in_notifier("webhook", "url = { evn = 'A' }"), (7, 1), "url must be a text, { env ="),
    (in_notifier("webhook", "url = 'http://x'\nheaders = { A = 1 }"), (8, 13), "headers.A must be a text, { env"),
    (in_notifier("webhook", "url = 'http://x'\ntimeout = '0s'"), (8, 1), "timeout must be from 0.1 s to 300 s"),
    (in_notifier("webhook", "url = 'http://x'\nseverities = ['bad']"), (8, 15), "a severity is one of critical"),
    (in_notifier("webhook", "url = 'http://x'\nresolves = 'no'"), (8, 1), "resolves must be true or false"),
    (in_notifier("pagerduty", "routing_key = 'abc123'"), (7, 1), "a secret does not belong in this file"),
    (in_notifier("pagerduty"), (5, 1), "routing_key is missing"),
    (in_notifier("command", "command = 'rm -rf x'"), (7, 1), "command must be a list"),
    (in_notifier("command", "command = []"), (7, 1), "command is empty"),
    (in_notifier("command", "command = ['no-such-program']"), (7, 12), "no program 'no-such-program'"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a@b'"), (5, 1), "to is missing"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a'\nto = ['a@b']"), (8, 1), "'a' is not a mail address"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a@b'\nto = ['a@b']\nport = 'smtp'"), (10, 1), "port must be a whole"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a@b'\nto = ['a@b']\nport = 70000"), (10, 1), "port must be from 1 to"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a@b'\nto = ['a@b']\nuser = 'u'"), (10, 1), "user and password belong"),
    (in_notifier("mail", "host = 'h'\nfrom = 'a@b'\nto = ['a@b']\nuser = 'u'\npassword = 'hunter2'"), (11, 1),
     "password must be { env ="),
    (in_notifier("mail", "tls = 'none'\nhost = 'h'\nfrom = 'a@b'\nto = ['a@b']\nuser = 'u'\npassword = {env='HOME'}"),
     (7, 1), 'a password needs tls = "starttls" or "tls"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "message"), BAD, ids=[f"{n} {message}" for n, (*_, message) in enumerate(BAD)]
)
def test_a_wrong_file_is_explained(read: Read, text: str, place: tuple[int, int], message: str) -> None:
    with pytest.raises(RulesError) as caught:
        read(text)
    found = [(one.line, one.column) for one in caught.value.complaints if message in one.message]
    assert found == [place], caught.value.lines


def test_all_that_is_wrong_is_said_in_the_order_of_the_file(read: Read) -> None:
    with pytest.raises(RulesError) as caught:
        read("interval = 0\n[[rule]]\nname = 'a'\nwhen = 'redy > 1'\nfor = 'x'\nsevrity = 'info'\n")
    assert [one.line for one in caught.value.complaints] == [1, 4, 5, 6]
    assert "(and 3 more errors)" in str(caught.value)
    assert all(line.startswith(str(caught.value.path)) for line in caught.value.lines)


@pytest.mark.parametrize("secret", ["hunter2-secret", {"value": "hunter2-secret"}])
def test_a_secret_in_the_wrong_place_is_not_repeated(read: Read, secret: object) -> None:
    written = f'"{secret}"' if isinstance(secret, str) else '{ value = "hunter2-secret" }'
    with pytest.raises(RulesError) as caught:
        read(in_notifier("pagerduty", f"routing_key = {written}"))
    assert "hunter2" not in "\n".join(caught.value.lines)


def test_a_file_that_is_missing_or_no_text(tmp_path: Path, read: Read) -> None:
    from beanops.alerts.reading import read_rules
    from tests.alerts.conftest import PREDICATES

    with pytest.raises(RulesError, match="there is no such file"):
        read_rules(tmp_path / "nowhere.toml", PREDICATES)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesError, match="it is not UTF-8"):
        read_rules(tmp_path / "binary.toml", PREDICATES)
    with pytest.raises(RulesError, match="Is a directory"):
        read_rules(tmp_path, PREDICATES)


def test_what_is_not_given_has_a_value(read: Read) -> None:
    rules = read('labels = { site = "berlin" }\n' + in_notifier("webhook", "url = 'http://x'"))
    mine, built_in = rules.rules
    assert mine.severity == "warning"
    assert mine.notify == ("x",)
    assert mine.labels == {"site": "berlin"}
    assert mine.repeat == 4 * 3600
    assert mine.reads == {"ready"}
    assert (built_in.name, built_in.severity, built_in.notify) == (UNREACHABLE, "critical", ("x",))
    assert (rules.interval, rules.patience, rules.servers) == (10.0, 3.0, ())


def test_the_rule_on_lost_servers_can_be_replaced(read: Read) -> None:
    rules = read("[[rule]]\nname = 'unreachable'\non = 'servers'\nwhen = 'not up'\nfor = '5m'\n")
    assert [(rule.name, rule.hold) for rule in rules.rules] == [("unreachable", 300.0)]


def test_servers_are_profiles_or_addresses(read: Read) -> None:
    configure('[servers.prod]\naddress = "127.0.0.1:11300"\n')
    assert read('servers = ["prod", "queue.internal", "unix:/run/b.sock"]\n' + RULE).servers[0] == "prod"
