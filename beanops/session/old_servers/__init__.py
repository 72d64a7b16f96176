"""Servers up to 1.11, which cannot reserve a job by its id, and how each verb works there.

What lives here: what a server supports (`capabilities`), replacements for its missing commands (`substitutes`), burying
a chosen job (`bury`) and claiming one by deleting it (`claims`). Imports the verbs of the room `execution`, whose
executor imports this room; so do the faces, for their notes on a server.
"""
