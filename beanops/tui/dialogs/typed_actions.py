"""Typed actions, such as ``kick mail buried where age > interval 1 hour``: offered and confirmed as their keys are.

``VERB [TUBE] [STATE] [group NAME] [where PREDICATE]``: without jobs it is the same as the key; without a tube it is for
the tube in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from beanops.jobs.bodies.edits import parse_set, parse_unset
from beanops.jobs.bodies.paths import spell_path
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.protocol.states import STATES
from beanops.session.files.samples import PutSettings
from beanops.text import safe_text
from beanops.tui.actions.catalogue import OFFERS
from beanops.tui.actions.edit_many import EDIT_MANY
from beanops.tui.actions.files import IMPORT, lines_of
from beanops.tui.actions.request import Field, Offer, Target
from beanops.tui.actions.selected import Selected, where_words
from beanops.tui.dialogs.form import answer_to
from beanops.tui.dialogs.reading import read_first
from beanops.tui.dialogs.typed_selection import Misused, Typed, parse, split_where
from beanops.tui.host import Host

#: Actions on the buried jobs of a tube where no state is named; other changes need one.
_BURIED = frozenset({"kick", "canary"})


def tubes_of(host: Host, typed: Typed) -> tuple[str, ...]:
    """Return the tubes that a typed line is for: those that it names, else the one in front."""
    front = host.view.tube_in_front if host.view is not None else None
    tubes = tuple(tube for tube in typed.tubes or (front or "",) if tube in host.live.tubes)
    if not tubes:
        raise Misused("missing tube")
    return tubes


def check(host: Host, offer: Offer | None = None) -> None:
    """Raise where an action, by default one that changes something, is not possible now."""
    if host.view is not None and (why := host.view.hindrance(offer)):
        raise Misused(f"{offer.name if offer is not None else 'undo'}: {why}")


def _refuse(name: str, typed: Typed, takes: Sequence[str]) -> None:
    """Raise where more was typed than an action takes: left out, it would be done to more than was meant."""
    given = {"states": typed.states, "group": typed.group, "where": typed.where}
    unused = next((word for word, value in given.items() if value and word not in takes), None)
    if unused == "states":
        raise Misused(f"{name}: takes no state")
    if unused is not None:
        raise Misused(f"{name}: takes no {unused}")


def _press(host: Host, name: str) -> None:
    """Do what the key of an action does."""
    check(host, OFFERS[name])
    target = None if host.view is None else host.view.target()
    if target is None:
        raise Misused(f"{name}: nothing is selected")
    if not OFFERS[name].applies(target):
        raise Misused(f"{name}: {OFFERS[name].lacks}")
    host.act(OFFERS[name], target)


def _target_now(host: Host, offer: Offer) -> Target | None:
    """Return what the action would be for now; None where it does not apply."""
    check(host, offer)
    target = None if host.view is None else host.view.target()
    return target if target is not None and offer.applies(target) else None


def _answer(field: Field, text: str) -> Any:
    """Return the answer that a text is to a field."""
    try:
        return answer_to(field, text)
    except UsageError as error:
        raise Misused(safe_text(str(error))) from None


def _answers(offer: Offer, target: Target, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the answers of a form from typed settings and defaults; empty if one is missing, then the form asks."""
    fields: tuple[Field, ...] = offer.ask(target) if offer.ask is not None else ()
    if not typed:
        return {}
    answers = {}
    for field in fields:
        value = typed.get(field.name, field.value)
        if not value and field.kind in ("tube", "path"):
            return {}
        answers[field.name] = _answer(field, value)
    return answers


def _selection(host: Host, offer: Offer, typed: Typed) -> Target:
    """Return the jobs that were typed."""
    check(host, offer)
    if typed.states:
        chosen = typed.states
    elif offer.name in _BURIED:
        chosen = ("buried",)
    elif typed.where or typed.group or not offer.changes:
        chosen = tuple(state for state in STATES if state in offer.takes)
    else:
        raise Misused(f"{offer.name}: missing state, group or where: the jobs of the tube")
    words = [f"in group {typed.group}"] if typed.group else []
    words += [where_words(typed.where)] if typed.where else []
    tubes = [host.live.tubes[tube].stats for tube in tubes_of(host, typed)]
    selected = []
    for tube in tubes:
        # The server has counted what is neither a group nor a predicate.
        counts = {state: int(getattr(tube, f"current_jobs_{state}")) for state in chosen}
        known = None if typed.where or typed.group else counts
        selected.append(Selected(tube.name, chosen, typed.where, typed.group, known, safe_text(" ".join(words))))
    target = Target(tuple(tubes), selected=tuple(selected))
    if not offer.applies(target):
        raise Misused(f"{offer.name}: no such jobs")
    return target


# -- verbs ------------------------------------------------------------------------------------------------------------


def on_jobs(name: str) -> Callable[[Host, str], None]:
    """Return what runs a typed action on jobs."""
    offer = OFFERS[name]

    def run(host: Host, text: str) -> None:
        if not text:
            _press(host, name)
            return
        typed = parse(text, host.live.tubes, offer.action.settings)
        if not typed.names_jobs:
            target = _target_now(host, offer)
            if target is None:
                raise Misused(f"{name}: nothing is selected")
        else:
            target = _selection(host, offer, typed)
        host.act(offer, target, _answers(offer, target, typed.settings))

    return run


