"""``%load_ext beanops``, then ``%beans``: the commands that people type most, on one line and with one result."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from beanops.journal import nothing_there
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.session.session import Session, connect
from beanops.session.undoable import lasting

#: The variable of the notebook that holds the session.
NAME = "session"

HELP = """\
%beans connect SERVER     open a session, as the variable session
%beans [tubes]            all tubes
%beans jobs TUBE [WHERE]  the jobs of a tube, such as: jobs mail state = 'buried'
%beans peek ID            a job with its body
%beans kick|bury|release|delete ID ...
%beans move ID ... TUBE   put jobs into another tube
%beans undo [RUN]         take back a run, by default the last one of this session; 'parked' or 'ready' behind it
                          says what buried jobs become
%beans actions            what was done last
%beans browse TUBE        the jobs of a tube live
%beans dashboard          the tubes live
Each gives what the session's method gives: df = %beans jobs mail"""


def _ids(words: list[str]) -> list[int]:
    if not words or not all(word.isdecimal() for word in words):
        raise UsageError("it needs ids of jobs, such as 17 18")
    return [int(word) for word in words]


def _one(words: list[str], what: str) -> str:
    if len(words) != 1:
        raise UsageError(f"it needs {what}, and nothing else")
    return words[0]


def _none(words: list[str]) -> None:
    if words:
        raise UsageError(f"it takes nothing behind it, and {' '.join(words)} stands there")


def _tubes(session: Session, words: list[str]) -> Any:
    _none(words)
    return session.tubes()


def _undo(session: Session, words: list[str]) -> Any:
    chosen: dict[str, Any] = {"buried_as": words.pop()} if words and words[-1] in ("parked", "ready") else {}
    if words:
        return session.undo(_one(words, "a run"), **chosen)
    # Of this session alone: the journal may hold what others did since, on this server too.
    journal, server, own = session.journal(), str(session.address), set(session.actions["run"])
    runs = [run for run in journal.runs(server)[::-1] if run.id in own and run.action != "undo"]
    why, counts = lasting(journal, runs, server), journal.counts(run.id for run in runs)
    # Where nobody knows what the last one did, that must be said: the one before it was not meant.
    left = [run.id for run in runs if why[run.id] is None or counts[run.id].get("unknown")]
    if not left:
        raise UsageError("this session did nothing that can be undone; name the run of another, see session.runs")
    return session.undo(left[-1], **chosen)


def _actions(session: Session, words: list[str]) -> Any:
    _none(words)
    done = session.actions.tail(20)
    if done.empty:
        others = "this session did nothing yet: session.history() has what was done on its server"
        print(f"%beans: {nothing_there.of_server(session.journal(), str(session.address)) or others}")
    return done


def _dashboard(session: Session, words: list[str]) -> Any:
    _none(words)
    return session.dashboard()


def _browse(session: Session, tube: str) -> Any:
    session.check_tube(tube)
    return session.browse(tube)


#: What each word does. A predicate is taken as it stands, for it has quotes of its own.
COMMANDS: dict[str, Callable[[Session, list[str]], Any]] = {
    "tubes": _tubes,
    "peek": lambda session, words: session.job(_ids([_one(words, "an id")])[0]),
    "kick": lambda session, words: session.kick(_ids(words)),
    "bury": lambda session, words: session.bury(_ids(words)),
    "release": lambda session, words: session.release(_ids(words)),
    "delete": lambda session, words: session.delete(_ids(words)),
    "move": lambda session, words: session.move(_ids(words[:-1]), words[-1]),
    "undo": _undo,
    "actions": _actions,
    "browse": lambda session, words: _browse(session, _one(words, "a tube")),
    "dashboard": _dashboard,
}


def beans(line: str, variables: dict[str, Any]) -> Any:
    """Carry out a line on the session among the notebook's variables.

    Raises
    ------
    UsageError
        It is not understood, or there is no session.
    NotFound
        There is no such tube.
    """
    word, _, rest = line.strip().partition(" ")
    if word in ("help", "?"):
        print(HELP)
        return None
    if word == "connect":
        variables[NAME] = connect(rest.strip() or "127.0.0.1:11300", source="notebook")
        return variables[NAME]
    session = variables.get(NAME)
    if not isinstance(session, Session):
        raise UsageError("there is no session: %beans connect SERVER, or session = beanops.connect(...)")
    if word == "jobs":
        tube, _, where = rest.strip().partition(" ")
        if not tube:
            raise UsageError("it needs a tube, and maybe a predicate")
        session.check_tube(tube)
        return session.jobs(tube, where=where.strip() or None)
    act = COMMANDS.get(word or "tubes")
    if act is None:
        raise UsageError(f"{word} is unknown; %beans help shows what there is")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"{rest} cannot be read: {error}") from None
    return act(session.through("notebook"), words)


def load_ipython_extension(shell: Any) -> None:
    """Give an IPython shell the magic ``%beans``."""

    def magic(line: str) -> Any:
        try:
            return beans(line, shell.user_ns)
        except BeanopsError as error:
            print(f"%beans: {error}")
            return None

    shell.register_magic_function(magic, "line", "beans")
