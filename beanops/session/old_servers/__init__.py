"""Servers that are unlike beanstalkd 1.13: what they are asked, and how each verb works on those before 1.12.

What lives here: what a server supports and does in another way (`capabilities`), replacements for the missing commands
of those up to 1.11 (`substitutes`), burying a chosen job (`bury`) and claiming one by deleting it (`claims`). Imports
the verbs of the room `execution`, whose executor imports this room; so do the faces, for their notes on a server.
"""
