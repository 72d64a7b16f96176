"""Watch a server: what it says now (`sample`), whom to ask when there are many tubes, and what is known (`survey`).

How it changes (`rates`, `trail`), how long jobs wait (`ages`), what is wrong (`flags`), several servers (`fleet`).
Imports `client` and `protocol`; session and the faces import this room. Acts on nothing.
"""
