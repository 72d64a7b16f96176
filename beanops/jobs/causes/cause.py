"""`Cause`: what is alike in jobs that failed for the same reason, with a name that is the same everywhere."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from beanops.text import safe_text

#: The version of the rules that make causes: raise it with any change after which a job has another cause, so that an
#: old name never means other jobs.
VERSION = 1
#: Characters of `Cause.text`.
TEXT_LIMIT = 300

Kind = Literal["error", "class", "shape", "format"]


class Cause(NamedTuple):
    """What is alike in jobs of one group.

    Attributes
    ----------
    kind : str
        What the body says: ``"error"`` has an error, ``"class"`` a job's class alone, ``"shape"`` neither, so that
        `message` is its keys and types, and ``"format"`` no objects, so that `message` is format and size.
    job : str
        The class of the job; empty where the body names none.
    error : str
        The class of the error; empty where there is none.
    message : str
        The message of the error with placeholders in the places of ids, numbers, names and times.

    Examples
    --------
    >>> cause = Cause("error", "SendMail", "SMTPError", "<n> mailbox full: <n>")
    >>> cause.name, cause.text
    ('g1082871d', 'SendMail: SMTPError: <n> mailbox full: <n>')
    """

    kind: Kind
    job: str
    error: str
    message: str

    @property
    def name(self) -> str:
        """The short name: of the same cause the same on every machine, whatever else is there."""
        return _name(self)

    @property
    def text(self) -> str:
        """One line for people, of at most 300 safe characters."""
        parts = [part for part in (self.job, self.error, self.message) if part]
        return safe_text(": ".join(parts) or "nothing", limit=TEXT_LIMIT)


@lru_cache(maxsize=8192)
def _name(cause: Cause) -> str:
    # No part can contain the separator: control characters are removed before.
    said = "\0".join((str(VERSION), *cause)).encode("utf-8", "surrogatepass")
    return f"g{blake2b(said, digest_size=4).hexdigest()}"
