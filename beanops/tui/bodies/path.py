"""`BodyPath`: a path into bodies, such as ``$.customer``, as a column of a list of jobs."""

from __future__ import annotations

from typing import Any, NamedTuple

from beanops.jobs.bodies.paths import Steps, parse_path
from beanops.jobs.bodies.summary import json_beginning
from beanops.text import safe_text
from beanops.ui.columns.column import Column

#: Characters that are kept of a value.
LONGEST = 200
#: Cells of a column, at least and at most.
LEAST, MOST = 5, 28


class PathValue(NamedTuple):
    """A value in a body: numbers come before texts.

    Attributes
    ----------
    is_text : bool
        Whether it is no number.
    number : float
        The number; 0 for a text.
    text : str
        What is shown, in one safe line.
    """

    is_text: bool
    number: float
    text: str


class BodyPath(NamedTuple):
    """A path into bodies.

    Attributes
    ----------
    text : str
        As written.
    steps : tuple
        Keys and indices.
    """

    text: str
    steps: Steps

    @classmethod
    def parse(cls, text: str) -> BodyPath:
        """Return the path that a text is; raises `PathError` if it is none.

        Examples
        --------
        >>> BodyPath.parse("$.user.id").value({"user": {"id": 7}}).text
        '7'
        """
        return cls(text, parse_path(text))

    @property
    def title(self) -> str:
        """The last key."""
        names = [step for step in self.steps if isinstance(step, str)]
        return safe_text(names[-1] if names else self.text, limit=MOST)

    def value(self, data: Any) -> PathValue | None:
        """Return the value there; None where there is none, or it is null."""
        for step in self.steps:
            if isinstance(step, str) and isinstance(data, dict):
                data = data.get(step)
            elif isinstance(step, int) and isinstance(data, list) and -len(data) <= step < len(data):
                data = data[step]
            else:
                return None
        if data is None:
            return None
        if isinstance(data, int | float) and not isinstance(data, bool):
            # An integer beyond 64 bits is a text in decoded data.
            return PathValue(False, float(data), safe_text(str(data), limit=LONGEST))
        return PathValue(
            True, 0.0, safe_text(data if isinstance(data, str) else json_beginning(data, LONGEST), limit=LONGEST)
        )

    def column(self, values: list[PathValue], title: str) -> Column[Any]:
        """Return the column that shows the values at this path.

        Parameters
        ----------
        values : list of PathValue
            Some of them, which decide on its width and alignment.
        title : str
            Its header.
        """
        numbers = bool(values) and not any(value.is_text for value in values)
        width = max(LEAST, min(MOST, max((len(value.text) for value in values), default=0)), min(MOST, len(title) + 1))
        return Column(
            self.text,
            title,
            lambda row: row.value(self),
            "id" if numbers else "text",
            width,
            min(width, 14),
            optional=2,
            write=lambda row, cells: value.text if (value := row.value(self)) is not None else "",
            colour=lambda row: "",
        )
