"""Record servers to a SQLite file, and read it again.

What a look at a server saw is a row of numbers per tube and one of the server (`looks`). `writer` appends rows, sums
them up in tiers and deletes old ones; `problem_log` keeps when problems began and ended; `daemon` looks at several
servers and writes. `reader` reads a recording, also while it grows, and `replay` shows its moments as a live
server would show them.
`storage` has the tables. Imports `monitor`, `client` and `protocol`; needs the standard library alone.
"""
