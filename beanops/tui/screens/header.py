"""`ServerHeader`: the lines on top of every full screen: profile, server, jobs, connections, and a banner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from textual.app import ComposeResult
from textual.color import Color, ColorParseError
from textual.containers import Vertical

from beanops.monitor.problems.server_rules import restarted_text
from beanops.monitor.rates import UNKNOWN as NO_RATES
from beanops.monitor.rates import flow as flow_of
from beanops.monitor.survey import Survey
from beanops.session.config import Profile
from beanops.text import plural, safe_text, span
from beanops.tui.host import Host
from beanops.tui.widgets.columns import WIDE
from beanops.tui.widgets.line import Line, Part, by_state, flow
from beanops.ui.alerts import Alerts, alert_count, alert_line
from beanops.ui.defaults import INTERVAL
from beanops.ui.formatting import UNKNOWN, spark
from beanops.ui.poller import Live

#: Blocks of the sparklines; half as many below `ROOMY` columns.
SPARK, ROOMY = 20, 132
#: Shown until a server has answered.
NOTHING_KNOWN = "no answer from this server yet"


class ServerHeader(Vertical):
    """What is known of the server, whether the dashboard is frozen, and whether the connection is lost."""

    @property
    def host(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield Line(id="replay")
        yield Line(id="profile")
        yield Line(id="server")
        yield Line(id="jobs")
        yield Line(id="connections")
        yield Line(id="alerts")
        yield Line(id="banner", grows=True)

    def show_profile(self, profile: Profile) -> None:
        """Show label and colour of the server's profile, where the user configured them."""
        line = self.query_one("#profile", Line)
        line.display = bool(profile.label or profile.color)
        try:
            colour = Color.parse(profile.color or "ansi_bright_black")
        except ColorParseError:
            colour = Color.parse("red")
        line.styles.background = colour
        line.styles.color = colour.get_contrast_text(1.0)
        # A profile that was found by its address has that as its name.
        parts = dict.fromkeys((profile.label or profile.name.upper(), profile.name, profile.address))
        words = " · ".join(filter(None, parts))
        line.say([(safe_text(words, limit=120), "bold")])

    def show(self, live: Live) -> None:
        """Show the newest survey of the server."""
        server, jobs, connections = (self.query_one(id, Line) for id in ("#server", "#jobs", "#connections"))
        if live.survey is None:
            # The numbers of the server shown before must not appear under this one's name.
            server.say(self._address(live))
            jobs.say(jobs.spread(by_state(None), flow(NO_RATES)))
            connections.say([(NOTHING_KNOWN, "$muted")])
        else:
            server.say(server.spread(self._address(live), self._version(live.survey), most=True))
            jobs.say(jobs.spread(by_state(live.survey.server), self._rates(live.survey), most=True))
            connections.say(connections.spread(*self._connections(live.survey), most=True))
        self.show_alerts()
        self._show_playback(live)
        self._show_banner(live)

    def _show_playback(self, live: Live) -> None:
        line = self.query_one("#replay", Line)
        line.display = live.playback is not None
        if live.playback is not None:
            from beanops.ui.replay import where_text

            play, jump, help = map(self.host.key_of, ("replay.play", "replay.jump", "app.help"))
            keys: list[Part] = [(f"{play} plays  {jump} jumps  {help} keys", "$muted")]
            line.say(
                line.spread(
                    [(" REPLAY ", "bold $background on $primary"), (f"  {where_text(live.playback)}", "bold")], keys
                )
            )

    def show_alerts(self) -> None:
        """Show the alerts that fire on this server, and whether the daemon that reports them runs."""
        line, alerts = self.query_one("#alerts", Line), self.host.alerts
        left, right = ([], []) if alerts is None else self._alerts(alerts)
        line.display = bool(left)
        line.say(line.spread(left, right) if right else left)

    def _alerts(self, alerts: Alerts) -> tuple[list[Part], list[Part]]:
        now = self.host.now()
        number, worst = alert_count(alerts)
        old = alerts.age(now)
        if not number:
            return ([(old, "$muted")] if old else []), []
        style = "$muted" if old else "$buried" if worst == "critical" else "$delayed"
        key = self.host.key_of("app.alerts")
        right: list[Part] = [
            ("beanops alert is not running  " if old else "", "$delayed"),
            (f"{key} shows all", "$muted"),
        ]
        room = self.app.size.width - len(number) - sum(len(text) for text, _ in right) - 6
        first = alert_line(alerts.here[0], now)
        first = first if len(first) <= room else f"{first[: max(0, room - 1)]}…"
        return [(number, f"bold {style}"), (f"  {first}", "$muted" if old else "")], right

    def _address(self, live: Live) -> list[Part]:
        session = self.host.session
        parts: list[Part] = [("beanops  ", "$muted"), (safe_text(session._context.where, limit=60), "bold $foreground")]
        if self.host.signed_in:
            parts += [("  ", ""), (safe_text(self.host.signed_in, limit=40), "bold $primary")]
        if session._context.protection.now.read_only:
            parts += [("  ", ""), (" READ-ONLY ", "bold $background on $delayed")]
        if live.survey is not None and live.survey.server.draining:
            parts += [("  ", ""), (" DRAINING ", "bold $background on $buried")]
        elsewhere = self.host.held_elsewhere
        if live.held or elsewhere:
            parts += [("  ", ""), (f" {_held_text(len(live.held), elsewhere)} ", "bold $background on $reserved")]
        return parts

    def _version(self, survey: Survey) -> list[Part]:
        stats = survey.server
        parts: list[Part] = [(f"beanstalkd {safe_text(stats.version, limit=16)}", "$muted")]
        can = self.host.session._lookups.known_capabilities(stats.id)
        # On a narrow screen only what must be known before an action.
        if can is not None and can.in_short and (self.app.size.width >= WIDE or can.lacks):
            parts.append((f", {can.in_short}", "$muted" if can.reserve_job else "$delayed"))
        cpu = UNKNOWN if survey.cpu is None else f"{100 * survey.cpu:.0f}%"
        if any(one.name == "restarted" for one in survey.problems):
            # It takes the place of the version, and fits in 80 columns.
            parts = [(restarted_text(stats.uptime, survey.fewer), "bold $delayed")]
        else:
            parts += [("  up ", "$muted"), (span(stats.uptime), "")]
        return [*parts, ("  cpu ", "$muted"), (cpu, "")]

    def _rates(self, survey: Survey) -> list[Part]:
        parts = flow(survey.rates)
        if self.app.size.width < WIDE:
            return parts
        puts, deletes, window = parts[:2], parts[2:4], parts[4:]
        recent = flow_of(survey.trail, SPARK if self.app.size.width >= ROOMY else SPARK // 2)
        return [
            *puts,
            (f" {spark([one.puts for one in recent])}", "$primary"),
            *deletes,
            (f" {spark([one.deletes for one in recent])}", "$ready"),
            *window,
        ]

    def _connections(self, survey: Survey) -> tuple[list[Part], list[Part]]:
        stats = survey.server
        left: list[Part] = [
            (plural(stats.current_tubes, "tube"), ""),
            ("  ", ""),
            (plural(stats.current_connections, "connection"), ""),
            (f": {plural(stats.current_producers, 'producer')}, {plural(stats.current_workers, 'worker')}", "$muted"),
            (f" ({stats.current_waiting:,} waiting)", "$muted"),
        ]
        right: list[Part] = []
        wide = self.app.size.width >= WIDE
        if survey.problems:
            critical = sum(one.severity == "critical" for one in survey.problems)
            number = plural(len(survey.problems), "problem")
            severe = f", {critical:,} critical" if critical and wide else ""
            right += [(f"{number}{severe}", "bold $buried" if critical else "bold $delayed"), ("  ", "")]
        if survey.timeouts:
            right += [(f"{plural(survey.timeouts, 'job')} timed out", "bold $delayed"), ("  ", "")]
        files = stats.binlog_current_index - stats.binlog_oldest_index + 1 if stats.binlog_current_index else 0
        # The last parts go where there is no room: what the user chose stays longer.
        if self.host.interval != INTERVAL:
            right += [(f"every {self.host.interval:g} s", "$delayed"), ("  ", "")]
        if wide or not right:
            right += [(f"binlog {plural(files, 'file')}" if files else "no binlog", "$muted"), ("  ", "")]
        return left, right

    def _show_banner(self, live: Live) -> None:
        banner, frozen = self.query_one("#banner", Line), self.host.frozen
        banner.display = live.stale or frozen is not None
        banner.set_class(frozen is not None and not live.stale, "-frozen")
        if live.lost is not None:
            lost = live.lost
            retry = f"retrying in {span(lost.retry_in)}" if lost.retry_in >= 1 else "retrying"
            text = f"LOST since {lost.since:%H:%M:%S} UTC, {retry}; {self._how_old(live)}. "
            banner.say([(text, "bold"), (safe_text(lost.error), "")])
        elif live.waiting:
            banner.say([(f"NO ANSWER for {span(live.waiting)}; {self._how_old(live)}.", "bold")])
        elif live.playback is not None and live.playback.gap is not None:
            from beanops.ui.replay import gap_text

            banner.say([(safe_text(gap_text(live.playback)), "bold")])
        elif frozen is not None:
            since, key = span(self.host.clock() - frozen), self.host.key_of("app.freeze")
            text = f"FROZEN for {since}: updates are paused. Press {key} to resume."
            banner.say([(text, "bold")])

    def _how_old(self, live: Live) -> str:
        if live.survey is None:
            return NOTHING_KNOWN
        age = self.host.clock() - live.survey.at
        return f"shown data is stale{f', {span(age)} old' if age >= 1 else ''}"


def _held_text(here: int, elsewhere: Mapping[str, int]) -> str:
    """Return how many jobs the user holds, also on other servers.

    Examples
    --------
    >>> _held_text(1, {}), _held_text(0, {"prod": 2}), _held_text(1, {"prod": 2})
    ('YOU HOLD 1 job', 'YOU HOLD 2 jobs on prod', 'YOU HOLD 1 job here, 2 on prod')
    """
    there = ", ".join(f"{number:,} on {safe_text(name, limit=20)}" for name, number in elsewhere.items())
    if here:
        return f"YOU HOLD {plural(here, 'job')}{f' here, {there}' if there else ''}"
    if len(elsewhere) > 1:
        return f"YOU HOLD {there}"
    ((name, number),) = elsewhere.items()
    return f"YOU HOLD {plural(number, 'job')} on {safe_text(name, limit=20)}"
