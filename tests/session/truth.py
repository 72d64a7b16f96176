"""Whether the journal tells the truth: its fates against what the server says, after whatever happened to a run."""

from __future__ import annotations

from typing import Any

from beanops.client.sync import Client
from beanops.journal.journal import Journal
from beanops.journal.records import Entry, RunRow
from beanops.protocol import commands
from beanops.protocol.errors import ReplyError


def jobs_by_id(client: Client) -> dict[int, tuple[str, str, bytes]]:
    """Return tube, state and body of every job."""
    ids = range(1, client.stats().cmd_put + 1)
    stats: list[Any] = list(client.pipeline(map(commands.stats_job, ids)))
    bodies: list[Any] = list(client.pipeline(map(commands.peek, ids)))
    return {
        one.id: (one.tube, one.state, job.body)
        for one, job in zip(stats, bodies, strict=True)
        if not isinstance(one, ReplyError)
    }


def check(journal: Journal, row: RunRow, before: dict[int, tuple[str, str, bytes]], client: Client) -> list[Entry]:
    """Assert that no body is lost and that each fate is true or unknown; return the entries.

    Nobody else may act on the server meanwhile.
    """
    now = jobs_by_id(client)
    entries = journal.entries(row.id, bodies=True)
    on_server = {job[2] for job in now.values()}
    kept = on_server | {entry.intent.body for entry in entries if entry.intent.action != "edit"}
    kept |= {entry.intent.body for entry in entries if entry.intent.new_body in on_server}
    assert {job[2] for job in before.values()} <= kept, "a job is lost"
    touched = set()
    for entry in entries:
        id, outcome = entry.intent.job_id or 0, entry.fate.outcome
        touched.add(id)
        assert outcome in ("done", "unknown", "skipped"), entry
        if outcome == "done":
            assert _is_done(entry, before[id], now), (entry, before[id], now.get(id))
        elif outcome == "skipped":
            assert now.get(id) == before.get(id), entry
    for id, job in before.items():
        assert id in touched or now.get(id) == job, "something was done that is not on record"
    made = {entry.fate.new_id for entry in entries}
    puts = any(entry.fate.outcome == "unknown" for entry in entries)
    assert puts or set(now) - set(before) <= made, "a job was put that is not on record"
    return entries


def _is_done(entry: Entry, before: tuple[str, str, bytes], now: dict[int, tuple[str, str, bytes]]) -> bool:
    id, new = entry.intent.job_id or 0, entry.fate.new_id or 0
    match entry.intent.action:
        case "delete":
            return id not in now
        case "kick" | "release":
            return now[id][1] == "ready"
        case "bury":
            return now[id][1] == "buried"
        case "move":
            return id not in now and now[new] == ("post", *before[1:])
        case "edit":
            return id not in now and now[new] == (*before[:2], b"edited " + before[2])
        case "copy":
            return now[id] == before and now[new] == ("post", *before[1:])
    return False
