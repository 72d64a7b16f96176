"""`Acting`: a screen from which actions start. It asks what is needed, has it confirmed, and has the app do it.

Which actions there are is in `offers`; the app carries them out in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.tui.actions.catalogue import OFFERS
from beanops.tui.actions.offer import Offer, must_type
from beanops.tui.actions.request import Field, Outcome, Request, Target, outcome_of
from beanops.tui.screens.base import View
from beanops.ui.runner import Runner, undo_steps

if TYPE_CHECKING:
    from beanops.tui.dialogs.form import Answers


def _undo(request: Request, runner: Runner) -> Outcome:
    steps = undo_steps(request.session, request.answers["runs"], request.answers.get("buried_as"))
    return outcome_of(runner.carry_out(steps), request.offer.name, "run")


#: Asked where the server cannot bury a chosen job beside workers.
_BURIED = Field(
    "buried_as", "Buried jobs", "parked", "buried", "parked (delayed for ever), ready, or buried where nobody watches"
)


UNDO = Offer(
    "undo",
    "u",
    "Undo",
    "",
    lambda target: True,
    lambda request: f"Undo {request.answers['what']}?",
    "As far as the world has not moved on; each action that cannot be taken back says why.",
    _undo,
    scope="runs",
)


class Acting(View):
    """A screen whose subclasses say by `target` what an action would be for now."""

    _offered: tuple[str, ...] = ()

    def target(self) -> Target | None:
        """Return what an action would be for now; None when nothing can be done."""
        return None

    @property
    def passive(self) -> bool:
        """Whether nothing may be done: the session is read-only, or what is shown is not what is."""
        return self.dashboard.session.protection.now.read_only or self.dashboard.live.stale

    def refresh_offers(self) -> None:
        """Show the keys of what can be done now."""
        target = self.target()
        offered = tuple(offer.name for offer in OFFERS.values() if target is not None and offer.applies(target))
        runs = self.undoable()[0]
        if (*offered, *runs) != self._offered:
            self._offered = (*offered, *runs)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done to what is under the cursor or marked, and what can be taken back."""
        if action == "act":
            return parameters[0] in self._offered
        if action == "undo":
            return self.is_attached and bool(self.undoable()[0])
        return True

    def action_act(self, name: str) -> None:
        """Ask what is needed for an action, have it confirmed, and have it done to what it was asked for."""
        target, offer, session, instance = self.target(), OFFERS[name], self.dashboard.session, self.instance
        if target is None or not offer.applies(target):
            return
        request = offer.request(session, target)._replace(instance=instance)
        fields = offer.ask(target) if offer.ask is not None else ()
        if not fields:
            self.confirm(request)
            return
        from beanops.tui.dialogs.form import Form  # the first paint must not wait for it

        def answered(answers: Answers | None) -> None:
            if answers is None:
                return
            settled = offer.request(session, target, answers)._replace(instance=instance)
            if settled.tubes:
                self.confirm(settled)
            else:
                self.dashboard.say(f"{offer.name}: {request.places} had no such jobs", False)

        of = request.jobs if request.ids else request.places
        self.app.push_screen(Form(f"{offer.label}: {of}", fields), answered)

    def confirm(self, request: Request) -> None:
        """Have a request confirmed, then carried out."""
        from beanops.tui.dialogs.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.perform(request)

        self.app.push_screen(Confirm(request, must_type(request, self.dashboard.guarded)), answered)

    # -- undo --------------------------------------------------------------------------------------------------------

    def undoable(self) -> tuple[tuple[str, ...], str]:
        """Return the runs that can be taken back from here, and what they were, safe."""
        last = self.dashboard.last
        return ((), "") if self.passive else (last.runs, last.what)

    def action_undo(self) -> None:
        """Have the runs taken back."""
        runs, what = self.undoable()
        if not runs:
            return
        session = self.dashboard.session
        request = Request(UNDO, session, (), answers={"runs": runs, "what": what})
        can = session.known_capabilities(self.instance)
        if can is None or can.reserve_job:
            self.confirm(request)
            return
        from beanops.tui.dialogs.form import Form

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                self.confirm(request._replace(answers={**request.answers, **answers}))

        self.app.push_screen(Form(f"Undo {what}", (_BURIED,)), answered)

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Offer to take it back."""
        self.refresh_offers()
