"""What a text of SQL reads, seen in DuckDB's own parse tree: words in a string or a comment are no columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from beanops.jobs.sql.jobs_table import TABLE

if TYPE_CHECKING:
    import duckdb

#: Keys and indices from the outside in; an ellipsis ends a path of which no more is known.
Path = tuple[Any, ...]

_PLAIN_TABLE_FUNCTIONS = frozenset(("range", "generate_series", "unnest"))


def parse(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """Return the parse tree of one SELECT; None if DuckDB has no tree for it."""
    ((text,),) = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    return None if tree.get("error") else tree


def named_in(tree: Any, columns: Iterable[str] = TABLE) -> set[str]:
    """Return those of the columns that a tree names; all where a pattern such as ``columns(*)`` does."""
    if any(node.get("columns") is True for node in _nodes(tree)):
        return {*columns}
    # The first name may be a table, the last a field of a column.
    return {name.lower() for names in _references(tree) for name in names}.intersection(columns)


def columns_of(tree: Any, table: str | None = None, columns: Iterable[str] = TABLE) -> set[str]:
    """Return the columns that SQL may read; all columns if its tree does not show which.

    Parameters
    ----------
    tree : Any
        Of a SELECT.
    table : str or None
        The one table that it may read by its name; None for a predicate, which reads none.
    columns : iterable of str
        The columns that there are.
    """
    return {*columns} if _hides(tree, table) else named_in(tree, columns)


def _hides(tree: Any, table: str | None) -> bool:
    """Whether SQL may read columns that it does not name."""
    if tree is None or any(_hides_columns(node, table) for node in _nodes(tree)):
        return True
    # The name of a table is a row of it; a query can call the table as it likes.
    known = {name.lower() for names in _references(tree) for name in names[:1]}
    return "jobs" in known or (table is not None and bool(known - TABLE.keys()))


def tables_of(tree: Any) -> set[str]:
    """Return the names of the tables that a query reads, in lower case; those of its own CTEs are among them."""
    return {str(node.get("table_name")).lower() for node in _nodes(tree) if node.get("type") == "BASE_TABLE"}


def describes(tree: Any) -> bool:
    """Whether SQL is about the columns of a table."""
    return any(node.get("type") == "SHOW_REF" for node in _nodes(tree))


def _hides_columns(node: dict[str, Any], table: str | None) -> bool:
    """Whether a node selects columns without naming them: all, one by its position, or those of a table."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        return node["function"].get("function_name") not in _PLAIN_TABLE_FUNCTIONS
    if kind == "BASE_TABLE":
        return bool(node.get("table_name") != table)
    return kind in ("STAR", "POSITIONAL_REFERENCE", "SHOW_REF", "COLUMN_DATA")


def _references(tree: Any) -> Iterator[list[str]]:
    return (node["column_names"] for node in _nodes(tree) if node.get("type") == "COLUMN_REF")


_EXTRACTING = frozenset(
    (
        "->>",
        "json_extract",
        "json_extract_string",
        "json_extract_path",
        "json_extract_path_text",
        "json_exists",
        "json_type",
    )
)
# A step of a path: a name, one in quotes, or an index.
_STEP = re.compile(r'\.(?:([^.\["*]+)|"([^"\\]*)")(?=[.\[]|\Z)|\[(\d{1,9})\]')


def paths_of(tree: Any) -> frozenset[Path] | None:
    """Return the paths at which a predicate reads ``data``; None where it reads it in another way than by a path.

    A path ends where it is no longer plain: there may be read all that is below.
    """
    if _hides(tree, None):
        return None
    paths: set[Path] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            path = _path_of(node)
            if path is not None:
                paths.add(path)
            elif node.get("type") == "COLUMN_REF" and _is_data(node):
                return None
            else:
                stack.extend(node.values())
    return frozenset(paths)


def _is_data(node: dict[str, Any]) -> bool:
    return any(name.lower() == "data" for name in node["column_names"])


def _path_of(node: dict[str, Any]) -> Path | None:
    """Return the path of what is extracted from ``data``, None for another expression."""
    if node.get("type") == "FUNCTION" and node["function_name"] in _EXTRACTING and len(node["arguments"]) == 2:
        of, path = (argument["expression"] for argument in node["arguments"])
    elif node.get("type") == "LAMBDA" and node.get("syntax_type") == "SINGLE_ARROW":
        of, path = node["lhs"], node["expr"]
    else:
        return None
    before = _path_of(of)
    if before is None and of.get("type") == "COLUMN_REF" and [name.lower() for name in of["column_names"]] == ["data"]:
        before = ()
    literal = path.get("literal") if path.get("type") == "VALUE_CONSTANT" else None
    if before is None or not isinstance(literal, dict) or literal.get("kind") != "STRING":
        return before
    return before + _steps(literal["text"])


def _steps(text: str) -> Path:
    """Return the steps of a path as DuckDB reads it, up to the first that is not plain."""
    if not text or text[0] == "/":
        return (...,)
    if text[0] != "$":
        return (text,)
    steps: list[Any] = []
    at = 1
    while match := _STEP.match(text, at):
        name, quoted, index = match.groups()
        steps.append(int(index) if index else quoted if name is None else name)
        at = match.end()
    return (*steps, ...) if at < len(text) else tuple(steps)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
