"""The command line: `beanops COMMAND`, one of the three faces.

What lives here: the list of commands (`app`) and the commands themselves (`commands`), shared options (`options`), the
selection of jobs (`selection`), dry runs (`plan`) and questions (`confirm`), progress and results of runs (`runs`),
printing (`output`), exit codes (`exits`), shell completion (`shells`, `complete`), the demo (`demo`),
and the tubes in plain text where no dashboard can be (`plain_tubes`). Nothing imports this room. A command's module is
imported when it is called: `--help` costs little more than click.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and end the process with its exit code; see `beanops.cli.exits`."""
    try:
        if sys.argv[1:2] == ["serve"]:  # without click, for whoever starts a server wants to connect to it at once
            from beanops.embedded import run as serve

            sys.exit(serve(sys.argv[2:]))
        from beanops.cli.app import run

        end(run())
    except KeyboardInterrupt:  # so early that `run` did not see it
        end(130)


def end(code: int) -> None:
    """End the process; at once if it used DuckDB, which waits for a query that goes on, and reports it as leaked."""
    if "beanops.jobs.sql.engine" in sys.modules:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
