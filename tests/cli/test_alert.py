"""The commands on alerts: check, test, one round, what fires, and silences."""

from __future__ import annotations

from pathlib import Path

import pytest

from beanops import Client
from beanops.alerts.files import rules_path
from beanops.embedded.process import Beanstalkd
from tests.alerts.receivers import HttpReceiver
from tests.cli.conftest import Cli, configure, one_line

RULE = '[[rule]]\nname = "backlog"\nwhen = "ready > 1"\nlabels = { team = "mail" }\n'


def rules(text: str = RULE) -> None:
    rules_path().write_text(text)


def hook(receiver: HttpReceiver, name: str = "hook") -> str:
    return f'[notifiers.{name}]\ntype = "webhook"\nurl = "{receiver.url}"\n'


def test_a_file_is_checked(cli: Cli) -> None:
    rules()
    ended = cli("alert", "--check")
    assert ended.code == 0
    assert ended.out == f"{rules_path()}: 2 rules, 0 notifiers, 0 silences; no errors\n"
    assert cli("alert", "run", "--check").out == ended.out


@pytest.mark.parametrize("way", [[], ["--check"], ["--test"], ["--once"]])
def test_nothing_starts_with_a_wrong_file(cli: Cli, tmp_path: Path, way: list[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(RULE.replace("ready", "redy") + 'for = "soon"\n')
    ended = cli("alert", "--rules", str(path), *way)
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first.startswith(f"{path}:3:9: when: there is no column 'redy'")
    assert second.startswith(f"{path}:5:1: for must be a span of time")


def test_a_missing_file_is_said_in_one_line(cli: Cli) -> None:
    ended = cli("alert")
    assert ended.code == 2
    assert one_line(ended.err).endswith("there is no such file; beanops manual alerts shows one")


def test_each_notifier_gets_a_test(cli: Cli) -> None:
    with HttpReceiver() as receiver:
        bad = '[notifiers.bad]\ntype = "command"\ncommand = ["false"]\n'
        alertmanager = hook(receiver, "am").replace("webhook", "alertmanager")
        rules(RULE + hook(receiver) + bad + alertmanager)
        ended = cli("alert", "--test")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "hook (webhook): sent", "bad (command): false ended with exit code 1", "am (alertmanager): sent",
    ]  # fmt: skip
    first, firing, resolved = receiver.bodies
    assert [(one["test"], one["severity"], one["rule"]) for one in first["alerts"]] == [(True, "info", "test")]
    assert firing[0]["labels"] == resolved[0]["labels"]  # where alerts are kept, the test ends too
    assert firing[0]["endsAt"] > resolved[0]["endsAt"]
    assert one_line(cli("alert", "--test", "--rules", str(_without_notifiers())).err).endswith("has no notifiers")


def _without_notifiers() -> Path:
    path = rules_path().with_name("none.toml")
    path.write_text(RULE)
    return path


def test_rounds_of_cron(cli: Cli, client: Client) -> None:
    with HttpReceiver() as receiver:
        rules(RULE + hook(receiver))
        ended = cli("alert", "--once")
        assert (ended.code, ended.out) == (0, "no alerts firing\n")
        for _ in range(2):
            client.put(b"x", tube="mail")
        ended = cli("alert", "--once")
        assert ended.code == 1
        assert "firing warning backlog: mail on" in ended.out
        assert ended.out.endswith("1 alert firing\n")
        assert cli("alert", "--once").code == 1
        client.delete(1)
        assert cli("alert", "--once").code == 0
    assert [one["status"] for body in receiver.bodies for one in body["alerts"]] == ["firing", "resolved"]


def test_a_round_looks_twice_where_a_rule_needs_it(cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rules('[[rule]]\nname = "quiet"\nwhen = "puts_per_s = 0 and tube = \'mail\'"\n')
    client.put(b"x", tube="mail")
    assert "firing warning quiet: mail" in cli("alert", "--once").out
    rules('[[rule]]\nname = "idle"\non = "problems"\nwhen = "problem = \'no-workers\'"\n')
    assert "firing warning idle: no-workers on" in cli("alert", "--once").out
    rules('[[rule]]\nname = "old"\nwhen = "age < interval 1 hour and tube = \'mail\'"\n')
    assert "firing warning old: mail on" in cli("alert", "--once").out


def test_the_server_of_the_command_line_comes_first(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\n[servers.gone]\naddress = "127.0.0.1:1"\n')
    rules('servers = ["gone"]\n' + RULE)
    assert "gone does not answer" in cli("alert", "--once").out
    for words in (["-s", "prod", "alert", "--once"], ["alert", "--once", "-s", "prod"]):
        assert cli(*words).out == "no alerts firing\n"
    rules()
    monkeypatch.setenv("BEANOPS_SERVER", "gone")
    assert "gone does not answer" in cli("alert", "--once").out


def test_what_fires_and_silences(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    ended = cli("alert", "status")
    assert (ended.code, ended.out, ended.err) == (0, "", "beanops alert is not running\n")
    rules()
    for _ in range(2):
        client.put(b"x", tube="mail")
    cli("alert", "--once")
    ended = cli("alert", "status", "--json")
    assert ended.code == 1
    (found,) = ended.json
    assert (found["rule"], found["tube"], found["value"], found["silenced"]) == ("backlog", "mail", "ready 2", False)
    assert cli("alert", "status").out.splitlines()[1].split()[:4] == ["warning", "backlog", beanstalkd.address, "mail"]

    assert cli("alert", "silence", "ma*", "--for", "2h", "--reason", "import").out.startswith("silence 1 until ")
    assert cli("alert", "silence", "--rule", "other", "--for", "2h").out.startswith("silence 2 until ")
    first, second = cli("alert", "silences", "--json").json
    assert (first["id"], first["tube"], first["rule"], first["reason"]) == (1, "ma*", "*", "import")
    assert (second["tube"], second["rule"]) == ("*", "other")
    assert "@" in first["actor"]
    ended = cli("alert", "silence", "--for", "0s")
    assert (ended.code, ended.err) == (2, "beanops: --for 0 silences nothing; give a time such as 2h\n")
    assert cli("alert", "silences", "-o", "csv").out.startswith("id,rule,tube,server,start,end,reason,actor\n1,*,ma*")
    ended = cli("alert", "--once")
    assert (ended.code, ended.out) == (0, "no alerts firing\n")
    ended = cli("alert", "status")
    assert (ended.code, ended.out.rstrip()[-3:]) == (0, "yes")
    assert cli("alert", "unsilence", "1").out == "silence 1 ended\n"
    assert cli("alert", "--once").code == 1
    ended = cli("alert", "unsilence", "1")
    assert ended.code == 2
    assert one_line(ended.err) == "beanops: there is no silence 1; beanops alert silences shows them"


@pytest.mark.parametrize("words", [["silence", "mail"], ["silence", "mail", "--for", "90"], ["unsilence", "x"]])
def test_usage(cli: Cli, words: list[str]) -> None:
    ended = cli("alert", *words)
    assert ended.code == 2
    one_line(ended.err)


def test_help_of_the_group(cli: Cli) -> None:
    shown = cli("alert", "--help").out
    assert "silence" in shown
    assert "beanops alert --check" in shown
