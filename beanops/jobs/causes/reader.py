"""`Causes`: the causes that bodies say, read once for bodies that are alike."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies import Decoded, Reader
from beanops.jobs.bodies.errors import ErrorText, find_error
from beanops.jobs.bodies.summary import job_class
from beanops.jobs.causes.cause import Cause
from beanops.jobs.causes.normaliser import normalise, normalise_name
from beanops.jobs.causes.shape import format_of, shape_of

#: What is known of a body that was not read.
UNREAD = Cause("format", "", "", "body not read")


class Causes:
    """Reads the cause from bodies; what is remembered is bounded and changes no result.

    Parameters
    ----------
    reader : Reader
        Hides the values of secret keys before anything is read.

    Examples
    --------
    >>> causes = Causes(Reader())
    >>> causes.of(b'{"job": "Pay", "error": "no such customer 4711"}').text
    'Pay: no such customer <n>'
    >>> causes.of(b'{"job": "Pay", "error": "no such customer 12"}').name == causes.of(
    ...     b'{"job": "Pay", "error": "no such customer 4711"}').name
    True
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def of(self, body: bytes | None) -> Cause:
        """Return the cause that a body says; that of a body that is None is that it was not read."""
        if body is None:
            return UNREAD
        return self._decoded(self._reader.decode(body))

    def _decoded(self, decoded: Decoded) -> Cause:
        data = decoded.data
        if error := self._error(data):
            return self._caused(data, error)
        if job := _job(data):
            return Cause("class", job, "", "")
        if isinstance(data, dict | list) and not _is_mark(data):
            return Cause("shape", "", "", shape_of(data))
        return Cause("format", "", "", format_of(decoded))

    def _error(self, data: Any) -> ErrorText | None:
        return find_error(data) if isinstance(data, dict | list) else None

    def _caused(self, data: Any, error: ErrorText) -> Cause:
        return Cause("error", _job(data), normalise_name(error.name), normalise(error.message))


def _job(data: Any) -> str:
    return normalise_name(job_class(data) or "")


def _is_mark(data: dict[str, Any] | list[Any]) -> bool:
    return isinstance(data, dict) and ("$refused" in data or data.keys() == {"$bytes", "$size"})
