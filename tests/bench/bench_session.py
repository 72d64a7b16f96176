"""Bulk runs on the record against a raw socket that sends the same commands, and against greenstalk's loop.

Also what the journal costs to read when it is large, and what memory a bulk run takes.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import greenstalk

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.journal.records import Fate, Intent, RunRow
from beanops.protocol import Command
from beanops.session.connect import connect
from tests.bench import raw
from tests.bench.bench_client import BODY
from tests.bench.figures import Figure, in_turn, peak_memory, rates_in_turn, show
from tests.proxies import at_distance

JOBS = 100_000
#: Megabytes.
MOST_MEMORY = 120
#: For a million actions as a frame.
MOST_MILLISECONDS = 3000
VERBS = ("bury", "kick", "delete")


def _sent(verb: str, id: int, bodies: bool) -> list[Command[Any]]:
    """Return the commands that a session sends for one job."""
    look: list[Command[Any]] = [commands.stats_job(id)]
    if verb == "bury":
        return [*look, commands.reserve_job(id), commands.bury(id, priority=65536)]
    if verb == "kick":
        return [*look, commands.kick_job(id)]
    return [*look, *([commands.peek(id)] if bodies else []), commands.delete(id)]


def _fill(address: str, jobs: int) -> None:
    with Client(address) as client:
        for _ in client.pipeline(commands.put(BODY) for _ in range(jobs)):
            pass


def raw_rates(bodies: bool, jobs: int) -> dict[str, float]:
    """Send all that a session sends, made beforehand, and count the CRs that come back."""
    # CRs of the replies: one a line, one more after a payload.
    crs = {"bury": 2 + 2 + 1, "kick": 2 + 1, "delete": 2 + 2 * bodies + 1}
    rates = {}
    with Beanstalkd() as server, raw.connected(server.address) as peer:
        _fill(server.address, jobs)
        for verb in VERBS:
            asked = (command for id in range(1, jobs + 1) for command in _sent(verb, id, bodies))
            rates[verb] = jobs / raw.seconds(peer, asked, crs[verb] * jobs)
    return rates


def session_rates(bodies: bool, jobs: int, milliseconds: float = 0) -> dict[str, float]:
    """Act on a frame of all jobs."""
    import pandas as pd

    rates = {}
    with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder, at_distance(server, milliseconds) as address:
        _fill(server.address, jobs)
        with connect(address, journal=f"{folder}/journal.sqlite", keep_bodies=bodies) as session:
            session._context.journal()
            for verb in VERBS:
                frame = pd.DataFrame({"id": range(1, jobs + 1)})
                start = time.perf_counter()
                run = getattr(session, verb)(frame)
                rates[verb] = jobs / (time.perf_counter() - start)
                assert run.done == jobs, run.summary
    return rates


def greenstalk_rates(jobs: int, milliseconds: float) -> dict[str, float]:
    """Do the same one command after the other, with nothing on record."""
    rates = {}
    with Beanstalkd() as server, at_distance(server, milliseconds) as address:
        _fill(server.address, jobs)
        host, port = address.split(":")
        with greenstalk.Client((host, int(port)), encoding=None) as client:

            def bury(id: int) -> None:
                client.bury(client.reserve_job(id))

            ask: dict[str, Callable[[int], object]] = {"bury": bury, "kick": client.kick_job, "delete": client.delete}
            for verb in VERBS:
                start = time.perf_counter()
                for id in range(1, jobs + 1):
                    ask[verb](id)
                rates[verb] = jobs / (time.perf_counter() - start)
    return rates


def against_raw(rounds: int = 3, jobs: int = JOBS) -> None:
    """Print the rates of bulk runs beside the raw socket's."""
    for bodies, target in ((True, 0.8), (False, 0.7)):
        rates, limits = rates_in_turn(rounds, partial(session_rates, bodies, jobs), partial(raw_rates, bodies, jobs))
        figures = [Figure(verb, rates[verb], limits[verb], target) for verb in VERBS]
        kept = "with bodies" if bodies else "without bodies"
        show(f"A bulk run on record {kept} against its commands from a raw socket, {jobs:,} jobs", figures)


def against_greenstalk(ours: int = 10_000, theirs: int = 300) -> None:
    """Print the rates of bulk runs at 1 ms of round trip beside a loop's."""
    fast, slow = session_rates(True, ours, 1), greenstalk_rates(theirs, 1)
    figures = [Figure(verb, fast[verb], slow[verb], 15) for verb in VERBS]
    show("A bulk run on record against greenstalk in a loop that writes nothing down, 1 ms of round trip", figures)


