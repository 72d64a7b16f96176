"""Bodies of frames, to put again: byte for byte, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beanops.jobs.identity import digest_of
from beanops.protocol.errors import ArgumentError

_EXACT = "the exact body: read the jobs with bodies='bytes', and without redaction"


def bodies_of(frame: Any) -> Sequence[bytes]:
    """Return the column ``body`` of a frame of jobs as bytes.

    Text is compared with the column ``digest``, if there is one: it may have escapes, or something redacted.

    Raises
    ------
    ArgumentError
        There is no such column, or a body is not what the job had.
    """
    if "body" not in frame.columns:
        raise ArgumentError("bodies", list(frame.columns), "a frame with a column 'body'")
    digests = frame["digest"].tolist() if "digest" in frame.columns else [""] * len(frame)
    pairs = zip(frame["body"], digests, strict=True)
    return [_exact(body, digest, number) for number, (body, digest) in enumerate(pairs)]


def body_of_row(row: Any) -> Any:
    """Return the body of a row of a frame of jobs, as `bodies_of` does; anything else as it is."""
    if not (hasattr(row, "to_dict") and "body" in getattr(row, "index", ())):
        return row
    return _exact(row["body"], row.get("digest", ""), row.name)


def _exact(body: Any, digest: Any, place: Any) -> bytes:
    """Return a body as bytes, if its digest is the given one; an empty digest is not compared, a missing one is."""
    exact = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if not isinstance(exact, bytes) or (digest != "" and digest != digest_of(exact)):
        raise ArgumentError(f"body of row {place}", body, _EXACT)
    return exact
