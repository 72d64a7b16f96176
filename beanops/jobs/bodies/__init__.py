"""A job's body, any bytes, as data that people and SQL can read.

What lives here: `decode` with the built-in decoders and `decoder` for users' own, the bounds on both (`Limits`),
`redact`, and the `Reader` of what may be shown. No sockets, files, pandas or DuckDB; it imports `beanops.text` and
the protocol's errors alone, and scans, the session and the faces import it.
"""

from beanops.jobs.bodies.budget import Limits
from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.jsons import json_reader, may_hold_layers
from beanops.jobs.bodies.layers import DEFAULT_LIMITS, decode, may_be_layer
from beanops.jobs.bodies.reader import Reader, redact_body
from beanops.jobs.bodies.redaction import DEFAULT_PATTERNS, names_secret, redact
from beanops.jobs.bodies.registry import decoder, reads_json_first

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_PATTERNS",
    "Decoded",
    "Limits",
    "Reader",
    "decode",
    "decoder",
    "json_reader",
    "may_be_layer",
    "may_hold_layers",
    "reads_json_first",
    "names_secret",
    "redact",
    "redact_body",
]
