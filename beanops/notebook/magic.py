"""The magic ``%beans``: the most frequent commands on one line. ``%load_ext beanops`` loads it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from beanops.fleet.servers import names_several
from beanops.journal import explanations
from beanops.journal.records import Refused
from beanops.notebook.magic_completion import completions
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.session.connect import connect
from beanops.session.execution.undoable import lasting
from beanops.session.execution.verbs import VERBS
from beanops.session.session import Session
from beanops.text import did_you_mean, plural, safe_text
from beanops.ui.confirmation import confirmation

#: The variable of the notebook with the session.
NAME = "session"

HELP = f"""\
%beans connect SERVER     open a session, as the variable session
%beans [tubes]            all tubes
%beans problems [TUBE]    what is wrong with the server and its tubes, or with TUBE or those that match it
%beans jobs TUBE [WHERE]  the jobs of a tube, such as: jobs mail state = 'buried'
%beans peek ID            a job with its body
%beans {"|".join(VERBS)} ID ...
%beans move ID ... TUBE   put jobs into another tube
%beans undo [RUN]         undo a run, by default the last one of this session; add 'parked' or 'ready' to choose
                          what buried jobs become
%beans sql QUERY          SQL on the tables jobs, tubes, actions and runs
%%beans sql [NAME <<] [TUBE]
                          the SQL in the rest of the cell, on the jobs of a tube or of all; NAME gets the frame
