"""`Supervisor`: takes looks and deliveries, keeps the alerts and their state file, and says what is due to whom.

It has no threads and no clock of its own; `daemon` drives it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from beanops.alerts.couriers import Delivered
from beanops.alerts.deliveries import BackOff, due, forget, is_silenced, mark
from beanops.alerts.evaluation import end_stale, evaluate
from beanops.alerts.notifiers.notice import Notice
from beanops.alerts.rows import PROBLEMS, SERVERS, TUBES, Row, lost_row, problem_rows, server_row, tube_rows
from beanops.alerts.rules import Rules, Silence
from beanops.alerts.state import Saved, SeenServer, StateError, load, load_silences, save
from beanops.alerts.watchers import Looked
from beanops.jobs.sql.row_predicates import RowPredicates
from beanops.text import plural, safe_text, span

#: Seconds after which the state is saved although nothing has changed, to show that the daemon runs.
SAVE = 10.0
#: Looks after which time between two of them does not count.
_BREAK = 3.0


class Supervisor:
    """Keeps the alerts of some servers.

    Parameters
    ----------
    rules : Rules
        The rules.
    predicates : RowPredicates
        Evaluates them.
    servers : sequence of str
        Names of the servers.
    path : Path
        The state file, which this takes its first alerts from.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    say : callable
        Takes a line for people.
    gap : float or None
        Longest time between two looks that counts; None is three intervals.
    """

    def __init__(
        self,
        rules: Rules,
        predicates: RowPredicates,
        servers: Sequence[str],
        path: Path,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        say: Callable[[str], None],
        gap: float | None = None,
    ) -> None:
        self._predicates = predicates
        self._path = path
        self._clock = clock
        self._now = now
        self._say = say
        self._gap = gap
        saved = load(path)
        self.alerts = saved.alerts
        self._seen = dict(saved.servers)
        self._failing: dict[str, dict[str, str]] = {}
        self._ways = {name: BackOff(error=way.error) for name, way in saved.channels.items()}
        self._busy: set[str] = set()
        self._silence_error = ""
        self._silences: tuple[Silence, ...] = ()
        # When each server was looked at last, and when it answered last, on this clock.
        self._looked: dict[str, float] = {}
        started, moment = clock(), now()
        self._answered = {
            name: started - max(0.0, (moment - one.at).total_seconds())
            for name, one in self._seen.items()
            if one.at is not None
        }
        self._evaluated = dict(self._answered)
        self._saved_at: float | None = None
        self._changed = True
        self.take(rules, servers)

    def take(self, rules: Rules, servers: Sequence[str]) -> None:
        """Use other rules and servers from now on; alerts of what is no longer watched end."""
        self.rules = rules
        self._by_name = {rule.name: rule for rule in rules.rules}
        self._servers = tuple(servers)
        started = self._clock()
        for memory in (self._looked, self._answered, self._evaluated, self._seen, self._failing):
            for name in memory.keys() - set(servers):
                memory.pop(name)
        for name in servers:
            self._looked.setdefault(name, started)
            self._answered.setdefault(name, started)
        self._failing.clear()
        for name in self._ways.keys() - rules.channels.keys():
            del self._ways[name]
        end_stale(self.alerts, self._by_name, set(servers), self._now())
        forget(self.alerts, rules.channels)
        self._changed = True

    def looked(self, look: Looked) -> None:
        """Evaluate the rules on what was seen of a server, or on its silence."""
        if look.server not in self._servers:
            return  # the last look of one that is watched no longer
        clock, name = self._clock(), look.server
        self._tell_of_server(look, clock)
        if look.survey is None:
            silent = clock - self._answered[name]
            rows: dict[str, Sequence[Row]] = {SERVERS.name: [lost_row(name, look.error, silent)]}
            elapsed = clock - self._looked[name]
        else:
            rows = {
                TUBES.name: tube_rows(name, look.survey),
                PROBLEMS.name: problem_rows(name, look.survey),
                SERVERS.name: [server_row(name, look.survey)],
            }
            elapsed = clock - self._evaluated.get(name, clock)
            self._answered[name] = self._evaluated[name] = clock
            self._seen[name] = SeenServer(self._now())
        self._looked[name] = clock
        longest = self.rules.interval * _BREAK if self._gap is None else self._gap
        self._evaluate(name, rows, elapsed if elapsed <= longest else 0.0)

    def _evaluate(self, server: str, rows: dict[str, Sequence[Row]], elapsed: float) -> None:
        before = {key: alert.status for key, alert in self.alerts.items() if alert.server == server}
        failed = evaluate(self.alerts, self.rules.rules, self._predicates, server, rows, elapsed, self._now())
        known = self._failing.get(server, {})
        for name, error in failed.items():
            if known.get(name) != error:
                self._say(f"rule {name} cannot be evaluated on {server}: {error}")
        # What this look could not evaluate is as it was.
        self._failing[server] = {
            **{name: error for name, error in known.items() if self._by_name[name].table.name not in rows},
            **failed,
        }
        for key in before.keys() | {key for key, alert in self.alerts.items() if alert.server == server}:
            alert = self.alerts.get(key)
            status = "resolved" if alert is None else alert.status
            was = before.get(key, "resolved")
            if status != was:
                self._changed = True
            if alert is not None and status == "firing" != was:
                self._say(safe_text(f"firing {alert.severity} {alert.rule}: {alert.summary}"))
            elif alert is not None and status == "resolved" != was:
                self._say(safe_text(f"resolved {alert.rule}: {alert.summary}"))
        forget(self.alerts, self.rules.channels)

    def _tell_of_server(self, look: Looked, clock: float) -> None:
        was = self._seen.get(look.server, SeenServer()).error
        if look.survey is None and not was:
            self._say(safe_text(f"{look.server} does not answer: {look.error}"))
        elif look.survey is not None and was:
            self._say(f"{look.server} answers again, after {span(clock - self._answered[look.server])}")
        if look.survey is None:
            self._seen[look.server] = self._seen.get(look.server, SeenServer())._replace(error=look.error)
            self._changed = self._changed or not was

    def overdue(self) -> list[Looked]:
        """Return looks at servers of which nothing was heard for too long, as if they had failed."""
        clock = self._clock()
        allowed = self.rules.interval * _BREAK + self.rules.patience
        late = {name: clock - at for name, at in self._looked.items() if clock - at > allowed}
        return [Looked(name, None, f"no answer for {span(seconds)}") for name, seconds in late.items()]

    def due(self) -> dict[str, list[Notice]]:
        """Return what is due now to channels that are not busy, and take them for busy until `delivered` says more."""
        clock, now = self._clock(), self._now()
        self._silence(now)
        found = {}
        for name, channel in self.rules.channels.items():
            if name in self._busy or clock < self._ways.get(name, BackOff()).until:
                continue
            if notices := due(channel, self.alerts.values(), self._by_name, now):
                found[name] = notices
                self._busy.add(name)
        return found

    def delivered(self, delivery: Delivered) -> None:
        """Note how a delivery went."""
        name, clock = delivery.channel, self._clock()
        if delivery.last:
            self._busy.discard(name)
        if name not in self.rules.channels or (delivery.last and not delivery.error):
            return
        self._changed = True
        way = self._ways.get(name, BackOff())
        count = plural(len(delivery.notices), "alert")
        if not delivery.error or delivery.rejected:
            mark(self.alerts, name, delivery.notices, self._now())
            forget(self.alerts, self.rules.channels)
            self._ways[name] = BackOff(error=delivery.error)
            said = f"rejects {count} for good: {delivery.error}" if delivery.error else f"was notified of {count}"
            self._say(safe_text(f"{name} {said}"))
        else:
            self._ways[name] = failed = way.failed(delivery.error, delivery.wait, clock)
            self._say(safe_text(f"{name} not notified: {delivery.error}; next attempt in {span(failed.until - clock)}"))

    @property
    def is_busy(self) -> bool:
        """Whether a delivery is under way."""
        return bool(self._busy)

    def _silence(self, now: datetime) -> None:
        """Note which alerts are silenced now."""
        try:
            self._silences = tuple(one.silence for one in load_silences(self._path, now))
            self._silence_error = ""
        except StateError as error:  # those that are known stay
            if self._silence_error != str(error):
                self._say(str(error))
            self._silence_error = str(error)
        silences = (*self.rules.silences, *self._silences)
        for alert in self.alerts.values():
            silenced = is_silenced(alert, self._by_name.get(alert.rule), silences, now)
            self._changed = self._changed or silenced != alert.silenced
            alert.silenced = silenced

    def firing(self, *, silenced: bool = True) -> int:
        """Return the number of firing alerts, with silenced ones or without."""
        return sum(alert.status == "firing" and (silenced or not alert.silenced) for alert in self.alerts.values())

    def save(self, *, force: bool = False) -> None:
        """Save the state if it has changed, or was saved too long ago."""
        clock = self._clock()
        if not force and not self._changed and self._saved_at is not None and clock - self._saved_at < SAVE:
            return
        failing = {name: error for failed in self._failing.values() for name, error in failed.items()}
        saved = Saved(
            self.alerts, self._seen, failing, self._ways, self._now(), self.rules.interval, str(self.rules.path)
        )
        try:
            save(self._path, saved)
        except OSError as error:
            self._say(f"cannot save {self._path}: {error.strerror}")
        self._saved_at, self._changed = clock, False
