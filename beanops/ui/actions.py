"""The actions that all faces offer, with their words and keys: commands, keys, buttons and magic read this table.

`beanops.session.execution.verbs` has the states in which an action takes jobs, `confirmation` what it asks for. This
module imports little, because the help of the command line reads it.
"""

from __future__ import annotations

from typing import NamedTuple


class UserAction(NamedTuple):
    """An action as users meet it.

    Attributes
    ----------
    name : str
        What commands and methods call it, such as ``"kick"``.
    label : str
        What buttons and key hints show.
    key : str
        Its key in the terminal dashboard, upper case for an action that deletes, moves or puts; empty for none.
    help : str
        What it does, as an imperative without a full stop.
    effect : str
        What that means for workers, shown before it is confirmed.
    settings : tuple of str
        What the user enters for it: ``"to"``, ``"priority"``, ``"delay"`` and so on.
    """

    name: str
    label: str
    key: str
    help: str
    effect: str = ""
    settings: tuple[str, ...] = ()


#: Actions on selected jobs, in the order in which faces show them.
ON_JOBS = (
    UserAction(
        "kick",
        "Kick",
        "k",
        "Make buried or delayed jobs ready",
        "Workers can reserve them.",
    ),
    UserAction(
        "bury",
        "Bury",
        "b",
        "Bury jobs: workers skip them until they are kicked",
        "No worker gets them until they are kicked.",
    ),
    UserAction(
        "release",
        "Release",
        "r",
        "Make jobs ready or delayed, optionally with a new priority",
        "Workers can reserve them, after the delay if you gave one.",
        ("priority", "delay"),
    ),
    UserAction(
        "copy",
        "Copy to",
        "c",
        "Put copies of jobs into another tube",
        "The copies keep body, priority, TTR, delay and burial, and get new ids.",
        ("to",),
    ),
    UserAction(
        "move",
        "Move",
        "M",
        "Move jobs into another tube",
        "The jobs keep body, priority, TTR, delay and burial, and get new ids. Each is put first, then deleted here.",
        ("to",),
    ),
    UserAction(
        "delete",
        "Delete",
        "D",
        "Delete jobs",
        "The server forgets them.",
    ),
)

#: Jobs in waves, with a look at what became of each.
CANARY = UserAction(
    "canary",
    "Canary",
    "ctrl+k",
    "Kick a few jobs, watch what becomes of them, then go on or stop",
    "Workers can reserve the jobs of a wave. The others stay as they are until a wave is good.",
    ("first", "watch", "promote_if", "waves"),
)

#: Jobs into a file, and from one.
ON_FILES = (
    UserAction(
        "export",
        "Export",
        "E",
        "Write jobs to a file",
        "",
        ("file",),
    ),
    UserAction(
        "import",
        "Import",
        "",
        "Put the jobs of an exported file",
        "The jobs get new ids, and keep tube, priority, TTR, delay and burial. Lines that were imported are skipped.",
        ("file",),
    ),
)

#: What changes the content of jobs, which needs more than a click.
ON_BODIES = (
    UserAction(
        "edit",
        "Edit",
        "e",
        "Change the bodies and settings of jobs",
        "The changed jobs get new ids. Each is put first, then the old one is deleted.",
        ("set", "unset", "priority", "ttr", "delay", "to", "kick"),
    ),
)

#: Actions on tubes, or on one job that the server chooses.
ON_TUBES = (
    UserAction(
        "kick-next",
        "Kick next",
        "K",
        "Make the next jobs of a tube ready: buried ones, or delayed ones if none is buried",
        "Buried jobs become ready, oldest burial first; delayed ones only if none is buried.",
        ("number",),
    ),
    UserAction(
        "reserve",
        "Reserve",
        "v",
        "Reserve a job interactively",
        "You hold the next ready job until you bury, release or delete it, or quit; beanops touches it until then.",
    ),
    UserAction(
        "put",
        "New",
        "P",
        "Put a job into a tube",
        "Workers get it as any other job.",
        ("to", "priority", "delay", "ttr", "body"),
    ),
    UserAction(
        "put-copy",
        "Edit copy",
        "ctrl+n",
        "Edit a copy of a job, and put it",
        "Workers get it as any other job.",
        ("to", "priority", "delay", "ttr", "body"),
    ),
    UserAction(
        "pause",
        "Pause",
        "p",
        "Pause a tube: workers get none of its ready jobs",
        "Workers get none of the ready jobs until the pause ends; puts go on.",
        ("seconds",),
    ),
    UserAction(
        "unpause",
        "Unpause",
        "p",
        "End the pause of a tube",
        "Workers can reserve its ready jobs again.",
    ),
    UserAction(
        "drain",
        "Drain",
        "X",
        "Delete all jobs of a tube that are in the given states",
        "The server forgets them, the oldest first and no more than this number. Jobs in other states stay.",
        ("states",),
    ),
    UserAction(
        "truncate",
        "Truncate",
        "",
        "Delete all ready, delayed and buried jobs of a tube at once, on a server that can",
        "Jobs that are put until then are deleted too. Reserved jobs are gone as well: what their workers say of them"
        " later is answered with NOT_FOUND.",
    ),
)

#: Actions on runs of the journal.
ON_RUNS = (
    UserAction(
        "undo",
        "Undo",
        "u",
        "Undo a run",
        "Where jobs have not changed since; each job that cannot be undone says why.",
    ),
    UserAction(
        "resume",
        "Resume",
        "",
        "Resume a run that was cancelled or cut off",
    ),
)

#: Actions on a job that this session holds.
ON_HELD = (UserAction("touch", "Touch", "", "Restart the TTR of a reserved job"),)

#: All actions by name.
CATALOGUE = {action.name: action for action in (*ON_JOBS, CANARY, *ON_BODIES, *ON_FILES, *ON_TUBES, *ON_RUNS, *ON_HELD)}
