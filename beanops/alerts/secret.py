"""Secrets of notifiers: read from a variable or a file when they are used, and never shown.

`hidden` takes them out of what others say, such as a server that repeats a password in its error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from beanops.protocol.errors import BeanopsError

_HIDDEN = "[hidden]"
#: Shorter secrets are not searched for in texts of others: they would hide words.
_SHORTEST = 4


class SecretMissing(BeanopsError):
    """The variable or the file of a secret is missing or empty."""


class Secret:
    """A text that is not shown, from the rules file itself, a variable of the environment, or a file.

    Parameters
    ----------
    source : str
        ``"text"``, ``"env"`` or ``"file"``.
    value : str
        The text, the name of the variable, or the path, in which ``~`` and variables are replaced.

    Examples
    --------
    >>> Secret("text", "hunter2")
    Secret('text', '[hidden]')
    """

    def __init__(self, source: str, value: str) -> None:
        self.source = source
        self._value = value

    def __repr__(self) -> str:
        return f"Secret({self.source!r}, {_HIDDEN if self.source == 'text' else self._value!r})"

    @property
    def variable(self) -> str | None:
        """The name of its variable, None where it comes from elsewhere."""
        return self._value if self.source == "env" else None

    def read(self) -> str:
        """Return the secret; that of a file without blanks around it.

        Raises
        ------
        SecretMissing
            There is none.
        """
        if self.source == "text":
            return self._value
        if self.source == "env":
            found = os.environ.get(self._value, "").strip()
            where = f"the variable {self._value}"
        else:
            path = Path(os.path.expandvars(self._value)).expanduser()
            where = f"the file {self._value}"
            try:
                found = path.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretMissing(f"cannot read {where}: {getattr(error, 'strerror', None) or error}") from None
        if not found:
            raise SecretMissing(f"{where} is not set" if self.source == "env" else f"{where} is empty")
        return found


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets.

    Examples
    --------
    >>> hidden("login of hunter2 failed", ["hunter2"])
    'login of [hidden] failed'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, _HIDDEN)
    return text
