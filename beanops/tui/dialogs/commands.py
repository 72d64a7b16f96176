"""The commands of the command line, as data: name, argument, help, function and completions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from beanops.manual import topics
from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles
from beanops.text import did_you_mean, safe_text
from beanops.tui.dialogs.typed_selection import Misused
from beanops.tui.dialogs.typed_verbs import VERBS
from beanops.tui.host import Host
from beanops.tui.server_states import ALONE
from beanops.tui.theme import THEMES
from beanops.ui.columns.tubes import SEEN
from beanops.ui.defaults import LONGEST_INTERVAL, SHORTEST_INTERVAL


class TypedCommand(NamedTuple):
    """One command.

    Attributes
    ----------
    name, argument : str
        As typed; an argument in brackets is optional.
    help : str
        What it does.
    run : callable
        Runs it with the typed argument; raises `Misused`.
    proposals : callable
        The completions of the argument.
    complete : callable or None
        Completes an argument of several words.
    """

    name: str
    argument: str
    help: str
    run: Callable[[Host, str], None]
    proposals: Callable[[Host], Iterable[str]] = lambda host: ()
    complete: Callable[[Host, str], list[str]] | None = None


#: Names up to which a message lists all of them.
FEW = 20


#: What a command that switches something takes.
_SWITCH = ("on", "off")


def _check(noun: str, text: str, known: Collection[str]) -> None:
    """Raise `Misused` for an empty or unknown name, with those that are like it, else all where they are few."""
    if text in known:
        return
    if not text:
        raise Misused(f"missing {noun}")
    hint = did_you_mean(text, known) or (f"; choose from {', '.join(known)}" if 0 < len(known) <= FEW else "")
    raise Misused(safe_text(f"unknown {noun} {text!r}{hint}"))


def _tube(host: Host, text: str) -> None:
    _check("tube", text, host.live.tubes)
    host.open_tube(text)


def _server(host: Host, text: str) -> None:
    known = _profiles(host)
    _check("server", text, known)
    host.switch(known[text])


def _profiles(host: Host) -> dict[str, Profile]:
    if host.alone:
        raise Misused(ALONE)
    try:
        return profiles()
    except BeanopsError as error:
        raise Misused(safe_text(str(error))) from None


def _servers(host: Host, text: str) -> None:
    if host.alone:
        raise Misused(ALONE)
    host.action_servers()


def _all_tubes(host: Host, text: str) -> None:
    if host.alone:
        raise Misused(ALONE)
    host.action_all_tubes()


def _sort(host: Host, text: str) -> None:
    _check("column", text, _columns(host))
    host.tube_list.sort(text)


def _columns(host: Host) -> Sequence[str]:
    return host.tube_list.column_names


def _choose(host: Host, text: str) -> None:
    chosen = tuple(filter(None, text.replace(",", " ").split()))
    known = [name for name in _columns(host) if name != SEEN]
    for name in chosen:
        _check("column", name, known)
    host.tube_list.choose_columns(chosen)


def _group(host: Host, text: str) -> None:
    if not text:
        raise Misused("missing glob, such as mail-*")
    host.tube_list.fold(text)


def _theme(host: Host, text: str) -> None:
    _check("theme", text, THEMES)
    host.action_theme(text)


def _interval(host: Host, text: str) -> None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        raise Misused(f"refresh interval must be {SHORTEST_INTERVAL:g} to {LONGEST_INTERVAL:g} seconds")
    host.set_pace(seconds)


def _bell(host: Host, text: str) -> None:
    if host.live.playback is not None:
        raise Misused("a recording rings no bell")
    if text not in ("", *_SWITCH):
        raise Misused("bell must be on or off")
    host.rings = text == "on" if text else not host.rings
    host.say(f"bell for new problems and alerts: {'on' if host.rings else 'off'}")


def _manual(host: Host, text: str) -> None:
    if text:
        _check("topic", text, topics())
    host.action_manual(text)


def _quit(host: Host, text: str) -> None:
    host.quit()


COMMANDS = {
    command.name: command
    for command in (
        TypedCommand("tubes", "", "Show the tubes", lambda host, text: host.action_tubes()),
        TypedCommand("tube", "NAME", "Open a tube", _tube, lambda host: host.live.tubes),
        TypedCommand("filter", "[TEXT]", "Filter tubes", lambda host, text: host.tube_list.set_filter(text)),
        TypedCommand("sort", "COLUMN", "Sort tubes; repeat to reverse", _sort, _columns),
        TypedCommand("columns", "[NAMES]", "Choose columns of the tubes", _choose, _columns),
        TypedCommand("group", "GLOB", "Fold tubes into one row, or unfold", _group),
        TypedCommand("problems", "", "Show the problems", lambda host, text: host.action_problems()),
        TypedCommand("alerts", "", "Show the alerts that fire", lambda host, text: host.action_alerts()),
        TypedCommand("servers", "", "Show all configured servers", _servers),
        TypedCommand("all", "", "Show the tubes of all configured servers", _all_tubes),
        TypedCommand("server", "NAME", "Switch to another server", _server, _profiles),
        TypedCommand("journal", "", "Show the journal", lambda host, text: host.action_record()),
        TypedCommand("theme", "NAME", "Choose a theme", _theme, lambda host: THEMES),
        TypedCommand("bell", "[on|off]", "Ring for new problems and alerts, or not", _bell, lambda host: _SWITCH),
        TypedCommand("interval", "SECONDS", "Set the refresh interval", _interval),
        TypedCommand("freeze", "", "Pause or resume updates", lambda host, text: host.action_freeze()),
        TypedCommand("screenshot", "[FILE]", "Save a picture", lambda host, text: host.action_screenshot(text or None)),
        TypedCommand("help", "", "Show the keys", lambda host, text: host.action_help()),
        TypedCommand("manual", "[TOPIC]", "Read the manual", _manual, lambda host: topics()),
        TypedCommand("quit", "", "Quit", _quit),
        *(TypedCommand(*verb[:4], complete=verb.complete) for verb in VERBS),
    )
}


def run(host: Host, line: str) -> None:
    """Run a typed line.

    Raises
    ------
    Misused
        The command is unknown, or its argument is invalid.
    """
    name, _, text = line.strip().removeprefix(":").partition(" ")
    fits = [command for command in COMMANDS.values() if command.name.startswith(name)] if name else []
    command = COMMANDS.get(name) or (fits[0] if len(fits) == 1 else None)
    if command is None and fits:
        raise Misused(f"ambiguous command {safe_text(name)!r}: {', '.join(one.name for one in fits)}")
    if command is None:
        _check("command", name, COMMANDS)
        return
    command.run(host, text.strip())


def has_body(line: str) -> bool:
    """Whether a typed line has the body of a job in it."""
    name, _, text = line.strip().removeprefix(":").partition(" ")
    return "put".startswith(name) and not any(word.startswith("@") for word in text.split()[:2])


def proposals(host: Host, line: str, most: int = 8) -> list[str]:
    """Return completions of a typed line, without those that are not safe to show."""
    name, blank, text = line.lstrip().removeprefix(":").partition(" ")
    if not blank:
        return [one for one in COMMANDS if one.startswith(name)][:most]
    command = COMMANDS.get(name)
    if command is None:
        return []
    try:
        if command.complete is not None:
            fits = command.complete(host, text)
            return [f"{name} {one}" for one in fits[: most * 2] if safe_text(one) == one and one != text][:most]
        values = sorted(command.proposals(host))
    except Misused:
        return []
    fits = [one for one in values if one.startswith(text)] or [one for one in values if text.lower() in one.lower()]
    return [f"{name} {one}" for one in fits[: most * 2] if safe_text(one) == one][:most]
