"""Alerts: rules on tubes, problems and servers, what they find over time, and who is notified.

`reading` reads the rules file, `evaluation` applies rules to what the surveyors see, `deliveries` says what is due to
which channel, `notifiers` send it, `state` keeps it over restarts, and `daemon` runs all of them. `status` is for the
faces: what fires now. Imports `session` and what is below it; the faces import this room.
"""
