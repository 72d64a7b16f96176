"""Widgets that know no screen: tables, bodies, charts and input lines.

A table is in four modules: `row_lines` draws rows, `table` adds cursor, selection, filter and order; `job_table` is the
table that grows while a search finds jobs, `job_rows` has one of its rows and their columns.
"""