def identity(rounds: int = 5, jobs: int = JOBS // 4) -> None:
    """Print what the checks cost that jobs are those that are meant, of a delete of jobs that were found.

    They are what is done for a job with facts and not for a bare number: the facts are read from the frame and
    written into the request, the instances compared. The frame is the same but for its columns.
    """

    def seconds(columns: list[str]) -> float:
        with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder:
            _fill(server.address, jobs)
            with connect(server.address, journal=f"{folder}/journal.sqlite") as session:
                session._context.journal()
                frame = session.jobs("default")[columns]
                start = time.process_time()
                run = session.delete(frame)
                assert run.done == jobs, run.summary
                return (time.process_time() - start) * 1000

    known = ["id", "instance", "tube", "created"]
    told, bare = in_turn(rounds, partial(seconds, known), partial(seconds, ["id"]))
    figures = [Figure("CPU, jobs with facts to bare ids", told, bare, 1.03, at_least=False, unit="ms")]
    show(f"What the checks of identity cost, a delete of {jobs:,} jobs that were found", figures)


def memory(jobs: int = JOBS) -> None:
    """Print the most memory that a process needs for bulk runs."""
    script = "import sys; from tests.bench.bench_session import bulk; bulk(*sys.argv[1:])"
    peaks = {}
    for named in ("ids", "frame"):
        with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder:
            _fill(server.address, jobs)
            peaks[named] = peak_memory(script, server.address, f"{folder}/journal.sqlite", str(jobs), named)
    pandas = peak_memory("import sys; from tests.bench.bench_session import frame; frame(sys.argv[1])", str(jobs))
    figures = [
        Figure(f"peak of a client process, from {named}", peak, MOST_MEMORY, 1, at_least=False, unit="MB")
        for named, peak in peaks.items()
    ]
    show(f"Memory for a bulk run of each verb, {jobs:,} jobs with bodies", figures)
    print(f"  a process with pandas and the frame alone: {pandas:.0f} MB", flush=True)


def bulk(address: str, journal: str, jobs: str, named: str) -> None:
    """Act on many jobs, named by their ids or by a frame, with no more than that takes."""
    wanted = frame(jobs) if named == "frame" else range(1, int(jobs) + 1)
    with connect(address, journal=journal) as session:
        for verb in VERBS:
            assert getattr(session, verb)(wanted).done == int(jobs)


def frame(jobs: str) -> Any:
    """Return a frame of so many jobs."""
    import pandas as pd

    return pd.DataFrame({"id": range(1, int(jobs) + 1)})


def reading(actions: int = 1_000_000, wanted: int = 1000) -> None:
    """Print what a small run costs to read from a large journal, beside a bare query, and what a large one costs."""
    with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/journal.sqlite"
        journal = Journal(path)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        sizes = [wanted, actions, actions // 10]
        for number, size in enumerate(sizes):
            now = start + timedelta(minutes=number)
            action = "move" if number == len(sizes) - 1 else "kick"
            request = {"ids": list(range(size)), "settings": {"target": "there"}}
            row = RunRow(f"run-{number}", now, server.address, "id", "me@here", "script", action, None, None, request)
            journal.begin(row)
            journal.write(row.id, now, [Intent(action, "mail", n, "buried", 5, 0, 5, 0, 60) for n in range(size)])
            # Each move has an outcome of its own, and one before for what was put already.
            if action == "move":
                journal.write(row.id, now, fates=[(n, Fate("unknown", "put", n)) for n in range(size)])
            journal.write(
                row.id, now, fates=[(n, Fate("done", None, n if action == "move" else None)) for n in range(size)]
            )
        journal.close()

        def bare() -> float:
            began = time.perf_counter()
            with sqlite3.connect(path) as connection:
                assert len(connection.execute("select * from actions where run = 'run-0'").fetchall()) == wanted
            connection.close()
            return (time.perf_counter() - began) * 1000

        with connect(server.address, journal=path) as session:
            session.journal.actions(run="run-0")  # pandas is imported, the journal open
            session._context.runs.append(session._context.journal().run("run-0"))  # what the session did

            def timed(read: Callable[[], Any], rows: int) -> float:
                began = time.perf_counter()
                assert len(read()) == rows
                return (time.perf_counter() - began) * 1000

            ours, theirs = in_turn(5, lambda: timed(lambda: session.actions, wanted), bare)
            page = timed(lambda: session.journal.actions(limit=wanted), wanted)
            runs = timed(session.journal.runs, len(sizes))
            began = time.process_time()
            assert len(session.journal.actions(run="run-1")) == actions
            large = (time.process_time() - began) * 1000
            everything = timed(session.journal.actions, sum(sizes))
        title = f"Reading a journal of {sum(sizes):,} actions as frames"
        limit = MOST_MILLISECONDS * actions / 1e6
        figures = [
            Figure(f"a run of {wanted:,} to a bare query", ours - theirs, 50, 1, at_least=False, unit="ms"),
            Figure(f"CPU, a run of {actions:,}", large, limit, 1, at_least=False, unit="ms"),
        ]
        show(title, figures)
        print(f"  all actions: {everything / 1000:.1f} s", flush=True)
        print(f"  the newest {wanted:,}: {page:.0f} ms; the runs with their counts: {runs:.0f} ms", flush=True)


def main() -> None:
    """Print all figures of acting on the record."""
    against_raw()
    against_greenstalk()
    identity()
    memory()
    reading()


if __name__ == "__main__":
    main()
