"""What is sent to whom and when, over failures, silences, restarts and reloads. The clock is injected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beanops.alerts.couriers import Delivered, deliver
from beanops.alerts.rules import Rules, Silence
from beanops.alerts.state import SetSilence, StateError, StateLocked, load, locked, save_silences
from beanops.alerts.status import AlertStatus, StatusReader, alert_status
from beanops.alerts.supervisor import Supervisor
from beanops.alerts.watchers import Looked
from beanops.monitor.survey import Seen, Survey
from beanops.protocol import ServerStats, TubeStats
from tests.alerts.conftest import PREDICATES, START, Clock, Read
from tests.alerts.receivers import HttpReceiver, Reply

RULE = '[[rule]]\nname = "backlog"\nwhen = "ready > 100"\n'


def record(kind: Any, **values: Any) -> Any:
    """Return a record of statistics in which all that is not given is 0 or empty."""
    fields = {
        name: "" if name in ("name", "id", "hostname", "version", "os", "platform") else 0 for name in kind._fields
    }
    return kind(**{**fields, "extra": {}, **values})


def survey(clock: Clock, **ready: int) -> Survey:
    """Return a survey of tubes with ready jobs."""
    tubes = {
        name: Seen(record(TubeStats, name=name, current_jobs_ready=number), clock.seconds)
        for name, number in ready.items()
    }
    return Survey(clock.seconds, record(ServerStats, id="f00d", draining=False), tubes=tubes)


class Town:
    """A supervisor with its clock, and what it said."""

    def __init__(self, rules: Rules, clock: Clock, path: Path, servers: Sequence[str] = ("prod",)) -> None:
        self.rules = rules
        self.clock = clock
        self.path = path
        self.said: list[str] = []
        self.supervisor = Supervisor(
            rules, PREDICATES, servers, path, clock=clock, now=clock.now, say=self.said.append
        )  # fmt: skip

    def look(self, after: float = 10.0, **ready: int) -> None:
        self.clock.seconds += after
        self.supervisor.looked(Looked("prod", survey(self.clock, **ready)))

    def lose(self, after: float = 10.0, error: str = "timed out") -> None:
        self.clock.seconds += after
        self.supervisor.looked(Looked("prod", None, error))

    def due(self) -> list[tuple[str, str, str]]:
        """Return what is due, as channel, status and tube or rule, without sending it."""
        found = self.supervisor.due()
        for name in found:
            self.supervisor.delivered(Delivered(name, (), last=True))
        return [(name, one.status, one.tube or one.rule) for name, notices in found.items() for one in notices]

    def send(self) -> list[Delivered]:
        """Deliver what is due."""
        done = []
        for name, notices in self.supervisor.due().items():
            for delivered in deliver(self.supervisor.rules.channels[name], notices):
                self.supervisor.delivered(delivered)
                done.append(delivered)
            self.supervisor.delivered(Delivered(name, (), last=True))
        self.supervisor.save(force=True)
        return done

    def accept(self) -> list[tuple[str, str, str]]:
        """Have what is due accepted."""
        done = []
        for name, notices in self.supervisor.due().items():
            self.supervisor.delivered(Delivered(name, tuple(notices)))
            self.supervisor.delivered(Delivered(name, (), last=True))
            done += [(name, one.status, one.tube or one.rule) for one in notices]
        self.supervisor.save(force=True)
        return done


Start = Callable[..., Town]


@pytest.fixture
def start(read: Read, clock: Clock, tmp_path: Path) -> Start:
    """Start a supervisor on a rules file; again on the same state for a restart."""

    def begin(text: str, hook: str = "http://localhost:1/", *servers: str) -> Town:
        rules = read(text + f'[notifiers.hook]\ntype = "webhook"\nurl = "{hook}"\n')
        return Town(rules, clock, tmp_path / "state.json", servers or ("prod",))

    return begin


def test_firing_and_its_end_are_sent_once(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    assert town.accept() == [("hook", "firing", "mail")]
    town.look(mail=102)
    assert town.accept() == []
    town.look(mail=5)
    assert town.accept() == [("hook", "resolved", "mail")]
    assert town.supervisor.alerts == {}
    town.look(mail=5)
    assert town.accept() == []


def test_what_fails_twice_is_sent_with_back_off(start: Start, clock: Clock) -> None:
    with HttpReceiver(Reply(503, ""), Reply(503, "")) as receiver:
        town = start(RULE, receiver.url)
        town.look(mail=101)
        assert town.send()[0].error == "localhost answered 503"
        assert town.send() == []  # not at once
        clock.seconds += 1.3
        assert town.send()[0].error == "localhost answered 503"
        clock.seconds += 1.3
        assert town.send() == []  # the second wait is twice as long
        clock.seconds += 1.3
        assert town.send()[0].error == ""
        clock.seconds += 600
        assert town.send() == []
    statuses = [alert["status"] for body in receiver.bodies for alert in body["alerts"]]
    assert statuses == ["firing", "firing", "firing"]
    assert {alert["key"] for body in receiver.bodies for alert in body["alerts"]} == {
        receiver.bodies[0]["alerts"][0]["key"]
    }
    assert "next attempt in" in "".join(town.said)
    assert town.said[-1] == "hook was notified of 1 alert"


def test_a_receiver_is_left_alone_for_as_long_as_it_asks(start: Start, clock: Clock) -> None:
    with HttpReceiver(Reply(429, "", {"Retry-After": "60"})) as receiver:
        town = start(RULE, receiver.url)
        town.look(mail=101)
        town.send()
        clock.seconds += 59
        assert town.send() == []
        clock.seconds += 2
        assert [one.error for one in town.send()] == [""]
    assert len(receiver.posted) == 2


def test_back_off_ends_at_five_minutes(start: Start, clock: Clock) -> None:
    with HttpReceiver(*[Reply(500)] * 20) as receiver:
        town = start(RULE, receiver.url)
        town.look(mail=101)
        for _ in range(12):
            assert town.send()[0].error
            clock.seconds += 376
        assert len(receiver.posted) == 12


def test_an_alert_that_ends_before_it_could_be_sent_is_not_sent(start: Start) -> None:
    with HttpReceiver(Reply(500)) as receiver:
        town = start(RULE, receiver.url)
        town.look(mail=101)
        town.send()
        town.look(mail=5)
        town.look(after=400, mail=5)
        assert town.send() == []
    assert len(receiver.posted) == 1


def test_an_alert_that_ends_while_it_is_sent_is_resolved(start: Start) -> None:
    town = start(RULE)
    town.look(mail=500)
    under_way = town.supervisor.due()
    town.look(mail=0)
    for name, notices in under_way.items():
        town.supervisor.delivered(Delivered(name, tuple(notices)))
        town.supervisor.delivered(Delivered(name, (), last=True))
    assert town.accept() == [("hook", "resolved", "mail")]
    assert not town.supervisor.alerts


def test_what_is_rejected_is_not_sent_again(start: Start, clock: Clock) -> None:
    with HttpReceiver(Reply(400, "no")) as receiver:
        town = start(RULE, receiver.url)
        town.look(mail=101)
        assert town.send()[0].rejected
        clock.seconds += 600
        assert town.send() == []
    assert town.said[-1] == "hook rejects 1 alert for good: localhost answered 400: no"


def test_a_firing_alert_is_repeated(start: Start) -> None:
    town = start(RULE + 'repeat = "1h"\n')
    town.look(mail=101)
    town.accept()
    town.look(after=3590, mail=101)
    assert town.accept() == []
    town.look(after=10, mail=101)
    assert town.accept() == [("hook", "firing", "mail")]


def test_a_worse_severity_is_sent_at_once(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    (alert,) = town.supervisor.alerts.values()
    alert.severity = "info"
    assert town.accept() == []
    alert.severity = "critical"
    assert town.accept() == [("hook", "firing", "mail")]


def test_severities_and_names_choose_the_notifiers(start: Start) -> None:
    more = (
        '[notifiers.pager]\ntype = "webhook"\nurl = "http://localhost:1"\nseverities = ["critical"]\nresolves = false\n'
    )
    second = '[[rule]]\nname = "worse"\nseverity = "critical"\nwhen = "ready > 1000"\nnotify = ["pager"]\n'
    town = start(RULE + second + more)
    town.look(mail=101)
    assert town.accept() == [("hook", "firing", "mail")]
    town.look(mail=1001)
    assert town.accept() == [("pager", "firing", "mail")]
    town.look(mail=5)
    assert town.accept() == [("hook", "resolved", "mail")]
    assert town.supervisor.alerts == {}


# Silences.


def test_a_silenced_alert_is_sent_when_the_silence_ends(start: Start) -> None:
    town = start(f"{RULE}[[silence]]\ntube = 'm*'\nto = {(START + timedelta(minutes=5)).isoformat()}\n")
    town.look(mail=101, sms=101)
    assert town.accept() == [("hook", "firing", "sms")]
    town.look(after=300, mail=101, sms=101)
    assert town.accept() == [("hook", "firing", "mail")]


def test_a_reader_of_the_status_sees_each_change(start: Start, clock: Clock) -> None:
    town = start(f"{RULE}[[silence]]\ntube = 'm*'\nto = {(START + timedelta(minutes=5)).isoformat()}\n")
    reader = StatusReader(town.path)
    assert reader.read(clock.now()) == AlertStatus()
    for silenced in (True, False):
        town.look(after=10 if silenced else 300, mail=101, sms=101)
        town.accept()
        town.supervisor.save(force=True)
        status = reader.read(clock.now())
        assert [(one.tube, one.silenced) for one in status.firing] == [("mail", silenced), ("sms", False)]
        assert status == alert_status(town.path, clock.now())


def test_the_end_of_an_alert_is_sent_through_a_silence(start: Start) -> None:
    town = start(f"{RULE}[[rule.silence]]\nfrom = {(START + timedelta(minutes=1)).isoformat()}\n")
    town.look(mail=101)
    town.accept()
    town.look(after=60, mail=5)
    assert town.accept() == [("hook", "resolved", "mail")]


def test_a_silence_of_the_command_line(start: Start, clock: Clock, tmp_path: Path) -> None:
    town = start(RULE)
    town.look(mail=101)
    silence = Silence("back*", "mail", "*", START, START + timedelta(hours=1))
    save_silences(town.path, [SetSilence(1, silence)])
    assert town.accept() == []
    save_silences(town.path, [SetSilence(1, silence._replace(rule="other"))])
    assert town.due() == [("hook", "firing", "mail")]
    save_silences(town.path, [SetSilence(1, silence)])
    assert town.due() == []
    (tmp_path / "state-silences.json").write_text("{")
    assert town.due() == []  # what is known stays
    assert "damaged" in town.said[-1]
    clock.seconds += 3600
    assert town.due() == [("hook", "firing", "mail")]


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ("daily = '22:00-06:00'", {"2026-01-31T21:59": False, "2026-01-31T22:00": True, "2026-02-01T05:59": True,
                                   "2026-02-01T06:00": False}),
        ("daily = '09:00-17:00'", {"2026-01-31T08:59": False, "2026-01-31T09:00": True, "2026-01-31T17:00": False}),
        ("daily = '22:00-24:00'", {"2026-01-31T23:59": True, "2026-02-01T00:00": False}),
        # 31 January 2026 is a Saturday.
        ("days = ['sat']", {"2026-01-30T23:59": False, "2026-01-31T00:00": True, "2026-02-01T00:00": False}),
        ("daily = '22:00-06:00'\ndays = ['sat']", {"2026-01-31T05:00": False, "2026-01-31T22:00": True,
                                                   "2026-02-01T05:00": True, "2026-02-01T22:00": False}),
    ],
)  # fmt: skip
def test_hours_and_days(read: Read, lines: str, times: dict[str, bool]) -> None:
    (silence,) = read(f"timezone = 'Europe/Berlin'\n{RULE}[[silence]]\n{lines}\n").silences
    # In winter Berlin is one hour ahead of UTC.
    found = {
        text: silence.is_on(START.fromisoformat(f"{text}:00+01:00").astimezone(START.tzinfo)) for text in times
    }  # fmt: skip
    assert found == times


# Restarts and reloads.


def test_a_restart_sends_nothing_twice(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    (key,) = town.supervisor.alerts
    town = start(RULE)
    town.look(mail=101)
    assert town.accept() == []
    assert list(town.supervisor.alerts) == [key]


def test_a_restart_sends_the_end_of_what_ended_in_between(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    town = start(RULE)
    town.look(mail=5)
    assert town.accept() == [("hook", "resolved", "mail")]


def test_a_restart_sends_what_could_not_be_sent(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.supervisor.save(force=True)
    town = start(RULE)
    assert town.accept() == [("hook", "firing", "mail")]


def test_a_restart_goes_on_with_what_is_pending(start: Start) -> None:
    rule = RULE + 'for = "30s"\n'
    town = start(rule)
    town.look(mail=101)
    town.look(mail=101)
    town.supervisor.save(force=True)
    town = start(rule)
    town.look(mail=101)
    assert town.due() == []
    town.look(mail=101)
    assert town.due() == [("hook", "firing", "mail")]


def test_time_does_not_count_while_nobody_watched(start: Start) -> None:
    rule = RULE + 'for = "30s"\n'
    town = start(rule)
    town.look(mail=101)
    town.look(mail=101)
    town.supervisor.save(force=True)
    town = start(rule)
    town.look(after=3600, mail=101)
    assert town.due() == []
    town.look(mail=101)
    town.look(mail=101)
    assert town.due() == [("hook", "firing", "mail")]


def test_rules_and_notifiers_that_are_gone(start: Start, read: Read) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    town.supervisor.take(start("[[rule]]\nname = 'other'\nwhen = 'ready > 100'\n").rules, ["prod"])
    town.look(mail=101)
    assert town.accept() == [("hook", "resolved", "mail"), ("hook", "firing", "mail")]
    town.supervisor.take(read("[[rule]]\nname = 'third'\nwhen = 'ready > 1000'\n"), ["prod"])
    town.look(mail=101)
    assert town.accept() == []
    assert town.supervisor.alerts == {}


def test_the_alerts_of_a_server_that_is_watched_no_longer_end(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    town.supervisor.take(town.rules, ["staging"])
    assert town.accept() == [("hook", "resolved", "mail")]


# Servers that do not answer.


def test_a_lost_server_is_an_alert_and_the_others_stay(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    for _ in range(3):
        town.lose()
        assert town.accept() == []
    town.lose()
    assert town.accept() == [("hook", "firing", "unreachable")]
    assert sorted(one.rule for one in town.supervisor.alerts.values()) == ["backlog", "unreachable"]
    assert town.said[-3] == "prod does not answer: timed out"
    town.look(mail=101)
    assert town.accept() == [("hook", "resolved", "unreachable")]
    assert "prod answers again, after 50s" in town.said


def test_the_time_of_silence_is_a_column(start: Start) -> None:
    town = start("[[rule]]\nname = 'unreachable'\non = 'servers'\nwhen = 'silent > interval 25 seconds'\n")
    town.look()
    town.lose()
    town.lose()
    assert town.due() == []
    town.lose()
    assert town.due() == [("hook", "firing", "unreachable")]


def test_a_server_of_which_nothing_is_heard_is_lost(start: Start, clock: Clock) -> None:
    town = start(RULE)
    town.look(mail=101)
    assert town.supervisor.overdue() == []
    clock.seconds += 40
    (look,) = town.supervisor.overdue()
    assert (look.server, look.survey, look.error) == ("prod", None, "no answer for 40s")
    town.supervisor.looked(look)
    assert town.supervisor.overdue() == []


def test_a_clock_that_was_set_back(start: Start, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    town = start(RULE + 'repeat = "1h"\n')
    town.look(mail=101)
    town.accept()
    earlier = START - timedelta(days=1)
    town.supervisor._now = lambda: earlier
    assert town.accept() == [("hook", "firing", "mail")]
    assert town.accept() == []


# The state file and what faces read of it.


def test_status(start: Start, clock: Clock) -> None:
    assert alert_status(Path("nowhere.json")).at is None
    rules = (
        RULE
        + "[[rule]]\nname = 'soon'\nfor = '1h'\nwhen = 'ready > 1'\n[[rule]]\nname = 'bad'\nwhen = 'tube::int > 1'\n"
    )
    town = start(
        rules + "[[rule]]\nname = 'worst'\nseverity = 'critical'\nwhen = 'ready > 200'\n", "http://localhost:1/"
    )
    town.look(mail=101, sms=1234)
    town.send()
    save_silences(town.path, [SetSilence(1, Silence("*", "mail", "*", START, START + timedelta(hours=1)))])
    town.due()
    town.supervisor.looked(Looked("prod", None, "timed out"))
    town.supervisor.save(force=True)
    found = alert_status(town.path, clock.now())
    assert found.is_running
    assert [(one.severity, one.rule, one.tube, one.value, one.silenced) for one in found.firing] == [
        ("critical", "worst", "sms", "ready 1,234", False),
        ("warning", "backlog", "mail", "ready 101", True),
        ("warning", "backlog", "sms", "ready 1,234", False),
    ]
    assert found.firing[0].since == clock.now()
    assert found.pending == 3  # with the one on the server itself
    assert [error.partition(":")[0] for error in found.errors] == [
        "prod does not answer", "rule bad cannot be evaluated", "notifier hook",
    ]  # fmt: skip
    assert not alert_status(town.path, clock.now() + timedelta(minutes=5)).is_running


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "alerts": 3}'])
def test_a_damaged_state_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(StateError, match="move the file away"):
        load(path)


def test_the_state_is_for_its_owner_alone(start: Start) -> None:
    town = start(RULE)
    town.look(mail=101)
    town.accept()
    assert town.path.stat().st_mode & 0o077 == 0


def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with locked(path), pytest.raises(StateLocked, match="another beanops alert uses"), locked(path):
        pass
    with locked(path):
        pass
