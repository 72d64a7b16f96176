"""Diagnoses of one server: whether it can be reached and how fast, what it supports, its problems and its clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from statistics import median
from typing import Any

from beanops.client.reach import Reach
from beanops.client.sync import Client
from beanops.monitor.problems.open_files import open_files
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol import ServerStats, commands
from beanops.protocol.errors import BeanopsError
from beanops.session.config import ConfigError, Profile, problem_limits, profile
from beanops.session.doctor.diagnosis import Diagnosis, State
from beanops.session.doctor.reaching import advice_for, reach_of_server
from beanops.session.old_servers.capabilities import probe
from beanops.text import did_you_mean, plural, span

#: Round trips that are timed, and seconds that they may take together.
PINGS, PINGING = 20, 3.0
#: Seconds to connect and to wait for an answer, for each server; seconds between the two looks for problems.
PATIENCE, APART = 5.0, 1.0
#: Milliseconds of a round trip from which on it is slow.
_SLOW = 100.0
#: An uptime beyond it comes from a clock that was set back.
_ABSURD = 2**31
#: Tubes whose next jobs are peeked at.
_PEEKS = 200


def known_profile(target: str) -> Profile | Diagnosis:
    """Return the profile of a server by its name or address, or why there is none."""
    try:
        return profile(target)
    except ConfigError:
        return Profile(target, target)  # the file cannot be read, which has a diagnosis of its own
    except BeanopsError as error:
        return Diagnosis(f"server {target}", "problem", str(error), "see beanops servers")


def examine_server(
    known: Profile,
    names: Mapping[str, Profile],
    keep: Callable[[Survey], None] = lambda survey: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Diagnosis]:
    """Yield diagnoses of a server; one that cannot be reached is a problem, and no error.

    Parameters
    ----------
    known : Profile
        Its profile.
    names : mapping
        All profiles, to suggest one.
    keep : callable
        Called with the last survey.
    sleep : callable
        Waits between two looks.
    """
    area = f"server {known.name}"
    try:
        with Client(known.reach, connect_timeout=PATIENCE, read_timeout=PATIENCE) as client:
            yield from _reached(client, area, known, keep, sleep)
    except BeanopsError as error:
        advice = advice_for(error) + did_you_mean(known.name, set(names) - {known.name})
        yield Diagnosis(area, "problem", str(error), advice)


def _reached(
    client: Client, area: str, known: Profile, keep: Callable[[Survey], None], sleep: Callable[[float], None]
) -> Iterator[Diagnosis]:
    trips = _round_trips(client)
    stats = client.stats()
    read_only = ", read-only for beanops" if known.read_only else ""
    yield Diagnosis(area, "ok", f"{client.endpoint}: beanstalkd {stats.version}, up {span(stats.uptime)}{read_only}")
    yield from reach_of_server(client, area)
    capable = probe(client, stats)
    for trait in capable.traits:
        if trait.kind == "lacks":
            yield Diagnosis(area, "warning", f"no {trait.text.removeprefix('the ')}", "upgrade the server")
        else:
            yield Diagnosis(area, "ok", trait.text)
    if not capable.lacks:
        yield Diagnosis(area, "ok", "supports all that beanops uses")
    low, middle, high = min(trips) * 1000, median(trips) * 1000, max(trips) * 1000
    text = f"round trip {middle:.2f} ms, from {low:.2f} to {high:.2f} ms in {plural(len(trips), 'trip')}"
    slow: State = "warning" if middle > _SLOW else "ok"
    yield Diagnosis(area, slow, text, "a slow network or a busy server makes scans slow" if slow != "ok" else "")
    files = open_files(stats)
    connections = f"{plural(stats.current_connections, 'connection')} now"
    if files is not None:
        yield Diagnosis(area, "ok", f"{connections}, {files:,} open files at most")
    else:
        yield Diagnosis(area, "ok", f"{connections}; its limit of open files is not known")
    surveyor = Surveyor(time.monotonic, _limits(), patience=APART, peeks=_PEEKS)
    surveyor.look(client)
    before, started = client.stats(), time.monotonic()
    sleep(APART)
    survey = surveyor.look(client)
    keep(survey)
    yield _clock(area, before, client.stats(), time.monotonic() - started)
    for one in survey.problems:
        state: State = "problem" if one.severity == "critical" else "warning"
        where = f"tube {one.tube}: " if one.tube is not None else ""
        advice = one.look_at.replace("beanops ", f"beanops -s {quote(known.name)} ", 1)
        yield Diagnosis(area, state, f"{one.name}: {where}{one.reason}", advice)
    if not survey.problems:
        yield Diagnosis(area, "ok", f"no problems in {plural(len(survey.tubes), 'tube')}")


def _limits() -> Any:
    try:
        return problem_limits()
    except ConfigError:
        return None


def _round_trips(client: Client) -> list[float]:
    """Return the seconds of some round trips, one after the other."""
    trips: list[float] = []
    began = time.monotonic()
    while len(trips) < PINGS and (not trips or time.monotonic() - began < PINGING):
        started = time.perf_counter()
        client.execute(commands.list_tube_used())
        trips.append(time.perf_counter() - started)
    return trips


def _clock(area: str, before: ServerStats, after: ServerStats, passed: float) -> Diagnosis:
    """Return whether the clock of a server runs as ours: its uptime is in whole seconds of its wall clock."""
    if before.id != after.id:
        return Diagnosis(area, "warning", "the server was restarted during the examination", "see its log")
    if not 0 <= after.uptime < _ABSURD:
        text = f"the uptime is {after.uptime:,} s: its clock was set back after it started"
        return Diagnosis(area, "warning", text, "ages of jobs are wrong until it is restarted")
    drift = after.uptime - before.uptime - passed
    if abs(drift) > 2:
        text = f"the uptime grew by {after.uptime - before.uptime} s in {passed:.1f} s: its clock was set"
        return Diagnosis(area, "warning", text, "check the time synchronisation of its machine")
    return Diagnosis(area, "ok", f"started {span(after.uptime)} ago, and its clock runs as this one")


def reachable(profiles: Mapping[str, Profile], patience: float = 2.0) -> Iterator[Diagnosis]:
    """Yield for each profile whether its server answers; all are asked at once."""
    errors: dict[str, str | None] = {}

    def ask(name: str, reach: Reach) -> None:
        try:
            with Client(reach, connect_timeout=patience, read_timeout=patience) as client:
                client.stats()
            errors[name] = None
        except BeanopsError as error:
            errors[name] = str(error)

    # No pool: a thread that still waits must not keep the process from ending.
    threads = [threading.Thread(target=ask, args=(name, one.reach), daemon=True) for name, one in profiles.items()]
    for thread in threads:
        thread.start()
    give_up = time.monotonic() + 2 * patience + 1
    for thread in threads:
        thread.join(max(0.0, give_up - time.monotonic()))
    for name in profiles:
        error = errors.get(name, "no answer")
        if error is not None:
            yield Diagnosis("configuration", "warning", f"server {name}: {error}", f"beanops -s {name} doctor")
    if profiles and not any(errors.get(name, "no answer") for name in profiles):
        yield Diagnosis("configuration", "ok", f"{plural(len(profiles), 'other configured server')} answered")
