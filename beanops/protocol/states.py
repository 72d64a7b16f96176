"""The states of a job, in the order in which every table, chart and option names them."""

from __future__ import annotations

#: The states that the server counts for each tube.
STATES = ("ready", "reserved", "delayed", "buried")
#: The states of jobs that no worker has reserved. For each of them the server names the next job of a tube.
AT_REST = ("ready", "delayed", "buried")
#: The state of a job whose body has not reached the server yet. The server does not count such jobs.
INVALID = "invalid"
EVERY_STATE = (*STATES, INVALID)
