"""`Causes`: the causes that bodies say, read once for bodies that are alike."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies import Decoded, Reader, reads_json_first
from beanops.jobs.bodies.errors import ErrorText, find_error
from beanops.jobs.bodies.summary import job_class
from beanops.jobs.causes.cause import Cause
from beanops.jobs.causes.normaliser import Normaliser, normalise_name
from beanops.jobs.causes.outer import read_outer
from beanops.jobs.causes.shape import format_of, shape_of

#: Bytes of a body whose cause is remembered.
_LONGEST = 4096
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

    def __init__(self, reader: Reader, most: int = 4096) -> None:
        self._reader = reader
        self._most = most
        self._normalise = Normaliser(2 * most).normalise
        #: Causes by what they are made of, so that equal ones are the same object; and by body where that was decoded.
        self._known: dict[tuple[str, str, str, str], Cause] = {}
        self._decoded: dict[bytes, Cause] = {}

    def of(self, body: bytes | None) -> Cause:
        """Return the cause that a body says; that of a body that is None is that it was not read."""
        if body is None:
            return UNREAD
        if not self._reader.patterns and reads_json_first() and (outer := read_outer(body)) is not None:
            data, error, has_layers = outer
            if error is not None or not has_layers or _is_named_first(data):
                return self._cause(data, error, None)
        known = self._decoded.get(body)
        if known is None:
            decoded = self._reader.decode(body)
            data = decoded.data
            known = self._cause(data, find_error(data) if isinstance(data, dict | list) else None, decoded)
            if len(body) <= _LONGEST:
                if len(self._decoded) >= self._most:
                    self._decoded.clear()
                self._decoded[body] = known
        return known

    def _cause(self, data: Any, error: ErrorText | None, decoded: Decoded | None) -> Cause:
        job = normalise_name(job_class(data) or "")
        if error is not None:
            return self._one("error", job, normalise_name(error.name), self._normalise(error.message))
        if job:
            return self._one("class", job, "", "")
        if isinstance(data, dict | list) and not _is_mark(data):
            return self._one("shape", "", "", shape_of(data))
        assert decoded is not None, "data that is neither an object nor a list was decoded"
        return self._one("format", "", "", format_of(decoded))

    def _one(self, *parts: Any) -> Cause:
        cause = self._known.get(parts)
        if cause is None:
            if len(self._known) >= self._most:
                self._known.clear()
            cause = self._known[parts] = Cause(*parts)
        return cause


def _is_named_first(data: Any) -> bool:
    """Whether the job's class is in the first place of all, so that no layer has another one."""
    return isinstance(data, dict) and isinstance(data.get("displayName"), str) and job_class(data) is not None


def _is_mark(data: dict[str, Any] | list[Any]) -> bool:
    return isinstance(data, dict) and ("$refused" in data or data.keys() == {"$bytes", "$size"})
