"""Servers up to 1.8 say less than later ones: what they do not say is blank in all faces, and acts stay safe."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from beanops import Client, connect
from beanops.cli.app import run
from beanops.client.instances import is_made_up, is_same
from beanops.embedded.process import Beanstalkd
from beanops.exporter.metrics import Reading, families
from beanops.journal.records import Refused
from beanops.monitor.survey import Surveyor
from beanops.protocol.errors import BeanopsError, UnknownCommand
from tests.session.conftest import fill


@pytest.fixture
def old(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that says as little as 1.4 does, with jobs."""
    server = start_beanstalkd(dialect="1.4")
    with Client(server.address) as client:
        fill(client, "mail", "ready", 3)
    return server


def test_what_it_does_not_say_is_none(old: Beanstalkd) -> None:
    with Client(old.address) as client:
        stats, tube, job = client.stats(), client.stats_tube("mail"), client.stats_job(1)
    assert (stats.hostname, stats.draining, stats.binlog_records_written) == (None, None, None)
    assert (tube.cmd_delete, job.file, tube.total_jobs) == (None, None, 3)
    assert stats.cmd_delete == 0
    assert is_made_up(stats.id)


def test_frames_and_queries_have_blanks(old: Beanstalkd) -> None:
    with connect(old.address) as session:
        tubes, jobs = session.tubes(), session.jobs("mail")
        assert tubes.set_index("tube").loc["mail", "deletes"] is pd.NA
        assert jobs["file"].isna().all()
        assert jobs["file"].dtype == "Int64"
        assert session.sql("select count(*) as n, max(file) as file from jobs", "mail")["file"].isna().all()
        assert len(session.jobs("mail", order="file")) == 3
        missing = session.capabilities.missing
    assert {"id", "hostname", "cmd-delete of tubes", "file of jobs"} <= set(missing)


def test_rates_of_deletes_are_unknown_and_not_zero(old: Beanstalkd) -> None:
    looks = iter(range(100))
    surveyor = Surveyor(lambda: float(next(looks)))
    with Client(old.address) as client:
        survey = [surveyor.look(client) for _ in range(3)][-1]
    assert survey.tubes["mail"].rates == (0.0, None)
    assert survey.rates.deletes == 0.0, "of the server it does count them"


def test_a_recording_keeps_what_was_blank(old: Beanstalkd) -> None:
    from beanops.recording.looks import server_row, server_stats_of, texts_of, tube_row, tube_stats_of

    with Client(old.address) as client:
        survey = Surveyor(lambda: 1.0).look(client)
    seen = survey.tubes["mail"]
    assert tube_stats_of("mail", tube_row(seen, 1, None)) == seen.stats
    again = server_stats_of(texts_of(survey.server), server_row(survey, 1, None))
    assert (again.binlog_records_written, again.hostname, again.id) == (None, None, survey.server.id)


def test_the_exporter_leaves_out_what_is_not_there(old: Beanstalkd) -> None:
    with Client(old.address) as client:
        survey = Surveyor(lambda: 1.0).look(client)
    reading = Reading((("server", "old"),), True, survey, survey.tubes, False, 1.0, 0.1, 1, 0)
    text = "".join(family.text() for family in families([reading]))
    assert 'cmd="delete",tube="mail"' not in text
    assert "binlog_records_written" not in text
    assert 'beanstalkd_tube_jobs_total{server="old",tube="mail"} 3' in text


@pytest.mark.parametrize("command", [["stats"], ["stats", "mail"], ["tubes"], ["jobs", "mail"], ["peek", "mail"]])
def test_the_command_line_shows_blanks(command: list[str], old: Beanstalkd, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "-s", old.address]) == 0
    out, err = capfd.readouterr()
    assert "None" not in out
    assert not err
    assert run([*command, "-s", old.address, "-o", "json"]) == 0
    assert run([*command, "-s", old.address, "-o", "csv"]) == 0


def test_jobs_are_deleted_and_put_again_across_sessions(old: Beanstalkd, journal: str) -> None:
    with connect(old.address, journal=journal) as session:
        deleted = session.delete(session.jobs("mail").head(2))
        assert deleted.done == 2
    with connect(old.address, journal=journal) as session:
        assert session.undo(deleted.id).done == 2
        with pytest.raises(UnknownCommand, match=r"needs beanstalkd 1\.8 or newer"):
            session._context.acting().kick_job(3)


def test_a_server_without_an_id_that_is_started_again_is_another_one(
    start_beanstalkd: Callable[..., Beanstalkd], journal: str
) -> None:
    first = start_beanstalkd(dialect="1.8")
    with Client(first.address) as client:
        fill(client, "mail", "ready", 3, body=b"ours")
    with connect(first.address, journal=journal) as session:
        found = session.jobs("mail")
        first.stop(kill=True)
        start_beanstalkd(dialect="1.8", port=first.port)
        with Client(first.address) as client:
            fill(client, "mail", "ready", 3, body=b"theirs")
        for _ in range(3):
            try:
                run = session.delete(found)
            except (Refused, BeanopsError):
                continue
            assert run.done == 0, run.summary
        assert len(session.jobs("mail")) == 3


def test_an_id_is_made_of_process_and_start() -> None:
    assert is_same("71-1732790000-0a1b2c3d", "71-1732790002-0a1b2c3d")
    assert not is_same("71-1732790000-0a1b2c3d", "71-1732790009-0a1b2c3d")
    assert not is_same("71-1732790000-0a1b2c3d", "72-1732790000-0a1b2c3d")
    assert not is_same("71-1732790000-0a1b2c3d", "71-1732790000-ffffffff")


def test_no_copy_is_left_over_where_delayed_jobs_cannot_be_deleted(old: Beanstalkd) -> None:
    with connect(old.address) as session:
        id = session.put("x", tube="orders").ids[0]
        for run in (
            session.move([id], "other"),
            session.edit([id], priority=5),
            session.release([id], priority=5),
            session.release([id], delay="1h"),
        ):
            assert (run.done, run.skipped) == (0, 1)
            assert "cannot delete the delayed copy" in run.summary
        assert session.jobs("orders")["id"].tolist() == [id]
        later = session.put("y", tube="later", delay="1h").ids[0]
        assert "deletes no delayed jobs: kick it first" in session.move([later], "other").summary
        session.bury([id])
        assert session.move([id], "other").complete, "a buried job needs no delayed copy"
        assert session.jobs("other")["state"].tolist() == ["buried"]
