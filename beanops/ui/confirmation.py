"""What has to be confirmed before an action runs, and how: one rule for all faces, which only render it.

A face knows what would be done and to how many jobs; `confirmation` says what to ask for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from beanops.session.config import Profile
from beanops.text import safe_text

#: More jobs than this are many: a yes is the least, and a delete of so many needs their number.
MANY = 100

Kind = Literal["nothing", "yes", "number", "name"]

#: Numbers of jobs from which another confirmation may be needed.
STEPS = (0, 1, MANY + 1)
#: From the weakest to the strongest.
KINDS: tuple[Kind, ...] = ("nothing", "yes", "number", "name")

#: Actions that delete.
_DELETES = frozenset({"delete", "drain", "truncate", "export and delete", "prune"})
#: Actions after which the bodies of before are in the journal only.
_REPLACES = _DELETES | {"edit"}
#: Actions whose undo deletes the jobs that they put; an undo is among them, since it may be the undo of a delete.
_UNDONE_BY_DELETING = frozenset({"put", "copy", "import", "undo"})
#: Why nothing brings back what an action does, whatever the profile.
_FINAL = {
    "kick-next": "the server chooses the jobs and does not report which",
    "truncate": "nothing keeps the bodies of the jobs",
    "prune": "the runs and their bodies leave the journal",
}
#: A server without rules of its own.
ANY = Profile("", "")
_NO_BODIES = "the journal keeps no bodies"


def strictest_of(profiles: Iterable[Profile]) -> Profile:
    """Return what protects an action on several servers: the rules of the strictest of them.

    Examples
    --------
    >>> strictest_of([Profile("a", "a:1"), Profile("prod", "b:1", confirm="type-name")]).confirm
    'type-name'
    """
    known = list(profiles)
    first = min(known, key=lambda one: one.confirm != "type-name")
    return first._replace(keep_bodies=all(one.keep_bodies for one in known))


class Confirmation(NamedTuple):
    """What to ask for before an action runs.

    Attributes
    ----------
    kind : str
        ``"nothing"``, ``"yes"``, ``"number"`` (type the number of jobs) or ``"name"`` (type the profile's name).
    typed : str
        The number or the name; empty for the other kinds.
    warning : str
        What to know before: that the action cannot be undone, and why; that an undo deletes jobs.
    deletes : bool
        Whether the action deletes jobs.
    """

    kind: Kind = "nothing"
    typed: str = ""
    warning: str = ""
    deletes: bool = False

    @property
    def prompt(self) -> str:
        """What to type, such as ``Type the profile's name, prod,``; empty where nothing is typed."""
        if self.kind == "name":
            return f"Type the profile's name, {safe_text(self.typed)},"
        return "Type their number" if self.kind == "number" else ""

    def accepts(self, answer: str) -> bool:
        """Return whether an answer confirms the action.

        Examples
        --------
        >>> Confirmation("number", "1200").accepts("1,200"), Confirmation("name", "prod").accepts("y")
        (True, False)
        """
        answer = answer.strip()
        match self.kind:
            case "nothing":
                return True
            case "yes":
                return answer.lower() in ("y", "yes")
            case "number":
                return answer.replace(",", "") == self.typed
            case "name":
                return answer == self.typed


def confirmation(
    action: str, count: int = 0, profile: Profile = ANY, *, undoes: str = "", at_least: Kind = "nothing"
) -> Confirmation:
    """Return what has to be confirmed before an action on a server.

    Where the profile says ``confirm = "type-name"``, its name is typed before an action that deletes jobs, that cannot
    be undone, or that changes more than 100 jobs. Elsewhere the number of jobs is typed before more than 100 are
    deleted, edited or changed without a way back, and before any are deleted for good. Any other delete, and any other
    change of more than 100 jobs, needs a yes.

    Parameters
    ----------
    action : str
        ``"kick"``, ``"kick-next"``, ``"delete"``, ``"drain"``, ``"truncate"`` for a drain without bodies,
        ``"export and delete"``, ``"undo"`` and so on.
    count : int
        Number of jobs, 0 for an action that is not about jobs.
    profile : Profile
        The server; by default one without rules of its own.
    undoes : str
        The action that an undo reverts.
    at_least : str
        The weakest kind that the face asks for, where a single key or click starts the action.

    Examples
    --------
    >>> from beanops.session.config import Profile
    >>> prod = Profile("prod", "queue.internal:11300", confirm="type-name")
    >>> confirmation("delete", 5, prod).prompt
    "Type the profile's name, prod,"
    >>> asks = prod._replace(confirm="ask")
    >>> confirmation("delete", 120, asks).typed, confirmation("kick", 120, asks).kind
    ('120', 'yes')
    """
    undoes_put = action == "undo" and undoes in _UNDONE_BY_DELETING
    deletes = action in _DELETES or undoes_put
    why = _FINAL.get(action) or (_NO_BODIES if (deletes or action in _REPLACES) and not profile.keep_bodies else "")
    warnings = ["this deletes the jobs that it put"] if undoes_put else []
    warnings += [f"this cannot be undone: {why}"] if why else []
    many, replaces = count > MANY, deletes or action in _REPLACES
    kind: Kind = "yes" if deletes or many else "nothing"
    if profile.confirm == "type-name" and (deletes or why or many):
        kind = "name"
    elif (many and (replaces or why)) or (replaces and why and count):
        kind = "number"
    typed = {"name": profile.name, "number": str(count)}.get(kind, "")
    return Confirmation(max(kind, at_least, key=KINDS.index), typed, "; ".join(warnings), deletes)
