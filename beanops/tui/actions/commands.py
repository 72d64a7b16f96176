"""What the command line takes, as data: each command with its argument, what it does, what can stand for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles
from beanops.text import safe_text
from beanops.tui.theme import THEMES
from beanops.tui.widgets.tube_columns import SEEN

if TYPE_CHECKING:
    from beanops.tui.app import Dashboard
    from beanops.tui.screens.tubes import TubesScreen


#: Why there is no way to other servers.
ALONE = "this page is for one server"


class Misused(ValueError):
    """A command cannot be done as it was typed."""


class Command(NamedTuple):
    """One command.

    Attributes
    ----------
    name, argument : str
        As it is typed; an argument in brackets can be left out.
    help : str
        What it does.
    run : callable
        Does it, with what was typed after the name; raises `Misused`.
    proposals : callable
        What can stand for the argument.
    """

    name: str
    argument: str
    help: str
    run: Callable[[Dashboard, str], None]
    proposals: Callable[[Dashboard], Iterable[str]] = lambda app: ()


def _tube(app: Dashboard, text: str) -> None:
    if text not in app.live.tubes:
        raise Misused(f"there is no tube {safe_text(text)!r}" if text else "which tube?")
    app.open_tube(text)


def _server(app: Dashboard, text: str) -> None:
    known = _profiles(app)
    if text not in known:
        raise Misused(f"no server of the configuration is called {safe_text(text)!r}")
    app.switch(known[text])


def _profiles(app: Dashboard) -> dict[str, Profile]:
    if app.alone:
        raise Misused(ALONE)
    try:
        return profiles()
    except BeanopsError as error:
        raise Misused(safe_text(str(error))) from None


def _servers(app: Dashboard, text: str) -> None:
    if app.alone:
        raise Misused(ALONE)
    app.action_servers()


def _tubes(app: Dashboard) -> TubesScreen:
    return app.tubes_screen()


def _sort(app: Dashboard, text: str) -> None:
    screen = _tubes(app)
    if text not in _columns(app):
        raise Misused(f"there is no column {safe_text(text)!r}")
    screen.sort(text)


def _columns(app: Dashboard) -> list[str]:
    return [column.key for column in _tubes(app).table.every]


def _choose(app: Dashboard, text: str) -> None:
    chosen = tuple(filter(None, text.replace(",", " ").split()))
    if unknown := set(chosen) - set(_columns(app)) | set(chosen) & {SEEN}:
        raise Misused(f"there is no column {safe_text(min(unknown))!r} to choose")
    _tubes(app).columns(chosen)


def _group(app: Dashboard, text: str) -> None:
    if not text:
        raise Misused("which tubes? A glob, such as mail-*")
    _tubes(app).fold(text)


def _theme(app: Dashboard, text: str) -> None:
    if text not in THEMES:
        raise Misused(f"there is no theme {safe_text(text)!r}; there are {', '.join(THEMES)}")
    app.action_theme(text)


def _interval(app: Dashboard, text: str) -> None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise Misused("an interval is from 0.1 to 3600 seconds")
    app.set_pace(seconds)


def _quit(app: Dashboard, text: str) -> None:
    app.quit()


COMMANDS = {
    command.name: command
    for command in (
        Command("tubes", "", "Show the tubes", lambda app, text: app.action_tubes()),
        Command("tube", "NAME", "Open a tube", _tube, lambda app: app.live.tubes),
        Command("filter", "[TEXT]", "Show only some tubes", lambda app, text: _tubes(app).set_filter(text)),
        Command("sort", "COLUMN", "Sort the tubes; again turns the order round", _sort, _columns),
        Command("columns", "[NAMES]", "Show only these columns of the tubes", _choose, _columns),
        Command("group", "GLOB", "Fold tubes into one row, or unfold them", _group),
        Command("servers", "", "Show all servers of the configuration", _servers),
        Command("server", "NAME", "Look at another server", _server, _profiles),
        Command("journal", "", "Show what was done", lambda app, text: app.action_record()),
        Command("theme", "NAME", "Choose the colours", _theme, lambda app: THEMES),
        Command("interval", "SECONDS", "Look once in so many seconds", _interval),
        Command("freeze", "", "Hold still what is shown, or go on", lambda app, text: app.action_freeze()),
        Command("screenshot", "[FILE]", "Save what is shown", lambda app, text: app.action_screenshot(text or None)),
        Command("help", "", "Show the keys", lambda app, text: app.action_help()),
        Command("quit", "", "Leave", _quit),
    )
}


def run(app: Dashboard, line: str) -> None:
    """Do what a line says.

    Raises
    ------
    Misused
        There is no such command, or it cannot be done.
    """
    name, _, text = line.strip().removeprefix(":").partition(" ")
    fits = [command for command in COMMANDS.values() if command.name.startswith(name)] if name else []
    command = COMMANDS.get(name) or (fits[0] if len(fits) == 1 else None)
    if command is None:
        which = f": it could be {', '.join(one.name for one in fits)}" if fits else ""
        raise Misused(f"there is no command {safe_text(name)!r}{which}")
    command.run(app, text.strip())


def proposals(app: Dashboard, line: str, most: int = 8) -> list[str]:
    """Return lines that go on from what was typed; none that would not be shown as they are."""
    name, blank, text = line.lstrip().removeprefix(":").partition(" ")
    if not blank:
        return [one for one in COMMANDS if one.startswith(name)][:most]
    command = COMMANDS.get(name)
    if command is None:
        return []
    try:
        values = sorted(command.proposals(app))
    except Misused:
        return []
    fits = [one for one in values if one.startswith(text)] or [one for one in values if text.lower() in one.lower()]
    return [f"{name} {one}" for one in fits[: most * 2] if safe_text(one) == one][:most]
