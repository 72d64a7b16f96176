"""What a job's body says of its cause: an error's class and message without their ids, or what else is alike.

What lives here: `Cause` with its short name that is the same everywhere, `Causes`, which reads them from bodies, and
`Tally`, which counts jobs by cause. Pure: no sockets, files or DuckDB. It imports `bodies` and the jobs that `read`
finds; the session and the faces import it.
"""

from beanops.jobs.causes.cause import Cause
from beanops.jobs.causes.reader import Causes
from beanops.jobs.causes.tally import Group, Tally

__all__ = ["Cause", "Causes", "Group", "Tally"]
