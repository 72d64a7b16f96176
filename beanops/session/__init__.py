"""Act, on the record: `Session` is what every face asks to look at a server and to act on its jobs.

What lives here: the session (`session`, of the parts `look`, `find`, `recorded`, `acting` and `views`), the one funnel
through which each action passes (`act`), the verbs (`verbs`), what was done (`record`), jobs in files
(`exporting`, `importing`, `samples`), and frames (`frames`). Imports jobs, monitor, client and protocol; only the faces
import this room.
"""
