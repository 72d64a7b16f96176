"""Watch a server from Python: for `Session.watch`, `trend`, `rates`, `problems`, `job_times` and `job_classes`.

What lives here: looks and the past that they leave (`looks`), the past of a recording before it (`recorded_past`), and
what takes a few looks: rates (`rates`), problems (`problems_now`), job times (`timing`); frames of both
(`problem_frames`, `time_frames`); and the session of a replay, which has no server (`recorded_session`). Imports
`monitor`, `recording`, and of `session` lookups and configuration.
"""
