"""`Causes`: the causes that bodies say, read once for bodies that are alike."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies import Decoded, Reader, reads_json_first
from beanops.jobs.bodies.errors import ErrorText, find_error
from beanops.jobs.bodies.memo import Memo
from beanops.jobs.bodies.summary import job_class
from beanops.jobs.causes.alike import AlikeBodies
from beanops.jobs.causes.cause import Cause
from beanops.jobs.causes.normaliser import Normaliser, normalise_name
from beanops.jobs.causes.outer import Outer, read_outer
from beanops.jobs.causes.shape import Shapes, format_of

#: Bytes of a body of which is remembered what came of it.
_SMALL = 4096
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
        self._normalise = Normaliser(2 * most).normalise
        self._shapes = Shapes(most)
        # Equal causes are the same object, and bodies that had to be decoded are often the same.
        self._causes: Memo[tuple[str, str, str, str], Cause] = Memo(most)
        self._bodies: Memo[bytes, Cause] = Memo(most)
        self._alike = AlikeBodies(most)

    def of(self, body: bytes | None) -> Cause:
        """Return the cause that a body says; that of a body that is None is that it was not read."""
        if body is None:
            return UNREAD
        if not self._reader.patterns and reads_json_first():
            found = self._alike.get(body)
            if found is None and (outer := read_outer(body)) is not None:
                found = self._of_outer(outer, body)
            if found is not None:
                return found
        known = self._bodies.get(body)
        if known is None:
            known = self._of_decoded(self._reader.decode(body), body)
            if len(body) <= _SMALL:
                self._bodies.keep(body, known)
        return known

    def _of_outer(self, outer: Outer, body: bytes) -> Cause | None:
        """Return the cause that the outer JSON says; None where a layer may say more."""
        data, error, named, alike = outer
        job = job_class(data)
        if not named or (job is None and isinstance(data, dict) and "displayName" in data):
            return None
        cause = self._cause(job, error) or self._shape(data, body)
        if alike:
            self._alike.keep(body, cause, error)
        return cause

    def _of_decoded(self, decoded: Decoded, body: bytes) -> Cause:
        data = decoded.data
        if not isinstance(data, dict | list) or _is_mark(data):
            return self._one("format", "", "", format_of(decoded))
        return self._cause(job_class(data), find_error(data)) or self._shape(data, body)

    def _cause(self, job: str | None, error: ErrorText | None) -> Cause | None:
        """Return the cause by the error, or by the class of the job."""
        job = normalise_name(job) if job else ""
        if error is not None:
            return self._one("error", job, normalise_name(error.name), self._normalise(error.message))
        return self._one("class", job, "", "") if job else None

    def _shape(self, data: Any, body: bytes) -> Cause:
        return self._one("shape", "", "", self._shapes.of(data, small=len(body) <= _SMALL))

    def _one(self, *parts: Any) -> Cause:
        return self._causes.get(parts) or self._causes.keep(parts, Cause(*parts))


def _is_mark(data: dict[str, Any] | list[Any]) -> bool:
    return isinstance(data, dict) and ("$refused" in data or data.keys() == {"$bytes", "$size"})
