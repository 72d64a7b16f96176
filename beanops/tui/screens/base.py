"""What every full screen has: the server's header, the banner of a lost server, the status line and the keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.color import Color, ColorParseError
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState

from beanops.monitor.history import UNKNOWN as NO_RATES
from beanops.monitor.history import Rates
from beanops.monitor.history import flow as flow_of
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.states import STATES
from beanops.text import plural, safe_text
from beanops.tui.actions.request import Outcome, Request, fault
from beanops.tui.widgets.columns import WIDE
from beanops.tui.widgets.sparkline import spark
from beanops.ui.formatting import UNKNOWN, count, rate, span
from beanops.ui.poller import Live, Look

if TYPE_CHECKING:
    from beanops.tui.app import Dashboard

Part = tuple[str, str]

#: Blocks of the sparklines in the header, of half of them below so many columns.
SPARK, ROOMY = 20, 132

#: What is said of a server that has not answered yet.
NOTHING_KNOWN = "nothing is known of this server yet"


def by_state(stats: ServerStats | TubeStats | None) -> list[Part]:
    """Return how many jobs are in each state; None is unknown."""
    parts: list[Part] = []
    for state in STATES:
        number = getattr(stats, f"current_jobs_{state}", None)
        style = f"bold ${state}" if number else "$muted"
        parts += [(f"{state} ", "$muted"), (UNKNOWN if number is None else count(number), style), ("  ", "")]
    return parts


def flow(rates: Rates) -> list[Part]:
    """Return how fast jobs come and go."""
    return [
        ("puts/s ", "$muted"),
        (rate(rates.puts), ""),
        ("  deletes/s ", "$muted"),
        (rate(rates.deletes), ""),
    ]


def _share(cpu: float | None) -> str:
    return UNKNOWN if cpu is None else f"{100 * cpu:.0f}%"


class Line(Static):
    """Safe text in parts that is drawn anew only when it changed.

    Parameters
    ----------
    grows : bool
        Whether its height follows its text; that lays out the whole screen anew with every change.
    """

    def __init__(self, *, id: str | None = None, grows: bool = False) -> None:
        super().__init__("", id=id, markup=False)
        self._parts: list[Part] = []
        self._grows = grows

    def say(self, parts: list[Part]) -> None:
        """Show these parts, each a text and its style."""
        if parts != self._parts:
            self._parts = parts
            self.update(Content.assemble(*parts), layout=self._grows)

    def spread(self, left: list[Part], right: list[Part]) -> list[Part]:
        """Return the parts with `right` at the right edge, cut where both do not fit."""
        width = self.app.size.width - 2
        taken = sum(Content(text).cell_length for text, _ in (*left, *right))
        return [*left, (" " * max(2, width - taken), ""), *right]


class Keys(Footer):
    """The keys that do something now; first the one to all others, because a narrow screen has no room for the last."""

    def compose(self) -> ComposeResult:
        """Lay them out."""
        yield from sorted(super().compose(), key=lambda shown: getattr(shown, "action", "") != "app.help")


class View(Screen[None]):
    """A full screen; subclasses say what is in it, what they want to know, and how they show it."""

    #: The id that the server gave itself when it was last started: what is shown was seen on that one.
    instance = ""

    @property
    def dashboard(self) -> Dashboard:
        """The app."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        self._fit()  # before there is anything whose style it changes
        yield Line(id="profile")
        yield Line(id="server")
        yield Line(id="jobs")
        yield Line(id="connections")
        yield Line(id="banner", grows=True)
        yield from self.body()
        yield Line(id="status")
        yield Keys(compact=True, show_command_palette=False)

    def body(self) -> ComposeResult:
        """Yield what this screen is about."""
        yield from ()

    def on_mount(self) -> None:
        """Follow what is known of the server, and what is said of actions."""
        self.watch(self.app, "live", self._show)
        self.watch(self.app, "status", self._show_status)
        self.show_profile()

    def on_resize(self) -> None:
        """Spread the lines anew."""
        self._fit()
        self._show_header(self.dashboard.live)
        self._show_status()

    def _fit(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-wide")

    # -- what subclasses say -----------------------------------------------------------------------------------------

    def looking(self) -> Look | None:
        """Return what to ask besides the snapshot with each tick; it runs in the sampling thread."""
        return None

    def wanted(self) -> Collection[str]:
        """Return the tubes that are asked for with each look, however many there are."""
        return ()

    def show(self, live: Live) -> None:
        """Show what is known now."""

    def restarted(self) -> None:
        """Forget the jobs that were seen: the server was started anew, and may give their ids to others."""

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Hear what came of an action."""

    def faulted(self) -> None:
        """Hear that a thread of this screen ended without an answer."""

    def caption(self) -> str:
        """Return what stands at the right of the status line, safe."""
        return ""

    # -- what they share -----------------------------------------------------------------------------------------------

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        # The message of a screen's worker goes to that screen alone. What servers and networks do is caught there.
        if changed.state is WorkerState.ERROR:
            self.dashboard.status = fault(changed.worker.error)
            self.faulted()

    def _show(self, live: Live) -> None:
        if live.survey is not None and live.survey.server.id != self.instance:
            before, self.instance = self.instance, live.survey.server.id
            if before:
                live = live._replace(looked=None)
                self.restarted()
        self.set_class(live.stale, "-stale")
        self._show_header(live)
        self._show_banner(live)
        self.show(live)
        self._show_status()

    def show_profile(self) -> None:
        """Say loudly, in words too, on which server this is, where the user wants it."""
        profile, line = self.dashboard.profile, self.query_one("#profile", Line)
        line.display = bool(profile.label or profile.color)
        try:
            colour = Color.parse(profile.color or "ansi_bright_black")
        except ColorParseError:
            colour = Color.parse("red")
        line.styles.background = colour
        line.styles.color = colour.get_contrast_text(1.0)
        words = " · ".join(filter(None, (profile.label or profile.name.upper(), profile.name, profile.address)))
        line.say([(safe_text(words, limit=120), "bold")])

    def _show_header(self, live: Live) -> None:
        session = self.dashboard.session
        server = self.query_one("#server", Line)
        left: list[Part] = [
            ("beanops  ", "$muted"),
            (safe_text(str(session.address), limit=40), "bold $foreground"),
        ]
        if session.protection.now.read_only:
            left += [("  ", ""), (" READ-ONLY ", "bold $background on $delayed")]
        if live.survey is not None and live.survey.server.draining:
            left += [("  ", ""), (" DRAINING ", "bold $background on $buried")]
        if live.held:
            left += [("  ", ""), (f" YOU HOLD {plural(len(live.held), 'job')} ", "bold $background on $reserved")]
        if live.survey is None:
            # Another server was shown until now, whose numbers must not stand under the name of this one.
            server.say(left)
            jobs = self.query_one("#jobs", Line)
            jobs.say(jobs.spread(by_state(None), flow(NO_RATES)))
            self.query_one("#connections", Line).say([(NOTHING_KNOWN, "$muted")])
            return
        survey, stats = live.survey, live.survey.server
        right = [(f"beanstalkd {safe_text(stats.version, limit=16)}", "$muted"), ("  up ", "$muted")]
        can = session.known_capabilities(stats.id)
        if can is not None and not can.reserve_job:
            right.insert(1, (f", {can.in_short}", "$delayed"))
        right += [(span(stats.uptime), ""), ("  cpu ", "$muted"), (_share(survey.cpu), "")]
        server.say(server.spread(left, right))

        jobs = self.query_one("#jobs", Line)
        right = flow(survey.rates)
        if self.app.size.width >= WIDE:
            recent = flow_of(survey.trail, SPARK if self.app.size.width >= ROOMY else SPARK // 2)
            right = [
                *right[:2],
                (f" {spark([one.puts for one in recent])}", "$primary"),
                *right[2:],
                (f" {spark([one.deletes for one in recent])}", "$ready"),
            ]
        jobs.say(jobs.spread(by_state(stats), right))

        connections = self.query_one("#connections", Line)
        left = [
            (plural(stats.current_tubes, "tube"), ""),
            ("  ", ""),
            (plural(stats.current_connections, "connection"), ""),
            (f": {plural(stats.current_producers, 'producer')}, {plural(stats.current_workers, 'worker')}", "$muted"),
            (f" ({stats.current_waiting:,} waiting)", "$muted"),
        ]
        right = []
        if survey.timeouts:
            right += [(f"{plural(survey.timeouts, 'job')} timed out", "bold $delayed"), ("  ", "")]
        files = stats.binlog_current_index - stats.binlog_oldest_index + 1 if stats.binlog_current_index else 0
        right.append((f"binlog {plural(files, 'file')}" if files else "no binlog", "$muted"))
        if self.dashboard.interval != 1:
            right.append((f"  every {self.dashboard.interval:g} s", "$delayed"))
        connections.say(connections.spread(left, right))

    def _show_banner(self, live: Live) -> None:
        banner = self.query_one("#banner", Line)
        frozen = self.dashboard.frozen
        banner.display = live.stale or frozen is not None
        banner.set_class(frozen is not None and not live.stale, "-frozen")
        if live.lost is not None:
            lost = live.lost
            retry = f"retrying in {span(lost.retry_in)}" if lost.retry_in >= 1 else "retrying"
            text = f"LOST since {lost.since:%H:%M:%S} UTC, {retry}; {self._how_old(live)}. "
            banner.say([(text, "bold"), (safe_text(lost.error), "")])
        elif live.waiting:
            banner.say([(f"NO ANSWER for {span(live.waiting)}; {self._how_old(live)}.", "bold")])
        elif frozen is not None:
            held = span(self.dashboard.clock() - frozen)
            banner.say([(f"FROZEN for {held}: what you see stands still. The key f goes on.", "bold")])

    def _how_old(self, live: Live) -> str:
        if live.survey is None:
            return NOTHING_KNOWN
        age = self.dashboard.clock() - live.survey.at
        return f"what you see is stale{f', {span(age)} old' if age >= 1 else ''}"

    def _show_status(self, _: Any = None) -> None:
        line = self.query_one("#status", Line)
        outcome = self.dashboard.status
        left: list[Part] = []
        if outcome is not None:
            mark, style = ("✓", "$ready") if outcome.done else ("✗", "$buried")
            left = [(f"{mark} ", f"bold {style}"), (outcome.text, "")]
            left += [("  u ", "bold $primary"), (outcome.way_back, "$muted")] if outcome.way_back else []
        line.say(line.spread(left, [(self.caption(), "$muted")]))
