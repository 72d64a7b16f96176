"""Read and check a rules file. All that is wrong with it is in one `RulesError`, each with its line and column."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime, time
from glob import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from beanops.alerts import templates
from beanops.alerts.fields import Complaint, Fields, RulesError
from beanops.alerts.notifiers.command import RunCommand
from beanops.alerts.notifiers.registry import KINDS
from beanops.alerts.rows import PROBLEMS, SERVERS, TABLES
from beanops.alerts.rules import DAYS, SEVERITIES, NotifierChannel, Rule, Rules, Silence
from beanops.alerts.toml_places import Places
from beanops.client.address import Address
from beanops.fleet.servers import NoServers, names_several, servers_of
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.row_predicates import PredicateTable, RowPredicates
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import is_glob
from beanops.session.config import profiles
from beanops.text import did_you_mean

#: The rule on lost servers, unless the file has one of this name.
UNREACHABLE = "unreachable"
_UTC = ZoneInfo("UTC")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DAILY = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_SUMMARIES = {
    "tubes": "{tube} on {server}: {values}",
    "problems": "{problem} on {server}: {reason}",
    "servers": "{server}: {values}",
}


def read_rules(path: Path, predicates: RowPredicates) -> Rules:
    """Return the content of a rules file.

    Parameters
    ----------
    path : Path
        The file.
    predicates : RowPredicates
        Checks the predicates.

    Raises
    ------
    RulesError
        It cannot be read, or something in it is wrong.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise RulesError(path, [Complaint(1, 1, "there is no such file; beanops manual alerts shows one")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(path, [Complaint(1, 1, getattr(error, "strerror", None) or "it is not UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise RulesError(path, [_syntax(str(error), text)]) from None
    complaints: list[Complaint] = []
    rules = _RulesReader(Fields(content, (), Places(text), complaints), predicates).read(path)
    if complaints:
        raise RulesError(path, complaints)
    return rules


def _syntax(message: str, text: str) -> Complaint:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.S)
    if found is None:
        return Complaint(1, 1, message)
    at_end = (text.count("\n") + 1, len(text) - text.rfind("\n"))
    line, column = (int(found[2]), int(found[3])) if found[2] else at_end
    return Complaint(line, column, found[1][:1].lower() + found[1][1:])


class _RulesReader:
    """Reads the tables of one file."""

    def __init__(self, file: Fields, predicates: RowPredicates) -> None:
        self._file = file
        self._predicates = predicates

    def read(self, path: Path) -> Rules:
        file = self._file
        self._zone = file.parsed("timezone", _zone, 'the name of a time zone such as "Europe/Berlin"') or _UTC
        self._repeat = file.span("repeat", 4 * 3600.0)
        self._labels = _labels(file)
        channels = {name: self._channel(name, fields) for name, fields in file.named("notifiers").items()}
        self._channels = {name: channel for name, channel in channels.items() if channel is not None}
        self._known = list(channels)
        self._notify = self._names(file, "notify", tuple(self._known))
        _hide_variables(self._channels)
        tables = file.tables("rule")
        rules = [self._rule(fields) for fields in tables]
        names = [rule.name for rule in rules]
        for number, name in enumerate(names):
            if name and name in names[:number]:
                tables[number].complain(f"a rule named {name!r} is above already", "name")
        if UNREACHABLE not in names:
            rules.append(self._unreachable())
        if not tables:
            file.complain("there is no [[rule]]")
        silences = tuple(self._silence(fields, names=names) for fields in file.tables("silence"))
        servers = file.texts("servers")
        for number, server in enumerate(servers):
            self._check_server(server, number)
        interval = file.span("interval", 10.0, 1.0, 3600.0)
        patience = file.span("patience", 3.0, 0.1, 60.0)
        file.close()
        return Rules(path, tuple(rules), self._channels, silences, servers, interval, patience)

    def _check_server(self, server: str, number: int) -> None:
        try:
            known = profiles()
            if names_several(server):
                servers_of(server)
            elif server not in known:
                Address.parse(server)
        except NoServers as error:
            self._file.complain(str(error), "servers", number)
        except ArgumentError as error:
            hint = did_you_mean(server, known)
            self._file.complain(f"{server!r} is neither a profile nor an address ({error}){hint}", "servers", number)

    def _channel(self, name: str, fields: Fields) -> NotifierChannel | None:
        kind = fields.choice("type", list(KINDS))
        if fields.any("type") != kind:
            return None  # the other keys depend on it
        notifier = KINDS[kind](fields)
        repeat = fields.span("repeat", 0.0) if "repeat" in fields else notifier.repeat
        resolves = fields.value("resolves", bool, True)
        severities = fields.texts("severities", SEVERITIES)
        for number, severity in enumerate(severities):
            if severity not in SEVERITIES:
                hint = f"{', '.join(SEVERITIES)}, not {severity!r}{did_you_mean(severity, SEVERITIES)}"
                fields.complain(f"a severity is one of {hint}", "severities", number)
        fields.close()
        return NotifierChannel(name, notifier, repeat, resolves, severities)

    def _names(self, fields: Fields, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return names of notifiers."""
        names = fields.texts(key, default)
        for name in names if key in fields else ():
            if name not in self._known:
                known = f"; notifiers are {', '.join(self._known)}" if self._known else "; there are none"
                fields.complain(f"there is no notifier {name!r}{known}{did_you_mean(name, self._known)}", key)
        return names

    def _rule(self, fields: Fields) -> Rule:
        name = fields.text("name")
        table = TABLES[fields.choice("on", list(TABLES), "tubes")]
        when = fields.text("when")
        until = fields.text("until", "") or None
        reads = self._reads(fields, "when", when, table) | self._reads(fields, "until", until or "", table)
        per = fields.choice("per", ("tube", "server"), "tube")
        if per == "server" and until is not None:
            fields.complain('until needs per = "tube"; use keep_firing', "until")
        severity = fields.choice("severity", SEVERITIES, "warning")
        known = [*table.columns, *templates.EXTRA]
        texts = {"summary": fields.text("summary", ""), "description": fields.text("description", "")}
        for key, template in texts.items():
            if wrong := templates.complaint(template, known):
                fields.complain(f"{key}: {wrong}", key)
        rule = Rule(
            name,
            table,
            when,
            until,
            hold=fields.span("for", 0.0),
            keep=fields.span("keep_firing", 0.0),
            severity=None if table is PROBLEMS and "severity" not in fields else severity,
            summary=texts["summary"] or _SUMMARIES[table.name],
            description=texts["description"],
            labels={**self._labels, **_labels(fields)},
            notify=self._names(fields, "notify", self._notify),
            repeat=fields.span("repeat", self._repeat),
            per="tube" if table is SERVERS else per,
            silences=tuple(self._silence(one, rule=name) for one in fields.tables("silence")),
            reads=reads,
        )
        fields.close()
        return rule

    def _reads(self, fields: Fields, key: str, predicate: str, table: PredicateTable) -> frozenset[str]:
        """Check a predicate and return the columns that it reads."""
        if not predicate.strip():
            return frozenset()  # what is missing was complained about
        try:
            return self._predicates.check(table, predicate)
        except PredicateError as error:
            message = str(error).partition(": ")[2]
            fields.complain(f"{key}: {message}", key, character=None if error.position is None else error.position - 1)
            return frozenset()

    def _unreachable(self) -> Rule:
        return Rule(
            UNREACHABLE,
            SERVERS,
            "not up",
            hold=30.0,
            severity="critical",
            summary="{server} does not answer: {error}",
            labels=self._labels,
            notify=self._notify,
            repeat=self._repeat,
            reads=frozenset(("up",)),
        )

    def _silence(self, fields: Fields, *, rule: str = "", names: list[str] | None = None) -> Silence:
        """Read a silence; in a rule it is one of that rule."""
        start, end = (fields.parsed(key, self._moment, _MOMENT) for key in ("from", "to"))
        if start is not None and end is not None and end <= start:
            fields.complain("to is not after from", "to")
        daily = fields.parsed("daily", _daily, 'hours such as "22:00-06:00"')
        days = []
        for number, day in enumerate(fields.texts("days", DAYS)):
            if day in DAYS:
                days.append(DAYS.index(day))
            else:
                fields.complain(f"a day is one of {', '.join(DAYS)}, not {day!r}", "days", number)
        pattern = escape(rule) or fields.text("rule", "*")
        if names is not None and "rule" in fields and not is_glob(pattern) and pattern not in [*names, UNREACHABLE]:
            fields.complain(f"there is no rule {pattern!r}{did_you_mean(pattern, names)}", "rule")
        silence = Silence(
            pattern,
            fields.text("tube", "*"),
            fields.text("server", "*"),
            start,
            end,
            daily,
            tuple(days),
            self._zone,
            fields.text("reason", ""),
        )
        fields.close()
        return silence

    def _moment(self, value: Any) -> datetime:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(found, datetime):
            raise ValueError
        return found if found.tzinfo is not None else found.replace(tzinfo=self._zone)


def _labels(fields: Fields) -> dict[str, str]:
    """Return the labels of a table; their names are such as Alertmanager takes."""
    labels = fields.text_table("labels")
    for name in labels:
        if not _LABEL.fullmatch(name):
            fields.complain(f"labels.{name}: a label is made of letters, digits and _", "labels", name)
    return labels


_MOMENT = "a time such as 2026-01-31T20:00:00"


def _zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str):
        raise ValueError
    try:
        return ZoneInfo(value)
    except (KeyError, OSError):
        raise ValueError from None


def _daily(value: Any) -> tuple[time, time]:
    """Return hours such as ``22:00-06:00``; 24:00 is midnight."""
    match = _DAILY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError
    begins_hour, begins_minute, ends_hour, ends_minute = map(int, match.groups())
    begins, ends = time(begins_hour, begins_minute), time(ends_hour % 24 if ends_hour == 24 else ends_hour, ends_minute)
    if begins == ends:
        raise ValueError
    return begins, ends


def _hide_variables(channels: dict[str, NotifierChannel]) -> None:
    """Keep the variables of secrets out of the programs that commands run."""
    variables = {secret.variable for channel in channels.values() for secret in channel.notifier.secrets}
    for channel in channels.values():
        if isinstance(channel.notifier, RunCommand):
            channel.notifier.hidden_variables = frozenset(filter(None, variables))
