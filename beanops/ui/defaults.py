"""Default intervals and limits of the faces. The window of rates is `beanops.monitor.history.RATE_WINDOW`."""

from __future__ import annotations

#: Seconds between two looks at the server, and the shortest and longest interval that a user may choose.
INTERVAL = 1.0
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 3600.0
#: The intervals that the keys for slower and faster step through.
INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
#: Seconds between two looks for the views of a notebook, at least.
PERIOD = 0.5
#: Seconds that a terminal waits for a connection and for an answer.
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0

#: Jobs that a search in the terminal keeps at most.
MOST_FOUND = 250_000
#: Actions that the command line shows at most, and a notebook beside its tables.
MOST_ACTIONS, LATEST_ACTIONS = 1000, 50
