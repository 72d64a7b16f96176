"""Servers that cannot reserve a job by its id, which are all up to 1.11, and how each verb works there.

What lives here: what a server can do (`capabilities`), what is done instead (`substitutes`), burying one job (`bury`)
and claiming one by deleting it (`claims`).
"""
