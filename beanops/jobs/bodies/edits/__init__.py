"""Change values in a job's body where they are, and keep all its other bytes.

What lives here: `Change` with `parse_set` and `parse_unset` for the command line, `edit`, and `Splicer` for many
bodies; `from_data` for data that a function changed; `pretty` and `from_pretty` for an editor, and `differences` for
people. Each format is a module of its own; `envelope` goes through the layers. It imports the other modules of
`beanops.jobs.bodies` alone.
"""

from beanops.jobs.bodies.edits.changes import Change, parse_set, parse_unset
from beanops.jobs.bodies.edits.drafts import differences, from_pretty, pretty
from beanops.jobs.bodies.edits.envelope import Splicer, edit
from beanops.jobs.bodies.edits.refusals import EditRefused
from beanops.jobs.bodies.edits.structure import from_data

__all__ = [
    "Change",
    "EditRefused",
    "Splicer",
    "differences",
    "edit",
    "from_data",
    "from_pretty",
    "parse_set",
    "parse_unset",
    "pretty",
]
