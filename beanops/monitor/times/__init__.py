"""How long jobs wait and run, estimated from a sample that is followed from put to gone.

`following` chooses jobs and follows them, `id_sequence` knows which ids are new, `job_times` keeps the sample, and
`durations` estimates. The surveyor asks for the jobs; nothing here sends a command.
"""
