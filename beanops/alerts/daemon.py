"""Run rules: the daemon with its threads, one round of it, and the test of the channels."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from beanops.alerts.alert import key_of
from beanops.alerts.couriers import Courier, Delivered, deliver
from beanops.alerts.fields import RulesError
from beanops.alerts.notifiers.notice import Notice
from beanops.alerts.rows import PROBLEMS, TUBES
from beanops.alerts.rules import NotifierChannel, Rules
from beanops.alerts.state import locked
from beanops.alerts.supervisor import Supervisor
from beanops.alerts.watchers import Looked, ServerWatcher
from beanops.client.reach import Reach
from beanops.jobs.sql.row_predicates import RowPredicates
from beanops.monitor.survey import Surveyor
from beanops.monitor.wait_times import PEEKS
from beanops.protocol.errors import UsageError
from beanops.session.config import problem_limits
from beanops.text import plural

#: Seconds after which the daemon looks whether something is due.
_TICK = 1.0
#: Seconds that deliveries under way may still take when the daemon ends.
_ENDING = 5.0
#: Longest time between two rounds of cron that counts as watched.
_CRON = 900.0
#: Tubes whose next jobs a look peeks at where a rule reads their age.
_PEEKS = 100
#: Columns that a single look does not know, and seconds between the two looks of a round that needs them.
_TWO_LOOKS, _BETWEEN = frozenset(("age", "drain", "puts_per_s", "deletes_per_s", "cpu", "timeouts")), 2.0


def _utc() -> datetime:
    return datetime.now(UTC)


def watchers_of(
    rules: Rules, servers: Mapping[str, str | Reach], clock: Callable[[], float] = time.monotonic, lasting: float = inf
) -> list[ServerWatcher]:
    """Return a watcher for each server.

    Parameters
    ----------
    rules : Rules
        Say how long to wait for answers, and whether ages are needed.
    servers : mapping of str to str or Reach
        Addresses by name.
    clock : callable
        Monotonic seconds.
    lasting : float
        Most seconds that something must last to be a problem.
    """
    ages = any("age" in rule.reads and rule.table is TUBES for rule in rules.rules)
    limits, peeks = problem_limits(), _PEEKS if ages else PEEKS
    return [
        ServerWatcher(
            name,
            reach,
            Surveyor(clock, limits, patience=lasting, peeks=peeks),
            patience=rules.patience,
            ages=ages,
        )
        for name, reach in servers.items()
    ]


class Daemon:
    """Watches servers and notifies channels until it is ended.

    Parameters
    ----------
    read : callable
        Reads the rules; called again to reload them.
    servers_of : callable
        Returns how the servers of rules are reached, by name.
    state : Path
        The state file.
    say : callable
        Takes a line for people.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.

    Raises
    ------
    RulesError
        The rules cannot be used.
    StateError, StateLocked
        The state file cannot be used.
    """

    def __init__(
        self,
        read: Callable[[RowPredicates], Rules],
        servers_of: Callable[[Rules], Mapping[str, str | Reach]],
        state: Path,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        self._read = read
        self._servers_of = servers_of
        self._state = state
        self._say = say
        self._clock = clock
        self._now = now
        # A simple queue, for a handler of signals may put something into it at any moment.
        self._inbox: queue.SimpleQueue[Looked | Delivered | str] = queue.SimpleQueue()
        self._watchers: list[ServerWatcher] = []
        self._couriers: dict[str, Courier] = {}

    def end(self) -> None:
        """End `run` soon."""
        self._inbox.put("end")

    def reload(self) -> None:
        """Read the rules again soon; wrong ones are refused, and the present ones stay."""
        self._inbox.put("reload")

    def run(self) -> None:
        """Watch and notify until `end`."""
        predicates = RowPredicates()
        rules = self._read(predicates)
        servers = self._servers_of(rules)
        with locked(self._state):
            supervisor = Supervisor(
                rules, predicates, list(servers), self._state, clock=self._clock, now=self._now, say=self._say
            )
            self._start(rules, watchers_of(rules, servers, self._clock))
            counts = f"{plural(len(rules.rules), 'rule')}, {plural(len(rules.channels), 'notifier')}"
            self._say(f"watching {', '.join(servers)}: {counts}, {plural(supervisor.firing(), 'alert')} firing")
            try:
                while self._take(supervisor, predicates, _TICK):
                    for look in supervisor.overdue():
                        supervisor.looked(look)
                    for name, notices in supervisor.due().items():
                        self._couriers[name].give(notices)
                    supervisor.save()
            finally:
                self._stop()
                self._wait_for_deliveries(supervisor)
                supervisor.save(force=True)
        self._say("ended")

    def _take(self, supervisor: Supervisor, predicates: RowPredicates, wait: float) -> bool:
        """Take what has come in, at least one message or the wait; False at the end."""
        try:
            message = self._inbox.get(timeout=wait)
            while True:
                if message == "end":
                    return False
                if isinstance(message, Looked):
                    supervisor.looked(message)
                elif isinstance(message, Delivered):
                    supervisor.delivered(message)
                else:
                    self._reload(supervisor, predicates)
                message = self._inbox.get_nowait()
        except queue.Empty:
            return True

    def _reload(self, supervisor: Supervisor, predicates: RowPredicates) -> None:
        try:
            rules = self._read(predicates)
            servers = self._servers_of(rules)
            watchers = watchers_of(rules, servers, self._clock)
        except UsageError as error:  # of the rules, or of the configuration
            for line in error.lines if isinstance(error, RulesError) else [str(error)]:
                self._say(line)
            self._say("rules not reloaded; the present ones stay")
            return
        self._stop()
        supervisor.take(rules, list(servers))
        self._start(rules, watchers)
        self._say(f"rules reloaded: {plural(len(rules.rules), 'rule')}, {plural(len(rules.channels), 'notifier')}")

    def _start(self, rules: Rules, watchers: list[ServerWatcher]) -> None:
        self._watchers = watchers
        for watcher in self._watchers:
            watcher.start(rules.interval, self._inbox.put)
        self._couriers = {name: Courier(channel, self._inbox.put) for name, channel in rules.channels.items()}

    def _stop(self) -> None:
        for watcher in self._watchers:
            watcher.end()
        for courier in self._couriers.values():
            courier.end()

    def _wait_for_deliveries(self, supervisor: Supervisor) -> None:
        """Let deliveries under way end, so that they are not sent again by the next daemon."""
        give_up = time.monotonic() + _ENDING
        while supervisor.is_busy and (left := give_up - time.monotonic()) > 0:
            try:
                message = self._inbox.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(message, Delivered):
                supervisor.delivered(message)


def run_once(
    rules: Rules,
    predicates: RowPredicates,
    servers: Mapping[str, str | Reach],
    state: Path,
    *,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _utc,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Look at each server, notify once, and return the number of firing alerts that are not silenced.

    It looks twice where a rule is on problems, or reads rates or ages.

    Time counts from one round to the next, up to a quarter of an hour, so that ``for`` works in cron.
    """
    with locked(state):
        supervisor = Supervisor(
            rules, predicates, list(servers), state, clock=clock, now=now, say=say, gap=_CRON
        )  # fmt: skip
        twice = any(rule.table is PROBLEMS or rule.reads & _TWO_LOOKS for rule in rules.rules)
        watchers = watchers_of(rules, servers, clock, _BETWEEN)

        def look(watcher: ServerWatcher) -> Looked:
            found = watcher.look()
            if twice and found.survey is not None:
                sleep(_BETWEEN)
                found = watcher.look()
            watcher.end()
            return found

        with ThreadPoolExecutor(max_workers=min(16, len(watchers))) as pool:
            for looked in as_completed([pool.submit(look, watcher) for watcher in watchers]):
                supervisor.looked(looked.result())
        due = supervisor.due()
        with ThreadPoolExecutor(max_workers=16) as pool:
            for deliveries in pool.map(lambda name: [*deliver(rules.channels[name], due[name])], due):
                for delivered in deliveries:
                    supervisor.delivered(delivered)
        supervisor.save(force=True)
        return supervisor.firing(silenced=False)


def try_channel(channel: NotifierChannel, server: str, now: datetime) -> str:
    """Send a test to a channel, and its end where the receiver keeps alerts; return the error, empty for none."""
    notice = Notice(
        key_of("test", server, [channel.name]),
        "firing",
        "test",
        server,
        "",
        "info",
        f"This is a test of the notifier {channel.name}",
        "beanops alert --test sent it; nothing is wrong.",
        {},
        {},
        now,
        test=True,
    )
    notices = [notice]
    if channel.notifier.stateful:
        notices.append(notice._replace(status="resolved", ended=now))
    for one in notices:
        for delivered in deliver(channel, [one]):
            if delivered.error:
                return delivered.error
    return ""