def on_tubes(name: str, *rest: str) -> Callable[[Host, str], None]:
    """Return what runs a typed action on tubes; further words are its settings, in this order."""
    offer = OFFERS[name]

    def run(host: Host, text: str) -> None:
        if not text:
            _press(host, name)
            return
        check(host, offer)
        typed = parse(text, host.live.tubes, offer.action.settings, len(rest))
        _refuse(name, typed, offer.action.settings)
        states = {"states": " ".join(typed.states)} if typed.states else {}
        given = {**dict(zip(rest, typed.rest, strict=False)), **states, **typed.settings}
        target = Target(tuple(host.live.tubes[tube].stats for tube in tubes_of(host, typed)))
        if not offer.applies(target):
            raise Misused(f"{name}: {offer.lacks}")
        host.act(offer, target, _answers(offer, target, given))

    return run


def put(host: Host, text: str) -> None:
    """Put a body, or each line of a file: ``put [TUBE] BODY``, ``put [TUBE] @FILE``."""
    offer = OFFERS["put"]
    if not text:
        _press(host, "put")
        return
    check(host, offer)
    first, _, rest = text.partition(" ")
    tube, body = (first, rest.strip()) if first in host.live.tubes else (tubes_of(host, Typed())[0], text)
    target = Target((host.live.tubes[tube].stats,))
    settings = PutSettings()._asdict()
    if not body:
        host.act(offer, target)
    elif not body.startswith("@"):
        host.act(offer, target, {"to": tube, "body": body.encode(), **settings})
    elif host.alone:
        raise Misused("put: a page reads and writes no files")
    else:
        file = body[1:]
        read_first(
            host,
            "put",
            safe_text(file, limit=60),
            lambda: lines_of(file),
            lambda bodies: host.act(offer, target, {"to": tube, "bodies": bodies, **settings}),
        )


def export(host: Host, text: str) -> None:
    """Write jobs to a file: ``export FILE [TUBE] [STATE] [where ...]``; without jobs, those that are selected."""
    offer = OFFERS["export"]
    file, _, rest = text.partition(" ")
    if file in host.live.tubes or file in STATES:
        raise Misused(f"export: missing file before {safe_text(file)!r}; ./{safe_text(file)} is a file of that name")
    if not rest.strip():
        target = _target_now(host, offer)
        if target is None:
            raise Misused("export: no job is selected")
    else:
        target = _selection(host, offer, parse(rest, host.live.tubes))
    host.act(offer, target, {"file": file} if file else {})


def import_(host: Host, text: str) -> None:
    """Put the jobs of a file."""
    check(host, IMPORT)
    host.act(IMPORT, Target(()), {"file": text} if text else {})


def edit(host: Host, text: str) -> None:
    """Edit jobs by paths: ``edit [TUBE] [STATE] set PATH=VALUE unset PATH priority N [where ...]``."""
    head, where = split_where(text)
    changes: dict[str, Any] = {}
    unset, others = [], []
    words = iter(head.split())
    try:
        for word in words:
            if word == "set":
                change = parse_set(next(words, ""))
                changes[spell_path(change.path)] = change.value
            elif word == "unset":
                unset.append(spell_path(parse_unset(next(words, "")).path))
            else:
                others.append(word)
    except BeanopsError as error:
        raise Misused(safe_text(str(error))) from None
    typed = parse(" ".join([*others, where]).strip(), host.live.tubes, ("priority", "ttr", "delay", "to"))
    if not (changes or unset or typed.settings):
        raise Misused("edit: nothing to change; set PATH=VALUE, unset PATH, priority N, ttr T, delay T or to TUBE")
    target = _selection(host, EDIT_MANY, typed)
    given: dict[str, Any] = {"changes": changes, "unset": tuple(unset)}
    for field in (Field("priority", "Priority"), Field("ttr", "TTR", kind="seconds", least=1),
                  Field("delay", "Delay", kind="seconds"), Field("to", "Tube", kind="tube")):  # fmt: skip
        if field.name in typed.settings:
            given[field.name] = _answer(field, typed.settings[field.name])
    host.act(EDIT_MANY, target, given)


def list_jobs(host: Host, text: str) -> None:
    """Open the list of the jobs that were typed."""
    _open(host, "jobs", text)


def open_pane(kind: str) -> Callable[[Host, str], None]:
    """Return what opens the groups or facets of a tube."""

    def run(host: Host, text: str) -> None:
        _open(host, kind, text, pane=kind)

    return run


def _open(host: Host, name: str, text: str, pane: str = "") -> None:
    typed = parse(text, host.live.tubes)
    (tube, *others) = tubes_of(host, typed)
    if others:
        raise Misused(f"{name}: one tube at a time")
    if len(typed.states) > 1:
        raise Misused(f"{name}: one state, or none for all")
    if typed.group:
        raise Misused(f"{name}: takes no group; Enter chooses one in :groups")
    host.open_jobs(tube, typed.states[0] if typed.states else None, typed.where, pane=pane)
