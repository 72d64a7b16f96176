"""The sockets of a server: where it listens, how a connection gets in, and how its bytes move.

What lives here: what connections share (`loop`), listening sockets (`listening`) and what accepts there (`doors`), the
way in through TLS and a token (`entrance`), a connection's bytes with and without TLS (`streams`, `tls`), the
connection itself (`links`), and its end (`ends`).
"""
