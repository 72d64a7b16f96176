"""The demo: tubes that look like work, the same every time, on a server of their own.

What lives here: bodies as frameworks write them (`bodies`), the tubes with their producers and workers as data
(`flows`), the clients that put and reserve (`workload`), and the command `beanops demo` (`command`).
"""
