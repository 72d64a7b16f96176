"""The part that shows one job: its error first, then its numbers, and its body as fields and as text.

The page side is ``page/body/body.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from beanops.notebook.widgets.channel import Buffers, Channel

#: Fields of a body that are listed.
MOST_FIELDS = 200


class ShownBody(NamedTuple):
    """What is shown of a job; all texts are safe and redacted.

    Attributes
    ----------
    id : str
        The job.
    title : str
        One line about it.
    state : str
        Its state.
    error : str
        The error that its body has, empty without one.
    facts : tuple of tuple
        Name and text of its numbers.
    fields : tuple of tuple
        Path, text and SQL text of each value in the body; the last is None for what SQL cannot compare.
    text : str
        The body.
    notes : str
        What went wrong when it was decoded.
    """

    id: str
    title: str
    state: str
    error: str
    facts: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str, str | None], ...]
    text: str
    notes: str = ""


class BodyPane(Channel):
    """One job.

    Parameters
    ----------
    name : str
        Its name in the view.
    on_value : callable or None
        Called with a path, a value as SQL has it, and whether jobs with it are wanted or those without.
    on_column : callable or None
        Called with a path that becomes a column of the table.
    on_error : callable or None
        Called with the text of an error in a handler.
    """

    kind = "body"
    files = ("body/body.js",)

    def __init__(
        self,
        name: str,
        *,
        on_value: Callable[[str, str, bool], None] | None = None,
        on_column: Callable[[str], None] | None = None,
        on_error: Callable[[str], None] | None = None,
        **how: Any,
    ) -> None:
        super().__init__(name, {}, on_error, **how)
        self._on_value, self._on_column = on_value, on_column
        self._shown: ShownBody | None = None

    @property
    def text(self) -> str:
        """The body that is shown; empty without one."""
        return "" if self._shown is None else self._shown.text

    @property
    def shown(self) -> ShownBody | None:
        """What is shown."""
        return self._shown

    def show(self, job: ShownBody | None) -> None:
        """Show a job, or none."""
        with self._lock:
            if job != self._shown:
                self._shown = job
                self._send_all()

    def _send_all(self) -> None:
        self.send("job", job=None if self._shown is None else self._shown._asdict())

    def snapshot(self) -> list[dict[str, Any]]:
        """Return nothing: the body of a job is not kept in a notebook."""
        return []

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        kind = message.get("kind")
        if kind == "value" and self._on_value:
            self._on_value(str(message["path"]), str(message["value"]), bool(message["with"]))
        elif kind == "column" and self._on_column:
            self._on_column(str(message["path"]))


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the path of each value in data, and the value; empty lists and objects are values too.

    Examples
    --------
    >>> list(leaves({"user": {"id": 7}, "tags": ["new"]}))
    [(('user', 'id'), 7), (('tags', 0), 'new')]
    """
    items: Any = None
    if isinstance(data, dict) and data:
        items = data.items()
    elif isinstance(data, list) and data:
        items = enumerate(data)
    if items is None:
        yield path, data
        return
    for step, value in items:
        yield from leaves(value, (*path, step))
