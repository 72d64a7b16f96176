"""Rules over time: when alerts fire and end. The clock is a list of seconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from beanops.alerts.alert import Alert, Told
from beanops.alerts.evaluation import evaluate
from beanops.alerts.rules import Rules
from beanops.jobs.sql.row_predicates import RowPredicates
from tests.alerts.conftest import PREDICATES, START, Read, row


class Story:
    """Looks at one server, and what they did to its alerts."""

    def __init__(self, rules: Rules, table: str = "tubes") -> None:
        self.rules = rules
        self.table = table
        self.alerts: dict[str, Alert] = {}
        self.failed: dict[str, str] = {}
        self._seconds = 0.0

    def look(self, *rows: dict[str, Any], after: float = 10.0) -> dict[str, str]:
        """Look at rows, and return the status of each alert by tube."""
        self._seconds += after
        now = START + timedelta(seconds=self._seconds)
        found = {self.table: [row(self.table, **one) for one in rows]}
        self.failed = evaluate(self.alerts, self.rules.rules, PREDICATES, "prod", found, after, now)
        return {alert.tube: alert.status for alert in self.alerts.values()}

    def course(self, values: Iterable[Any], column: str = "ready") -> list[str]:
        """Return the status of the alert on tube mail through values, 10 seconds apart."""
        return [self.look({"tube": "mail", column: value}).get("mail", "-") for value in values]

    @property
    def alert(self) -> Alert:
        (alert,) = self.alerts.values()
        return alert


def rule(more: str = "", when: str = "ready > 100") -> str:
    return f'[[rule]]\nname = "backlog"\nwhen = "{when}"\n{more}'


def test_an_alert_fires_while_its_condition_holds(read: Read) -> None:
    assert Story(read(rule())).course([5, 101, 200, 100]) == ["-", "firing", "firing", "-"]


def test_the_condition_must_hold_for_some_time(read: Read) -> None:
    story = Story(read(rule('for = "20s"')))
    assert story.course([101, 101, 101, 101]) == ["pending", "pending", "firing", "firing"]
    assert Story(read(rule('for = "20s"'))).course([101, 101, 5, 101, 101, 101]) == [
        "pending", "pending", "-", "pending", "pending", "firing",
    ]  # fmt: skip


def test_hysteresis(read: Read) -> None:
    story = Story(read(rule('until = "ready < 10"')))
    assert story.course([50, 101, 50, 99, 9, 50]) == ["-", "firing", "firing", "firing", "-", "-"]


def test_a_pending_alert_knows_no_hysteresis(read: Read) -> None:
    assert Story(read(rule('until = "ready < 10"\nfor = "20s"'))).course([101, 50]) == ["pending", "-"]


def test_an_alert_is_kept_firing(read: Read) -> None:
    story = Story(read(rule('keep_firing = "20s"')))
    assert story.course([101, 5, 5, 5]) == ["firing", "firing", "firing", "-"]
    assert story.course([101, 5, 5, 101, 5, 5, 5]) == ["firing"] * 6 + ["-"]


def test_an_unknown_value_changes_nothing(read: Read) -> None:
    text = rule('for = "10s"', when="age > interval 1 minute")
    assert Story(read(text)).course([61, None, 61, None, None, 5], "age") == [
        "pending", "pending", "firing", "firing", "firing", "-",
    ]  # fmt: skip
    assert Story(read(text)).course([None, None], "age") == ["-", "-"]


def test_an_unknown_end_keeps_it_firing(read: Read) -> None:
    story = Story(read(rule('until = "age < interval 1 minute"')))
    firing = {"tube": "mail", "ready": 101}
    assert story.look(firing) == {"mail": "firing"}
    assert story.look({"tube": "mail", "ready": 5, "age": None}) == {"mail": "firing"}
    assert story.look({"tube": "mail", "ready": 5, "age": 5.0}) == {}


def test_an_end_counts_where_the_condition_is_unknown(read: Read) -> None:
    story = Story(read(rule('until = "ready < 10"', when="age > interval 1 minute")))
    assert story.look({"tube": "mail", "ready": 50, "age": 61.0}) == {"mail": "firing"}
    assert story.look({"tube": "mail", "ready": 50, "age": None}) == {"mail": "firing"}
    assert story.look({"tube": "mail", "ready": 5, "age": None}) == {}


def test_a_tube_that_vanished_ends_its_alert(read: Read) -> None:
    story = Story(read(rule('until = "ready < 10"')))
    story.look({"tube": "mail", "ready": 101}, {"tube": "sms", "ready": 101})
    assert story.look({"tube": "sms", "ready": 50}) == {"sms": "firing"}


def test_each_tube_has_an_alert_of_its_own(read: Read) -> None:
    story = Story(read(rule()))
    assert story.look({"tube": "a", "ready": 101}, {"tube": "b", "ready": 5}, {"tube": "c", "ready": 300}) == {
        "a": "firing",
        "c": "firing",
    }


def test_one_alert_for_a_server_sums_up(read: Read) -> None:
    story = Story(read(rule('per = "server"\nsummary = "{count} tubes: {names}"')))
    tubes = [{"tube": f"t{number}", "ready": 101} for number in range(8)]
    assert story.look(*tubes) == {"": "firing"}
    assert story.alert.summary == "8 tubes: t0, t1, t2, t3, t4 and 3 more"
    first = story.alert.key
    story.look(*tubes[3:4])
    assert (story.alert.key, story.alert.summary) == (first, "1 tubes: t3")
    assert story.look({"tube": "t0"}) == {}


def test_texts_have_the_values_of_the_row(read: Read) -> None:
    more = 'summary = "{tube}: {ready} jobs, oldest {age} {{x}}"\ndescription = "{rule} {severity} {values}"'
    story = Story(read(rule(more)))
    story.look({"tube": "mail", "ready": 12345, "age": 200.0})
    assert story.alert.summary == "mail: 12,345 jobs, oldest 3m20s {x}"
    assert story.alert.description == "backlog warning ready 12,345"
    assert story.alert.values == {"ready": "12,345"}
    story.look({"tube": "mail", "ready": 101, "age": None})
    assert story.alert.summary == "mail: 101 jobs, oldest unknown {x}"


def test_the_command_to_look_at_a_tube_is_safe_in_a_shell(read: Read) -> None:
    story = Story(read(rule()))
    story.look({"tube": "$(reboot);x", "ready": 101})
    assert story.alert.look_at == "beanops -s prod stats '$(reboot);x'"


def test_a_problem_has_its_own_severity(read: Read) -> None:
    text = '[[rule]]\nname = "any"\non = "problems"\nwhen = "true"\n'
    story = Story(read(text), "problems")
    story.look({"problem": "buried", "severity": "critical", "tube": "mail", "reason": "7 jobs buried"})
    assert (story.alert.severity, story.alert.problem) == ("critical", "buried")
    assert story.alert.summary == "buried on prod: 7 jobs buried"
    story = Story(read(text + 'severity = "info"\n'), "problems")
    story.look({"problem": "buried", "severity": "critical", "tube": "mail"})
    assert story.alert.severity == "info"


def test_two_problems_of_a_tube_are_two_alerts(read: Read) -> None:
    story = Story(read('[[rule]]\nname = "any"\non = "problems"\nwhen = "true"\n'), "problems")
    story.look(
        {"problem": "buried", "severity": "warning", "tube": "mail"},
        {"problem": "no-workers", "severity": "warning", "tube": "mail"},
        {"problem": "slow", "severity": "warning", "tube": None},
    )
    assert len(story.alerts) == 3


def test_a_rule_that_fails_leaves_its_alerts_alone(read: Read) -> None:
    story = Story(read(rule(when="ready > 100 and tube::int > 3") + rule().replace("backlog", "other")))
    story.look({"tube": "7", "ready": 101})
    assert sorted(alert.rule for alert in story.alerts.values()) == ["backlog", "other"]
    story.look({"tube": "7", "ready": 5}, {"tube": "sms", "ready": 101})
    assert list(story.failed) == ["backlog"]
    assert "Could not convert string 'sms'" in story.failed["backlog"]
    assert [(alert.rule, alert.tube) for alert in story.alerts.values()] == [("backlog", "7"), ("other", "sms")]


def test_an_end_that_somebody_must_hear_of_is_kept(read: Read) -> None:
    story = Story(read(rule('for = "10s"')))
    story.course([101, 101])
    told = story.alert.told["chat"] = Told("firing", "warning", START)
    assert story.course([5]) == ["resolved"]
    assert story.alert.ended == START + timedelta(seconds=30)
    # It must hold again before it counts as firing, and nobody was told of an end in between.
    assert story.course([101, 101]) == ["pending", "firing"]
    assert story.alert.told["chat"] == told
    assert story.alert.ended is None


@pytest.mark.parametrize(
    "when", ['\\"using\\" > 1', "tube in (select 'mail')", "ready > 1 -- many", "regexp_matches(tube, '^m')"]
)
def test_predicates_of_all_kinds(read: Read, when: str) -> None:
    story = Story(read(rule(when=when)))
    assert story.look({"tube": "mail", "ready": 2, "using": 2}, {"tube": "sms"}) == {"mail": "firing"}


def test_a_predicate_that_takes_too_long_fails_alone(read: Read) -> None:
    slow = rule(when="(select count(*) from range(1000000000000)) = ready")
    story = Story(read(slow + rule().replace("backlog", "other")))
    found = {"tubes": [row("tubes", tube="mail", ready=101)]}
    failed = evaluate(story.alerts, story.rules.rules, RowPredicates(timeout=3.0), "prod", found, 10.0, START)
    assert failed == {"backlog": "the predicate: it took longer than 3 s; simplify it"}
    assert [alert.rule for alert in story.alerts.values()] == ["other"]
