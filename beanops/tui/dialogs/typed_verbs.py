"""The verbs among the typed commands, as data: what each selects and takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from beanops.journal.filters import Filter
from beanops.session.investigation.wait import DRAINED
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.actions.request import Target
from beanops.tui.actions.waiting import WAIT
from beanops.tui.dialogs.reading import read_first
from beanops.tui.dialogs.typed_actions import (
    check,
    edit,
    export,
    import_,
    list_jobs,
    on_jobs,
    on_tubes,
    open_pane,
    put,
    tubes_of,
)
from beanops.tui.dialogs.typed_completion import complete
from beanops.tui.dialogs.typed_selection import Typed
from beanops.tui.host import Host
from beanops.tui.widgets.journal_rows import done_runs, undoable_of
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import LastAction


class TypedVerb(NamedTuple):
    """A verb: its argument, its help, what runs it, and what completes its argument."""

    name: str
    argument: str
    help: str
    run: Callable[[Host, str], None]
    complete: Callable[[Host, str], list[str]]


_JOBS = "[TUBE] [STATE] [group NAME] [where SQL]"


def _on_jobs(name: str) -> TypedVerb:
    action = CATALOGUE[name]
    more = "".join(f" [{setting} ...]" for setting in action.settings)
    return TypedVerb(name, f"{_JOBS}{more}", action.help, on_jobs(name), complete(action.settings))


def _on_tubes(name: str, argument: str, *rest: str) -> TypedVerb:
    return TypedVerb(name, argument, CATALOGUE[name].help, on_tubes(name, *rest), complete())


def _undo(host: Host, text: str) -> None:
    check(host)
    if not text:
        _undo_these(host, host.view.undoable() if host.view is not None else LastAction())
        return
    session = host.session
    read_first(host, "undo", "the journal", lambda: _undoable(session, text), lambda undone: _undo_these(host, undone))


def _undo_these(host: Host, undone: LastAction) -> None:
    if not undone.runs:
        host.say(safe_text(f"undo: {undone.why_not or 'nothing to undo'}"), False)
    elif host.view is not None:
        host.view.undo(undone)


def _undoable(session: Session, id: str) -> LastAction:
    """Return a run as an undo reverts it."""
    journal, server = session._context.journal(), str(session.address)
    runs = journal.find_runs(Filter(server=server, runs=[id]))
    if not runs:
        return LastAction(why_not=f"the journal has no run {id} on this server")
    return undoable_of(done_runs(journal, server, runs)[0])


def _wait(host: Host, text: str) -> None:
    first, _, rest = text.partition(" ")
    named = first in host.live.tubes
    (tube, *_) = (first,) if named else tubes_of(host, Typed())
    until = (rest if named else text).strip() or DRAINED
    host.act(WAIT, Target((host.live.tubes[tube].stats,)), {"until": until})


VERBS = (
    TypedVerb("jobs", "[TUBE] [STATE] [where SQL]", "List jobs of a tube", list_jobs, complete()),
    TypedVerb("groups", "[TUBE] [STATE] [where SQL]", "Group jobs by cause", open_pane("groups"), complete()),
    TypedVerb("facets", "[TUBE] [STATE] [where SQL]", "Show values in bodies", open_pane("facets"), complete()),
    *map(_on_jobs, ("kick", "bury", "release", "copy", "move", "delete", "canary")),
    TypedVerb(
        "edit",
        "[TUBE] [STATE] set PATH=VALUE [unset PATH] [where SQL]",
        CATALOGUE["edit"].help,
        edit,
        complete(("set", "unset", "priority", "ttr", "delay", "to")),
    ),
    TypedVerb("export", f"FILE {_JOBS}", CATALOGUE["export"].help, export, complete(files=True)),
    TypedVerb("import", "FILE", CATALOGUE["import"].help, import_, complete(files=True)),
    TypedVerb(
        "put",
        "[TUBE] BODY or @FILE",
        "Put a job, or one for each line of a file",
        put,
        complete(files=True),
    ),
    _on_tubes("kick-next", "[TUBE] [NUMBER]", "number"),
    _on_tubes("reserve", "[TUBE]"),
    _on_tubes("pause", "[TUBE] [TIME]", "seconds"),
    _on_tubes("unpause", "[TUBE]"),
    _on_tubes("drain", "[TUBE] [STATES]"),
    _on_tubes("truncate", "[TUBE]"),
    TypedVerb(
        "wait", "[TUBE] [CONDITION]", "Wait until a condition on the counts of a tube is true", _wait, complete()
    ),
    TypedVerb("undo", "[RUN]", "Undo a run of the journal, or the last action", _undo, lambda host, text: []),
)
