"""Sockets over the protocol: `Client` for threads and scripts (`sync`), `AsyncClient` for asyncio (`aio`).

What lives here: addresses, the two pumps that move bytes, and the window that keeps a pipeline full and
bounded. Imports `protocol` alone; jobs, monitor, session and users import this room. This file imports
neither client: asyncio costs a command line 40 ms.
"""
