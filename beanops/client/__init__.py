"""Sockets over the protocol: `Client` for threads and scripts (`sync`), `AsyncClient` for asyncio (`aio`).

What lives here: how a server is reached (`address`, `reach`, `places`) and how a connection is opened (`opening`, with
`transport`, `tls`, `tokens` and `ssh`); the two pumps that move bytes (`wire`, `stream`), and the window that keeps a
pipeline full and bounded (`pipeline_window`); long runs of like commands (`alike`, `alike_puts`). Beside `Client` there
are one that reads and connects again (`reading`), and one with several connections (`several`). `instances` knows
server processes again. Imports `protocol` alone. This file imports neither client: asyncio costs a command line 40 ms.
"""
