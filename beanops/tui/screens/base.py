"""`FullScreen`: what every full screen has: the server's header, the status line, the keys, and actions.

An action starts here: the screen says what it is for (`target`), dialogs ask for what it needs and confirm it, and the
app carries it out. Which actions there are is in `beanops.tui.actions.catalogue`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from beanops.session.web_access import FILES
from beanops.tui.actions.catalogue import BURIED_AS, OFFERS, UNDO
from beanops.tui.actions.outcome import Outcome, fault
from beanops.tui.actions.request import NOTHING, Offer, Request, Target, needed_for
from beanops.tui.host import Host
from beanops.tui.screens.header import ServerHeader
from beanops.tui.server_states import ALONE
from beanops.tui.widgets.columns import TALL, WIDE, shortened
from beanops.tui.widgets.footer import KeyFooter
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.table import RowTable
from beanops.ui.poller import Live, Look
from beanops.ui.runner import LastAction

if TYPE_CHECKING:
    from beanops.tui.dialogs.form import Answers


def _offer_of(binding: Binding) -> Offer | None:
    """Return the action that a key is for."""
    return next((offer for offer in OFFERS.values() if binding.action == f"act('{offer.name}')"), None)


class FullScreen(Screen[None]):
    """A full screen. Subclasses yield what is in it, and say what to ask the server and how to show the answer."""

    #: The page of the manual about this screen.
    topic: ClassVar[str] = "terminal"
    #: The id of the server process whose jobs are shown.
    instance = ""
    _offered: tuple[str, ...] = ()

    @property
    def host(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        self._fit()  # before there is anything whose style it changes
        yield ServerHeader()
        yield from self.body()
        yield Line(id="status")
        yield KeyFooter()

    def body(self) -> ComposeResult:
        """Yield what this screen is about."""
        yield from ()

    def on_mount(self) -> None:
        """Follow what is known of the server, and the status of actions."""
        self.watch(self.app, "live", self._show)
        self.watch(self.app, "status", self._show_status)
        self.watch(self.app, "alerts", self.show_alerts)
        self.show_profile()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self._fit()
        self.query_one(ServerHeader).show(self.host.live)
        self._show_status()

    def _fit(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-wide")
        self.set_class(self.app.size.height >= TALL, "-tall")

    # -- what subclasses say -----------------------------------------------------------------------------------------

    def looking(self) -> Look | None:
        """Return what to ask besides the survey with each look; it runs in the sampling thread."""
        return None

    def wanted(self) -> Collection[str]:
        """Return the tubes that each look asks for, however many the server has."""
        return ()

    def show(self, live: Live) -> None:
        """Show what is known now."""

    def show_alerts(self, _: Any = None) -> None:
        """Show what the alert daemon says now."""
        self.query_one(ServerHeader).show_alerts()

    def tick(self) -> None:
        """Ask for what it shows of other servers; called at every refresh interval."""

    def restarted(self) -> None:
        """Forget the jobs seen so far: the server was restarted and may reuse their ids."""

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Show the outcome of an action."""
        self.refresh_offers()

    def faulted(self) -> None:
        """Recover from a thread of this screen that ended without an answer."""

    def caption(self) -> str:
        """Return the right part of the status line, safe."""
        return ""

    def captions(self) -> list[Part]:
        """Return the right part of the status line in parts, for captions that are not only muted."""
        return [(self.caption(), "$muted")]

    def whole_name(self) -> str:
        """Return the name under the cursor, safe, where its table has no room for all of it; else empty."""
        return next((name for table in self.query(RowTable) if (name := table.whole_name)), "")

    @property
    def tube_in_front(self) -> str | None:
        """The tube that is shown, or under the cursor."""
        target = self.target()
        return target.tubes[0].name if target is not None and len(target.tubes) == 1 else None

    def target(self) -> Target | None:
        """Return what an action would be for now; None when nothing can be done."""
        return None

    def undoable(self) -> LastAction:
        """Return what an undo from here reverts."""
        return LastAction() if self.passive else self.host.last

    # -- what they share -----------------------------------------------------------------------------------------------

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        # The message of a screen's worker goes to that screen alone. Faults of servers and networks are caught there.
        if changed.state is WorkerState.ERROR:
            self.host.status = fault(changed.worker.error)
            self.faulted()

    def _show(self, live: Live) -> None:
        if live.survey is not None and live.survey.server.id != self.instance:
            before, self.instance = self.instance, live.survey.server.id
            if before:
                live = live._replace(looked=None)
                self.restarted()
        self.set_class(live.stale, "-stale")
        self.query_one(ServerHeader).show(live)
        self.show(live)
        self._show_status()

    def show_profile(self) -> None:
        """Show label and colour of the server's profile."""
        self.query_one(ServerHeader).show_profile(self.host.profile)

    def _show_status(self, _: Any = None) -> None:
        line = self.query_one("#status", Line)
        outcome = self.host.status
        left: list[Part] = []
        if outcome is not None:
            mark, style = ("✓", "$ready") if outcome.done else ("✗", "$buried")
            mark, style = ("!", "$delayed") if outcome.only_skipped else (mark, style)
            left = [(f"{mark} ", f"bold {style}"), (outcome.text, "")]
            left += (
                [(f"  {self.host.key_of('undo.undo')} ", "bold $primary"), (outcome.way_back, "$muted")]
                if outcome.way_back
                else []
            )
        right = self.captions()
        if outcome is None and (name := self.whole_name()):
            room = line.app.size.width - 4 - sum(cell_len(text) for text, _ in right)
            left = [(shortened(name, max(3, room)), "$foreground")]
        if outcome is not None and sum(cell_len(text) for text, _ in (*left, *right)) + 4 > line.app.size.width:
            right = right[-1:]
        line.say(line.spread(left, right))

    @on(RowTable.Moved)
    def _cursor_moved(self) -> None:
        self._show_status()

    # -- act ---------------------------------------------------------------------------------------------------------

    @property
    def passive(self) -> bool:
        """Whether nothing can be changed: the session is read-only, or what is shown is stale."""
        return bool(self.hindrance())

    def refresh_offers(self) -> None:
        """Show the keys of the actions that are possible now."""
        target = self.target()
        possible = [] if target is None else [one for one in OFFERS.values() if not self.hindrance(one)]
        offered = tuple(offer.name for offer in possible if target is not None and offer.applies(target))
        runs = self.undoable().runs
        if (*offered, *runs) != self._offered:
            self._offered = (*offered, *runs)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the actions that are possible for what is selected, and undo where there is something to undo."""
        if action == "act":
            return parameters[0] in self._offered
        if action == "undo":
            return self.is_attached and bool(self.undoable().runs)
        return True

    def on_key(self, event: events.Key) -> None:
        """Say why the action of a key is not possible now; a key with two actions does the one that is."""
        refusals: list[str] = []
        for _, bindings in self._binding_chain:
            for binding in bindings.key_to_bindings.get(event.key, ()):
                why = self._refusal(binding)
                if why:
                    refusals.append(why)
                elif _offer_of(binding) is not None:
                    return
        if refusals:
            self.host.say(refusals[0], False)

    def _refusal(self, binding: Binding) -> str:
        """Return why the action of a binding is not possible now; empty where it is, or where a screen decides."""
        if binding.action in ("app.servers", "app.all_tubes") and self.host.alone:
            return ALONE
        if binding.action == "undo" and not self.undoable().runs:
            return f"undo: {self.hindrance() or 'nothing to undo'}"
        if (offer := _offer_of(binding)) is not None and offer.name not in self._offered:
            return f"{offer.name}: {self.hindrance(offer) or self._lacking(offer)}"
        return ""

    def hindrance(self, offer: Offer | None = None) -> str:
        """Return why an action, by default one that changes something, is not possible now; empty where it is."""
        if offer is not None and offer.name in FILES and self.host.alone:
            return f"a page reads and writes no files; use beanops {offer.name}"
        if offer is not None and offer.name in self.host.session._context.denied:
            return "your role does not allow it"
        if offer is not None and not offer.changes:
            return ""
        if self.host.session._context.protection.now.read_only:
            return "this session is read-only"
        if offer is not None and offer.name == "truncate":
            can = self.host.session._lookups.known_capabilities(self.instance)
            if can is None or not can.truncate:
                return "this server has no truncate; drain works on all servers"
        return "the server does not answer" if self.host.live.stale else ""

    def _lacking(self, offer: Offer) -> str:
        target = self.target()
        if target is None or (offer.scope == "jobs" and not (target.states or target.selected)):
            return "nothing is selected"
        return offer.lacks

    def action_act(self, name: str) -> None:
        """Ask for what an action needs, confirm it, and carry it out on what was selected when its key was pressed."""
        target = self.target()
        if target is not None and OFFERS[name].applies(target):
            self.act(OFFERS[name], target)

    def act(self, offer: Offer, target: Target, given: Mapping[str, Any] = NOTHING) -> None:
        """Ask for what an action on a target needs and was not given, confirm it, and carry it out."""
        if why := self.hindrance(offer):  # whichever way led here
            self.host.say(f"{offer.name}: {why}", False)
            return
        session, instance = self.host.session, self.instance
        request = offer.request(session, target, given)._replace(instance=instance)
        if offer.name == "edit" and not given:
            self._edit(request)
            return
        fields = offer.ask(target) if offer.ask is not None else ()
        if not fields or given:
            self._settled(request)
            return
        from beanops.tui.dialogs.form import Form  # the first paint must not wait for it

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                self._settled(offer.request(session, target, answers)._replace(instance=instance), request.places)

        of = request.jobs if request.ids or request.selected else request.places
        self.app.push_screen(Form(f"{offer.label}: {of}", fields), answered)

    def _edit(self, request: Request) -> None:
        """Have a job's body edited and confirmed, then put."""
        from beanops.tui.dialogs.edit_body import EditBody

        def answered(confirmed: Request | None) -> None:
            if confirmed is not None:
                self.host.perform(confirmed)

        self.app.push_screen(EditBody(request, needed_for(request, self.host.profile)), answered)

    def _settled(self, request: Request, places: str = "") -> None:
        """Have a request confirmed if it changes anything, then carried out."""
        offer = request.offer
        if not request.tubes and offer.scope not in ("none", "runs"):
            self.host.say(f"{offer.name}: {places or 'the tube'} had no such jobs", False)
        elif offer.changes:
            self.confirm(request)
        else:
            self.host.perform(request)

    def confirm(self, request: Request) -> None:
        """Have the jobs of a request counted if their number is not known, the request confirmed, then carried out."""
        if not request.is_counted:
            self._count(request)
            return
        from beanops.tui.dialogs.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self.host.perform(request)

        self.app.push_screen(Confirm(request, needed_for(request, self.host.profile)), answered)

    def _count(self, request: Request) -> None:
        from beanops.tui.dialogs.counting import Counted, Counting

        name = request.offer.name

        def counted(answer: Counted | None) -> None:
            if isinstance(answer, Request):
                if answer.number:
                    self.confirm(answer)
                else:
                    self.host.say(f"{name}: no such jobs", False)
            elif answer:
                self.host.say(f"{name}: {answer}", False)

        self.app.push_screen(Counting(request), counted)

    def action_undo(self) -> None:
        """Undo the runs that `undoable` names."""
        self.undo(self.undoable())

    def undo(self, undone: LastAction) -> None:
        """Have an undo confirmed, then carried out."""
        if not undone.runs:
            return
        session = self.host.session
        request = Request(UNDO, session, (), answers={"undone": undone})
        can = session._lookups.known_capabilities(self.instance)
        if can is None or can.reserve_job:
            self.confirm(request)
            return
        from beanops.tui.dialogs.form import Form

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                self.confirm(request._replace(answers={**request.answers, **answers}))

        self.app.push_screen(Form(f"Undo {undone.what}", (BURIED_AS,)), answered)
