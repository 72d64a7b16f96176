"""What a text of SQL reads, seen in DuckDB's own parse tree: words in a string or a comment are no columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from beanops.jobs.table import TABLE

if TYPE_CHECKING:
    import duckdb

_PLAIN_TABLE_FUNCTIONS = frozenset(("range", "generate_series", "unnest"))


def parse(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """Return the parse tree of one SELECT; None for what DuckDB gives no tree of."""
    ((text,),) = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    return None if tree.get("error") else tree


def named_in(tree: Any) -> set[str]:
    """Return the columns of the table ``jobs`` that a tree names; all where a pattern such as ``columns(*)`` does."""
    if any(node.get("columns") is True for node in _nodes(tree)):
        return {*TABLE}
    # The first name may be a table, the last a field of a column.
    return {name.lower() for names in _references(tree) for name in names} & TABLE.keys()


def columns_of(tree: Any, table: str | None = None) -> set[str]:
    """Return the columns that SQL may read; all where its tree does not tell.

    Parameters
    ----------
    tree : Any
        Of a SELECT.
    table : str or None
        The one table that it may read by its name; None for a predicate, which reads none.
    """
    if tree is None or any(_hides_columns(node, table) for node in _nodes(tree)):
        return {*TABLE}
    # The name of a table is a row of it; a query can call the table as it likes.
    known = {name.lower() for names in _references(tree) for name in names[:1]}
    if "jobs" in known or (table is not None and known - TABLE.keys()):
        return {*TABLE}
    return named_in(tree)


def describes(tree: Any) -> bool:
    """Whether SQL is about the columns of a table."""
    return any(node.get("type") == "SHOW_REF" for node in _nodes(tree))


def _hides_columns(node: dict[str, Any], table: str | None) -> bool:
    """Whether a node stands for columns without their names: all of them, one by its place, or a table's."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        return node["function"].get("function_name") not in _PLAIN_TABLE_FUNCTIONS
    if kind == "BASE_TABLE":
        return bool(node.get("table_name") != table)
    return kind in ("STAR", "POSITIONAL_REFERENCE", "SHOW_REF", "COLUMN_DATA")


def _references(tree: Any) -> Iterator[list[str]]:
    return (node["column_names"] for node in _nodes(tree) if node.get("type") == "COLUMN_REF")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