%beans actions            the last actions of this session
%beans browse TUBE        live view of the jobs of a tube
%beans dashboard          live view of the tubes
Each returns the result of the session's method: df = %beans jobs mail
Tab completes commands, tubes, runs, and the columns and paths of a predicate."""


def _ids(words: list[str]) -> list[int]:
    if not words or not all(word.isdecimal() for word in words):
        raise UsageError(f"expected job ids such as 17 18, got {_given(words)}")
    return [int(word) for word in words]


def _confirm(session: Session, action: str, jobs: int, undoes: str = "") -> None:
    """Ask for the name or the number that an action needs; where a yes is enough, the typed line is one."""
    needed = confirmation(action, jobs, session.profile, undoes=undoes)
    if not needed.typed:
        return
    about = f"{action.capitalize()} {plural(jobs, 'job')}? {needed.warning}".strip()
    try:
        answer = input(safe_text(f"{about} {needed.prompt} to go on: "))
    except (EOFError, OSError, NotImplementedError):  # nobody can type, such as while a notebook is converted
        answer = ""
    if not needed.accepts(answer):
        raise Refused(f"nothing was done: {action} was not confirmed")


def _on_jobs(verb: str) -> Callable[[Session, list[str]], Any]:
    def act(session: Session, words: list[str]) -> Any:
        ids = _ids(words)
        _confirm(session, verb, len(ids))
        return getattr(session, verb)(ids)

    return act


def _move(session: Session, words: list[str]) -> Any:
    ids = _ids(words[:-1])
    _confirm(session, "move", len(ids))
    return session.move(ids, words[-1])


def _one(words: list[str], what: str) -> str:
    if len(words) != 1:
        raise UsageError(f"expected {what}, got {_given(words)}")
    return words[0]


def _none(words: list[str]) -> None:
    if words:
        raise UsageError(f"expected no arguments, got {_given(words)}")


def _given(words: list[str]) -> str:
    return repr(" ".join(words)) if words else "none"


def _tubes(session: Session, words: list[str]) -> Any:
    _none(words)
    return session.tubes()


def _undo(session: Session, words: list[str]) -> Any:
    chosen: dict[str, Any] = {"buried_as": words.pop()} if words and words[-1] in ("parked", "ready") else {}
    run = _one(words, "one run") if words else _last_run(session)
    journal = session._context.journal()
    _confirm(session, "undo", journal.counts([run])[run].get("done", 0), journal.run(run).action)
    return session.undo(run, **chosen)


def _last_run(session: Session) -> str:
    # Of this session alone: the journal may have later runs of others on this server.
    journal, server = session._context.journal(), str(session.address)
    own = {action.run for action in session._lookups.own_actions(limit=None)}
    runs = [run for run in journal.runs(server)[::-1] if run.id in own and run.action != "undo"]
    why, counts = lasting(journal, runs, server), journal.counts(run.id for run in runs)
    # A last run with unknown outcome is undone too, which reports that; the user does not mean the one before it.
    left = [run.id for run in runs if why[run.id] is None or counts[run.id].get("unknown")]
    if not left:
        raise UsageError("nothing to undo in this session; for runs of others, name one of session.runs")
    return left[-1]


def _actions(session: Session, words: list[str]) -> Any:
    _none(words)
    done = session.actions.tail(20)
    if done.empty:
        others = "no actions in this session yet; session.journal.actions() has those of everybody"
        print(f"%beans: {explanations.no_runs_on(session._context.journal(), str(session.address)) or others}")
    return done


def _dashboard(session: Session, words: list[str]) -> Any:
    _none(words)
    return session.dashboard()


def _browse(session: Session, tube: str) -> Any:
    session._lookups.check_tube(tube)
    return session.browse(tube)


#: The commands, but for connect, help and jobs, whose predicate has quotes of its own.
COMMANDS: dict[str, Callable[[Session, list[str]], Any]] = {
    "tubes": _tubes,
    "problems": lambda session, words: session.problems(_one(words, "one tube or glob") if words else None),
    "peek": lambda session, words: session.job(_ids([_one(words, "one job id")])[0]),
    **{name: _on_jobs(name) for name in VERBS},
    "move": _move,
    "undo": _undo,
    "actions": _actions,
    "sql": lambda session, words: _one(words, "a query"),
    "browse": lambda session, words: _browse(session, _one(words, "one tube")),
    "dashboard": _dashboard,
}


#: The words that a line can begin with.
FIRST_WORDS = ("connect", "help", "jobs", *COMMANDS)
_TO_NAME = re.compile(r"\s*(?:(?P<name>\S+)\s*<<)?\s*(?P<tube>\S*)\s*")


def beans_cell(line: str, cell: str, variables: dict[str, Any]) -> Any:
    """Run a cell of ``%%beans sql`` on the session among the notebook's variables, and return its frame.

    Parameters
    ----------
    line : str
        ``sql``, then ``NAME <<`` for the variable that gets the frame, and a tube; both may be missing.
    cell : str
        The query.
    variables : dict
        The notebook's variables.

    Raises
    ------
    UsageError
        The line or the query is not valid, or there is no session.
    """
    word, _, rest = line.strip().partition(" ")
    given = _TO_NAME.fullmatch(rest)
    name = None if given is None else given["name"]
    if word != "sql" or given is None or (name is not None and not name.isidentifier()):
        raise UsageError(f"expected %%beans sql [NAME <<] [TUBE], got {line.strip()!r}")
    frame = _session_in(variables)._through("notebook").sql(cell, given["tube"] or None)
    if name is not None:
        variables[name] = frame
    return frame


def _session_in(variables: dict[str, Any]) -> Session:
    session = variables.get(NAME)
    if not isinstance(session, Session):
        raise UsageError("no session; use %beans connect SERVER, or session = beanops.connect(...)")
    return session


def beans(line: str, variables: dict[str, Any]) -> Any:
    """Run one line of ``%beans`` on the session among the notebook's variables.

    Raises
    ------
    UsageError
        The line is not valid, or there is no session.
    NotFound
        The tube does not exist.
    """
    word, _, rest = line.strip().partition(" ")
    if word in ("help", "?"):
        print(HELP)
        return None
    if word == "connect":
        target = rest.strip() or "127.0.0.1:11300"
        if names_several(target):
            raise UsageError(f"{target} names several servers: fleet = beanops.connect({target!r}) acts on all of them")
        variables[NAME] = connect(target, source="notebook")
        return variables[NAME]
    session = _session_in(variables)
    if word == "sql" and rest.strip():
        return session._through("notebook").sql(rest)
    if word == "jobs":
        tube, _, where = rest.strip().partition(" ")
        if not tube:
            raise UsageError("expected a tube, and optionally a predicate")
        session._lookups.check_tube(tube)
        return session.jobs(tube, where=where.strip() or None)
    act = COMMANDS.get(word or "tubes")
    if act is None:
        hint = did_you_mean(word, FIRST_WORDS) or "; %beans help lists the commands"
        raise UsageError(f"unknown command {word!r}{hint}")
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"cannot parse {rest!r}: {error}") from None
    return act(session._through("notebook"), words)


def load_ipython_extension(shell: Any) -> None:
    """Register the magics ``%beans`` and ``%%beans`` in an IPython shell, with their completion."""

    def magic(line: str, cell: str | None = None) -> Any:
        try:
            return beans(line, shell.user_ns) if cell is None else beans_cell(line, cell, shell.user_ns)
        except BeanopsError as error:
            print(f"%beans: {error}")
            return None

    def complete(_: Any, event: Any) -> list[str]:
        line = event.text_until_cursor
        line = line[line.find("%") :]  # without what it is assigned to
        session = shell.user_ns.get(NAME)
        found = completions(session if isinstance(session, Session) else None, line, FIRST_WORDS)
        typed = "" if line[-1:].isspace() else line.split()[-1]
        # IPython completes from the last sign that ends a word.
        return [word[len(typed) - len(event.symbol) :] for word in found]

    magic.__doc__ = HELP
    shell.register_magic_function(magic, "line_cell", "beans")
    for typed in ("%beans", "%%beans"):
        shell.set_hook("complete_command", complete, str_key=typed)
    shell.set_hook("complete_command", complete, re_key=re.compile(r"\s*\w+\s*=\s*%beans\b"))
