"""The demo's workload: tubes that look like work, the same every time.

What lives here: bodies as frameworks write them (`bodies`), the tubes with their producers and workers as data
(`flows`), and the clients that put and reserve (`workload`). Imports `client` and `protocol`; only the command
`beanops demo` and the tests import this room.
"""
