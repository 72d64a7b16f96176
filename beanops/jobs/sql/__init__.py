"""SQL on jobs, evaluated by DuckDB within bounds of memory and time.

What lives here: the engine (`engine`), the table `jobs` (`jobs_table`), predicates (`where`) and queries (`query`),
what a text of SQL reads (`parse_tree`, `json_paths`) and what DuckDB says against it (`complaints`). Imports what
`jobs` may.
"""
