"""Which fields a query extracts from the column ``fields``, so that only these are read from a long log."""

import re
from collections.abc import Iterator
from typing import Any, Final

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.event_log.columns.field_keys import field_key
from osiris_inspect.model.redaction import is_secret_key

_COLUMN: Final = "fields"
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MAX_FIELDS: Final = 4
_AS_A_WHOLE: Final = ("STAR", "SHOW_REF", "PIVOT")
"""Kinds of nodes that may read ``fields`` without naming it."""


class _ReadWhole(Exception):
    """The query may need all fields."""


def extracted_fields(connection: Any, query: str) -> tuple[str, ...] | None:
    """Return the names in ``fields->>'name'`` if the query reads ``fields`` in no other way; else None."""
    if _COLUMN not in query.lower():
        return None
    ((serialized,),) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    try:
        tree = bounded_json.loads(serialized)
        tables = set(_tables(tree))
        names = tuple(dict.fromkeys(_names(tree, tables)))
    except (_ReadWhole, ValueError):  # or nested too deep
        return None
    is_usable = 0 < len(names) <= _MAX_FIELDS and all(map(_has_column, names))
    return names if is_usable else None


def _has_column(name: str) -> bool:
    is_plain = _NAME.fullmatch(name) is not None and name != "key" and not is_secret_key(name)
    return is_plain and field_key(name) is not None


def _tables(node: Any) -> Iterator[str]:
    """Yield the names and aliases of tables, which are also names of whole rows."""
    if isinstance(node, list):
        for item in node:
            yield from _tables(item)
    elif isinstance(node, dict):
        if "table_name" in node or node.get("type") in ("SUBQUERY", "TABLE_FUNCTION"):
            yield from (str(node[key]).lower() for key in ("table_name", "alias") if node.get(key))
        for item in node.values():
            yield from _tables(item)


def _names(node: Any, tables: set[str]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _names(item, tables)
    elif isinstance(node, dict):
        name = _extracted(node)
        if name is not None:
            yield name
            return
        path = [str(part).lower() for part in node.get("column_names", ())]
        if node.get("type") in _AS_A_WHOLE or (path and path[-1] in tables):
            raise _ReadWhole
        for item in node.values():
            yield from _names(item, tables)
    elif isinstance(node, str) and node.lower() == _COLUMN:
        raise _ReadWhole


def _extracted(node: dict[str, Any]) -> str | None:
    """Return the name in ``fields->>'name'``."""
    if node.get("function_name") != "->>" or len(node["arguments"]) != 2:
        return None
    column, name = (argument["expression"] for argument in node["arguments"])
    is_column = [str(part).lower() for part in column.get("column_names", ())][-1:] == [_COLUMN]
    literal = name.get("literal", {})
    return literal["text"] if is_column and literal.get("kind") == "STRING" else None
