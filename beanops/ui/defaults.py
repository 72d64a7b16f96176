"""Default intervals and limits of the faces. The window of rates is `beanops.monitor.rates.RATE_WINDOW`."""

from __future__ import annotations

#: Seconds between two looks at the server, and the shortest and longest interval that a user may choose.
INTERVAL = 1.0
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 3600.0
#: The intervals that the keys for slower and faster step through.
INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: Seconds between two looks for the views of a notebook, at least, and between two reports of their progress.
NOTEBOOK_INTERVAL, REPORT_INTERVAL = 0.5, 0.25
#: Seconds that a terminal waits for a connection and for an answer.
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0
#: Seconds that a notebook waits for them: its views must not look live for long while the server hangs.
CONNECT, ANSWER = 2.0, 4.0
#: Seconds between two tries to reach a lost server: the first, and the most.
FIRST_RETRY, LAST_RETRY = 1.0, 15.0
#: Seconds without an answer after which values on the screen count as stale.
LATE = 3.0
#: Seconds that a status line stays: of what was done, and of what was not.
SAID, COMPLAINED = 10.0, 60.0

#: Jobs that a search keeps at most, in the terminal and by default in a notebook.
MOST_FOUND, MOST_BROWSED = 250_000, 100_000
#: Actions that the command line shows at most, and a notebook beside its tables.
MOST_ACTIONS, LATEST_ACTIONS = 1000, 50
