"""Joins that look up columns in a table: by a key that is not its own, that it has twice, or that it does not have."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.runtime.drivers.interface.join_counts import CountedKeys, JoinCounts, count_keys
from osiris_inspect.runtime.drivers.query_checks.joins import Join
from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    is_literal,
    literal_text,
    walk,
)

MIN_ROWS: Final = 20
MAX_REPEATED_SHARE: Final = 0.05
"""Share of repeated keys above which a table is rather a list of several rows per key."""
MIN_MATCHED_SHARE: Final = 0.9
MAX_IDS: Final = 5
MIN_UNKNOWN: Final = 3
MIN_UNKNOWN_SHARE: Final = 0.2
MIN_NEWER: Final = 10
MIN_NEWER_SHARE: Final = 0.05
_NAME: Final = re.compile(
    r"(?:.{1,30}_)?(?:name|title|email|e_mail|mail|label|caption|city|town|street)|id|code|sku|key|no|number"
)
"""A key by which a table is looked up: text that may be in it twice, or the key of the table itself."""
_UNKNOWN: Final = re.compile(
    r"\W{0,3}(?:unknown|n/?a|not found|missing|undefined|unmapped|not mapped|no match|neznám\w{1,3}|unbekannt|inconnu)\W{0,3}|\?{1,3}",
    re.IGNORECASE,
)


def find_repeated_lookups(
    select: Select, tables: Mapping[str, QueryTable], join: Join, counts: JoinCounts
) -> Iterator[dict[str, Any]]:
    """Yield a join with a table in which a few keys occur twice, so that rows of the other table are repeated."""
    repeats = 0 < counts.right_duplicates <= MAX_REPEATED_SHARE * counts.right_rows
    is_large = counts.right_rows >= MIN_ROWS and counts.matched >= MIN_MATCHED_SHARE * counts.left_rows
    groups = any(select.node.get(part) for part in ("group_expressions", "qualify", "having", "modifiers"))
    is_plain = select.node.get("aggregate_handling") == "STANDARD_HANDLING" and not groups
    if len(tables) != 2 or join.kind not in ("INNER", "LEFT") or len(join.keys) != 1 or not is_plain:
        return
    names = [name for _, name in columns_in(join.keys[0][1])]
    if repeats and is_large and counts.left_repeated and names and _is_key_of(names[0], join.right):
        yield {
            "check": "lookup-repeats-rows",
            "table": join.left.label,
            "partner": join.right.label,
            "column": names[0],
            "keys": counts.right_duplicates,
            "rows": counts.left_rows,
            "repeated": counts.left_repeated,
        }


def _is_key_of(name: str, table: QueryTable) -> bool:
    """Return True if a column is a name or the key of a table, not the key of another one: ``id``, ``product_id``."""
    if _NAME.fullmatch(name):
        return True
    return any(name in (f"{one}_id", f"{one}_code", f"{one}_no", f"{one}_key") for one in _singulars(table))


def _singulars(table: QueryTable) -> set[str]:
    """Return the names of one row of a table: ``customer`` and ``customers`` for ``df_customers``."""
    source = str(table.reference.get("table_name") or "").lower()
    names = {source.removeprefix("df_"), table.name.removeprefix("df_")} - {""}
    return {
        *names,
        *(re.sub(r"ies$", "y", name) for name in names),
        *(name.removesuffix("s") for name in names),
    }


def count_newer_keys(join: Join, keys: CountedKeys) -> dict[str, int]:
    """Count the rows without a partner whose key is above all keys of the table in which it is looked up.

    ``left_newer`` or ``right_newer``; nothing if there are few, or if the other table is not looked up by its own key.
    """
    counts = keys.counts
    sides = (
        ("left_newer", keys.left, keys.left_alone, keys.right, join.right, counts.right_duplicates),
        ("right_newer", keys.right, keys.right_alone, keys.left, join.left, counts.left_duplicates),
    )
    repeats = (counts.left_duplicates, counts.right_duplicates)
    for number, (name, own, alone, others, partner, partner_duplicates) in enumerate(sides):
        if join.kind != "INNER" or len(join.keys) != 1 or partner_duplicates or not repeats[number]:
            continue
        names = [one for _, one in columns_in(join.keys[0][1 - number])]
        if alone.sum() < max(MIN_NEWER, MIN_NEWER_SHARE * len(alone)) or not names:
            continue
        if _is_key_of(names[0], partner):
            newer = _count_above(own.column(0).filter(pa.array(alone)), others.column(0))
            return {name: newer} if newer else {}
    return {}


def _count_above(values: pa.ChunkedArray, known: pa.ChunkedArray) -> int:
    """Count the values above the largest known one; text only if it has digits, and the same form."""
    known = known.drop_null()
    if values.type != known.type or not len(known):
        return 0
    if pa.types.is_integer(values.type):
        return int(pc.sum(pc.greater(values, pc.max(known))).as_py() or 0)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return 0
    largest = max(known.to_pylist())
    form = re.sub(r"[0-9]", "0", largest)
    forms = pc.replace_substring_regex(values, r"[0-9]", "0")
    if "0" not in form:
        return 0
    is_above = pc.and_(pc.equal(forms, form), pc.greater(values, largest))
    return int(np.count_nonzero(is_above.to_numpy()))


def find_wrong_keys(database: Database, join: Join, counts: JoinCounts) -> Iterator[dict[str, Any]]:
    """Yield a join of ``a.id = b.id`` although all values of ``a.b_id`` are in ``b.id``, and those of ``a.id`` are not."""
    if len(join.keys) != 1 or join.is_filtered:
        return
    pairs = [[name for _, name in columns_in(node)] for node in join.keys[0]]
    if pairs != [["id"], ["id"]] or any(node.get("class") != "COLUMN_REF" for node in join.keys[0]):
        return
    sides = (
        (join.left, join.right, counts.left_rows - counts.matched),
        (join.right, join.left, counts.right_rows - counts.right_matched),
    )
    for table, partner, unmatched in sides:
        named = [f"{one}_id" for one in sorted(_singulars(partner)) if f"{one}_id" in table.columns]
        others = [name for name in table.columns if name.endswith("_id")][:MAX_IDS] if unmatched else []
        referring = [name for name in named or others if _refers(database, table, name, partner)]
        if len(referring) == 1:
            yield {
                "check": "join-uses-other-key",
                "table": table.label,
                "partner": partner.label,
                "column": referring[0],
            }
            return


def _refers(database: Database, table: QueryTable, name: str, partner: QueryTable) -> bool:
    """Return True if all values of a column are ids of another table."""
    values = database.read_columns(str(table.reference["table_name"]).lower(), [name])
    ids = database.read_columns(str(partner.reference["table_name"]).lower(), ["id"])
    keys = count_keys(values, ids) if values.column(0).type == ids.column(0).type else None
    return keys is not None and keys.counts.matched > 0 and not keys.left_alone.any()


def find_unknown_members(
    select: Select, tables: Mapping[str, QueryTable], join: Join, counts: JoinCounts, alone: int
) -> Iterator[dict[str, Any]]:
    """Yield a left join of which many keys are not in the other table, and a word for 'unknown' replaces its columns."""
    if not counts.matched:
        return  # another check reports a fallback in all rows
    if join.kind != "LEFT" or alone < max(MIN_UNKNOWN, MIN_UNKNOWN_SHARE * counts.left_rows):
        return
    for part in walk(select.node.get("select_list", [])):
        children = [as_node(child) for child in part.get("children", ())]
        if part.get("type") != "OPERATOR_COALESCE" or not is_literal(children[-1]):
            continue
        word = literal_text(children[-1])
        if word and _UNKNOWN.fullmatch(word) and _is_of(children[0], join.right.name, tables):
            column = next(name for _, name in columns_in(children[0]))
            yield {
                "check": "keys-unknown-to-lookup",
                "table": join.left.label,
                "partner": join.right.label,
                "column": column,
                "word": word,
                "unmatched": alone,
                "rows": counts.left_rows,
            }
            return


def _is_of(node: Node, table: str, tables: Mapping[str, QueryTable]) -> bool:
    return node.get("class") == "COLUMN_REF" and table_of(node, tables) == table
