"""Sample a server: what it says of itself and its tubes now (`sample`), and how fast that changes (`rates`).

Imports `client` and `protocol`; session and the faces import this room. Acts on nothing.
"""
