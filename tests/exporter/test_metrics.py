"""The metrics of real servers: names, labels, tubes that vanish, servers that restart or freeze."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.exporter import polling
from beanops.exporter.exposition import Family, SampleGroup, exposition
from beanops.exporter.polling import TubePatterns
from beanops.monitor import survey
from beanops.monitor.problems.problem import Problem
from beanops.protocol.errors import UsageError
from tests.exporter.conftest import Exporter, Start, key, samples_of
from tests.needs import program


def test_counts_of_the_server_and_its_tubes(exporter: Exporter, client: Client) -> None:
    for _ in range(3):
        client.put(b"x", tube="mail")
    client.bury(client.reserve_job(1))
    client.delete(2)
    client.pause_tube("mail", 100)
    exporter.look()
    samples = exporter.samples()
    assert samples[key("beanstalkd_up")] == 1
    assert samples[key("beanstalkd_current_jobs", state="ready")] == 1
    assert samples[key("beanstalkd_current_jobs", state="buried")] == 1
    assert samples[key("beanstalkd_commands_total", cmd="put")] == 3
    assert samples[key("beanstalkd_commands_total", cmd="pause-tube")] == 1
    assert samples[key("beanstalkd_jobs_total")] == 3
    assert samples[key("beanstalkd_job_timeouts_total")] == 0
    assert samples[key("beanstalkd_draining")] == 0
    assert samples[key("beanstalkd_current_tubes")] == 2
    assert samples[key("beanstalkd_tube_current_jobs", tube="mail", state="ready")] == 1
    assert samples[key("beanstalkd_tube_current_jobs", tube="mail", state="buried")] == 1
    assert samples[key("beanstalkd_tube_jobs_total", tube="mail")] == 3
    assert samples[key("beanstalkd_tube_commands_total", tube="mail", cmd="delete")] == 1
    assert samples[key("beanstalkd_tube_pause_seconds", tube="mail")] == 100
    assert samples[key("beanops_problems", severity="critical")] >= 0
    exporter.clock.seconds += 7
    assert exporter.samples()[key("beanops_tube_row_age_seconds", tube="mail")] == 7


def test_every_statistic_of_the_server_has_a_metric(exporter: Exporter, client: Client) -> None:
    exporter.look()
    samples = exporter.samples()
    names = {name for name, _ in samples}
    stats = client.stats()
    assert {dict(labels)["cmd"] for name, labels in samples if name == "beanstalkd_commands_total"} == {
        field.removeprefix("cmd_").replace("_", "-") for field in stats._fields if field.startswith("cmd_")
    }
    words = "\n".join(names)
    for field in stats._fields:
        if not field.startswith(("cmd_", "current_jobs_", "rusage_", "extra")):
            identity = field in ("pid", "version", "id", "hostname", "os", "platform")
            plain = field.removeprefix("total_")
            assert identity or plain in words, field


def test_the_age_of_the_next_job(exporter: Exporter, client: Client) -> None:
    client.put(b"x", tube="mail")
    exporter.look()  # learns the names
    exporter.look()
    assert exporter.samples()[key("beanops_tube_next_job_age_seconds", tube="mail")] < 60
    assert client.list_tubes() == ["default", "mail"]


def test_how_long_jobs_wait_and_run(exporter: Exporter, client: Client) -> None:
    exporter.look()
    for _ in range(30):
        client.put(b"x", tube="mail")
    for id in range(1, 26):
        client.delete(client.reserve_job(id))
    client.bury(client.reserve_job(26))
    exporter.clock.seconds += 5
    exporter.look()
    samples = exporter.samples()
    assert 0 <= samples[key("beanops_tube_job_wait_seconds", tube="mail", quantile="0.5")] <= 5
    assert 0 <= samples[key("beanops_job_run_seconds", quantile="0.5")] <= 5
    assert key("beanops_tube_job_run_seconds", tube="mail", quantile="0.99") not in samples, "too few jobs"
    assert 15 <= samples[key("beanops_tube_timed_jobs", tube="mail")] <= 20
    assert samples[key("beanops_tube_overdue_jobs", tube="mail")] == 0
    exporter.look()
    assert exporter.samples()[key("beanops_tube_buried_job_age_seconds", tube="mail")] < 60


def test_a_tube_that_vanished_is_dropped(exporter: Exporter, client: Client) -> None:
    id = client.put(b"x", tube="mail")
    exporter.look()
    assert key("beanstalkd_tube_jobs_total", tube="mail") in exporter.samples()
    client.delete(id)
    exporter.look()
    assert "mail" not in exporter.ask().text


def test_patterns_allow_and_deny_tubes(start_exporter: Start, beanstalkd: Beanstalkd, client: Client) -> None:
    for tube in ("mail-in", "mail-out", "mail-test", "sms"):
        client.put(b"x", tube=tube)
    exporter = start_exporter(beanstalkd.address, patterns=TubePatterns(("mail-*",), ("*-test",)))
    exporter.look()
    samples = exporter.samples()
    shown = {dict(labels)["tube"] for name, labels in samples if name == "beanstalkd_tube_jobs_total"}
    assert shown == {"mail-in", "mail-out"}
    assert samples[key("beanstalkd_current_tubes")] == 5
    assert samples[key("beanstalkd_tube_series_truncated")] == 0


def test_more_tubes_than_allowed_are_left_out_and_counted(
    start_exporter: Start, beanstalkd: Beanstalkd, client: Client
) -> None:
    for number in range(5):
        client.put(b"x", tube=f"t{number}")
    exporter = start_exporter(beanstalkd.address, patterns=TubePatterns(most=3))
    exporter.look()
    samples = exporter.samples()
    assert sum(name == "beanstalkd_tube_jobs_total" for name, _ in samples) == 3
    assert samples[key("beanstalkd_tube_series_truncated")] == 1


def test_several_servers_have_a_label_and_one_has_none(
    start_exporter: Start, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    first, second = start_beanstalkd(), start_beanstalkd()
    exporter = start_exporter(first.address, second.address)
    second.stop()
    exporter.look()
    samples = exporter.samples()
    assert samples[key("beanstalkd_up", server=first.address)] == 1
    assert samples[key("beanstalkd_up", server=second.address)] == 0
    assert key("beanstalkd_tube_jobs_total", server=first.address, tube="default") in samples
    assert key("beanstalkd_jobs_total", server=second.address) not in samples
    with pytest.raises(UsageError, match="is named twice"):
        start_exporter(first.address, first.address)


def test_a_server_that_comes_back_starts_its_counters_again(
    start_exporter: Start, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Any
) -> None:
    folder = tmp_path / "binlog"
    folder.mkdir()
    server = start_beanstalkd("-b", str(folder))
    lines: list[str] = []
    exporter = start_exporter(server.address, log=lines.append)
    with Client(server.address) as client:
        for _ in range(5):
            client.put(b"x", tube="mail")
    exporter.look()
    assert exporter.samples()[key("beanstalkd_tube_jobs_total", tube="mail")] == 5
    server.stop()
    exporter.look()
    exporter.look()
    samples = exporter.samples()
    assert samples[key("beanstalkd_up")] == 0
    assert samples[key("beanops_looks_total", result="failed")] == 2
    assert {name for name, _ in samples if name.startswith("beanstalkd_")} == {"beanstalkd_up"}
    start_beanstalkd("-b", str(folder), port=int(server.address.partition(":")[2]))
    exporter.look()
    samples = exporter.samples()
    assert samples[key("beanstalkd_up")] == 1
    assert samples[key("beanstalkd_jobs_total")] == 0  # as the server counts, and no mixture of both
    assert samples[key("beanstalkd_tube_current_jobs", tube="mail", state="ready")] == 5
    assert [line.split()[2] for line in lines] == ["lost", server.address]  # once each


def test_a_frozen_server_is_down_and_holds_up_no_scrape(
    exporter: Exporter, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "ANSWER", 0.2)
    exporter.look()
    exporter.pollers[0].close()  # the connection, which had the usual patience
    os.kill(beanstalkd.pid, signal.SIGSTOP)
    try:
        pause = exporter.pollers[0].look()
        samples = exporter.samples()
        assert pause == 1.0
        assert samples[key("beanstalkd_up")] == 0
        assert key("beanstalkd_jobs_total") not in samples
        assert [exporter.pollers[0].look() for _ in range(5)] == [2.0, 4.0, 8.0, 15.0, 15.0]
    finally:
        os.kill(beanstalkd.pid, signal.SIGCONT)
    exporter.look()
    assert exporter.samples()[key("beanstalkd_up")] == 1


def test_a_look_that_does_not_end_counts_as_down(exporter: Exporter) -> None:
    exporter.look()
    exporter.clock.seconds += polling.POLL_INTERVAL + polling.OVERDUE
    assert exporter.samples()[key("beanstalkd_up")] == 1
    exporter.clock.seconds += 1
    assert exporter.samples()[key("beanstalkd_up")] == 0


def test_old_servers_do_not_say_whether_they_drain(
    start_exporter: Start, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    exporter = start_exporter(start_beanstalkd(dialect="1.11").address)
    exporter.look()
    assert "beanstalkd_draining" not in exporter.ask().text


def test_problems_by_name_severity_and_tube(
    start_exporter: Start, beanstalkd: Beanstalkd, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put(b"x", tube="mail")
    exporter = start_exporter(beanstalkd.address, patterns=TubePatterns(denied=("sms",)))
    exporter.look()
    poller = exporter.pollers[0]
    seen = poller._known.survey
    assert seen is not None
    problems = (
        Problem("no-workers", "critical", "mail", "1 job ready", 40.0, "beanops tubes"),
        Problem("no-workers", "critical", "sms", "9 jobs ready", 40.0, "beanops tubes"),
        Problem("idle", "warning", None, "2 tubes", 90.0, "beanops tubes", ("sms", "mail")),
        Problem("slow", "warning", None, "the server is slow", 95.0, "beanops stats"),
    )
    monkeypatch.setattr(poller, "_known", poller._known._replace(survey=seen._replace(problems=problems)))
    samples = exporter.samples()
    assert samples[key("beanops_problems", severity="critical")] == 1
    assert samples[key("beanops_problems", severity="warning")] == 2
    found = {labels: value for (name, labels), value in samples.items() if name == "beanops_problem_seconds"}
    assert {(dict(labels)["problem"], dict(labels)["tube"]): value for labels, value in found.items()} == {
        ("no-workers", "mail"): 60,
        ("idle", ""): 10,
        ("slow", ""): 5,
    }


def test_both_writers_say_the_same(exporter: Exporter, client: Client) -> None:
    for result in client.pipeline(one for n in range(50) for one in (commands.use(f"t{n}"), commands.put(b"x"))):
        assert not isinstance(result, Exception)
    exporter.look()
    exporter.look()
    registry = exporter.server.registry
    assert samples_of(exposition(registry).decode()) == samples_of(generate_latest(registry).decode())


def test_labels_are_escaped() -> None:
    class One:
        def collect(self) -> list[Family]:
            return [Family("a_b", "Help.", [SampleGroup((("server", 'x"\\\n'),), [1.5, None])])]

    registry = CollectorRegistry()
    registry.register(One())
    text = exposition(registry).decode()
    assert samples_of(text) == {key("a_b", server='x"\\\n'): 1.5}
    assert samples_of(generate_latest(registry).decode()) == samples_of(text)


def test_promtool_has_nothing_to_say(exporter: Exporter, client: Client) -> None:
    client.put(b"x", tube="mail")
    exporter.look()
    exporter.look()
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=exporter.ask().body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_of_many_tubes_each_look_reads_a_part_and_looks_come_more_often(
    exporter: Exporter, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for result in client.pipeline(one for n in range(30) for one in (commands.use(f"t{n}"), commands.put(b"x"))):
        assert not isinstance(result, Exception)
    poller = exporter.pollers[0]
    assert poller.look() == polling.POLL_INTERVAL
    monkeypatch.setattr(survey, "FULL", 20)
    monkeypatch.setattr(survey, "IN_TURN", 4)
    exporter.clock.seconds += 5
    assert poller.look() == polling.POLL_INTERVAL / polling.PARTS
    ages = [value for (name, _), value in exporter.samples().items() if name == "beanops_tube_row_age_seconds"]
    assert (len(ages), max(ages), min(ages)) == (31, 5, 0)
