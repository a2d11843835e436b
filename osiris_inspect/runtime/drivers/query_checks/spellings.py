"""Texts of a query and of its inputs that differ only in spelling: a condition or a group then misses rows."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    call_arguments,
    conjuncts,
    is_literal,
    literal_text,
    render_query,
    select_from,
    walk,
)

MAX_VALUES: Final = 5_000
"""Different values of a column above which it is not compared: it holds free text or ids."""
MAX_LENGTH: Final = 60
MAX_COMPARED: Final = 200
MIN_WORD: Final = 5
"""Length of a word in which one other letter is a typing error and not another word."""
_EQUALITIES: Final = frozenset({"COMPARE_EQUAL", "COMPARE_NOTEQUAL"})
_LISTS: Final = frozenset({"COMPARE_IN", "COMPARE_NOT_IN"})
_WORDS: Final = re.compile(r"[^\W\d_]+")
_CLAUSES: Final = ("select_list", "where_clause", "having", "qualify")


def find_other_spellings(
    database: Database, tree: Node, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each text that a condition compares with, and of which the rows have another spelling.

    A spelling that the query also contains is known to its author. The values that are recorded are hardly more than
    the texts of the query.
    """
    known = {text for part in walk(tree) if (text := literal_text(part)) is not None}
    compared: dict[str, list[tuple[Node, str]]] = defaultdict(list)
    for expression, text in _compared_texts(select):
        compared[str(sorted(columns_in(expression)))].append((expression, text))
    for expression, pattern in _patterns(select):
        counts = _count_values(database, select, tables, expression)
        rows = sum(count for value, count in counts.items() if _is_like(pattern, value, re.IGNORECASE))
        if rows and not any(_is_like(pattern, value) for value in counts):
            name = next(name for _, name in columns_in(expression))
            yield {
                "check": "value-spelled-differently",
                "column": name,
                "value": pattern,
                "others": [],
                "rows": rows,
                "matched": 0,
            }
    for pairs in compared.values():
        counts = _count_values(database, select, tables, pairs[0][0])
        for expression, text in pairs:
            others = _other_spellings(text, counts, known)
            if others:
                yield {
                    "check": "value-spelled-differently",
                    "column": next(name for _, name in columns_in(expression)),
                    "value": text,
                    "others": others[:3],
                    "rows": sum(counts[other] for other in others),
                    "matched": counts.get(text, 0),
                }


def _compared_texts(select: Select) -> Iterator[tuple[Node, str]]:
    """Yield each expression that is compared with a text by =, <> or IN, and the text."""
    for part in walk([select.node.get(clause) for clause in _CLAUSES]):
        if part.get("type") in _EQUALITIES:
            sides = [as_node(part.get("left")), as_node(part.get("right"))]
        elif part.get("type") in _LISTS:
            sides = [as_node(child) for child in part.get("children", ())]
        else:
            continue
        expressions = [side for side in sides if not is_literal(side)]
        texts = [text for side in sides if (text := literal_text(side)) is not None]
        if len(expressions) == 1:
            yield from ((expressions[0], text) for text in texts if 0 < len(text) <= MAX_LENGTH)


def _patterns(select: Select) -> Iterator[tuple[Node, str]]:
    """Yield each column that is compared by LIKE, and the pattern."""
    for part in walk([select.node.get(clause) for clause in _CLAUSES]):
        arguments = call_arguments(part) if part.get("function_name") == "~~" else []
        pattern = literal_text(arguments[1]) if len(arguments) == 2 else None
        if (
            pattern is not None
            and 0 < len(pattern) <= MAX_LENGTH
            and arguments[0].get("class") == "COLUMN_REF"
        ):
            yield arguments[0], pattern


def _is_like(pattern: str, text: str, flags: int = 0) -> bool:
    parts = [{"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in re.sub("%+", "%", pattern)]
    return re.fullmatch("".join(parts), text[:MAX_COMPARED], flags | re.DOTALL) is not None


def _count_values(
    database: Database,
    select: Select,
    tables: Mapping[str, QueryTable],
    expression: Node,
    conditions: list[Node] | None = None,
) -> dict[str, int]:
    """Return the rows of each text that an expression of one table has; none if it has too many."""
    owner = table_of(expression, tables)
    if owner is None or not any(True for _ in columns_in(expression)):
        return {}
    reference = tables[owner].reference
    query = render_query(
        database.execute, select_from(reference, select.ctes, [expression], conditions or [])
    )
    values = database.execute(
        f"SELECT k0, count(*) FROM ({query}) WHERE k0 IS NOT NULL GROUP BY k0 LIMIT {MAX_VALUES + 1}",  # noqa: S608
        [],
    )
    if len(values) > MAX_VALUES or not all(isinstance(value, str) for value, _ in values):
        return {}
    return {value: int(rows) for value, rows in values}


def _other_spellings(text: str, counts: Mapping[str, int], known: set[str]) -> list[str]:
    """Return the values that are the text in another spelling; if rows have the text itself, only words count."""
    same = [
        value
        for value in counts
        if value not in known and _folded(value) == _folded(text) and (text not in counts or _is_word(value))
    ]
    if same or text in counts or any(_is_misspelled(text, value) for value in counts if value in known):
        return same
    similar = [value for value in counts if value not in known and _is_misspelled(text, value)]
    return similar if len(similar) == 1 else []


def _folded(text: str) -> str:
    """Return a text without the difference of upper and lower case, and without spaces at its ends."""
    return " ".join(text.split()).casefold()


def _is_word(text: str) -> bool:
    """Return True for words in lower or upper case, or with a capital; codes mix the cases, or have digits."""
    words = _WORDS.findall(text)
    has_digits = any(character.isdigit() for character in text)
    return (
        bool(words)
        and not has_digits
        and all(word in (word.lower(), word.upper(), word.capitalize()) for word in words)
    )


def _is_misspelled(one: str, other: str) -> bool:
    """Return True if two texts differ in one letter of a word, which one of them may lack."""
    words, others = _WORDS.findall(_folded(one)), _WORDS.findall(_folded(other))
    rest = [_WORDS.sub("x", _folded(text)) for text in (one, other)]
    if len(words) != len(others) or rest[0] != rest[1]:
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) == 1 and _is_one_letter_apart(*different[0])


def _is_one_letter_apart(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) < MIN_WORD or len(long) - len(short) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    tail, tail_of_other = short[start:], long[start:]
    is_swapped = tail[:2] == tail_of_other[1::-1] and tail[2:] == tail_of_other[2:]
    return tail[1:] == tail_of_other[1:] or is_swapped


def find_split_groups(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each text column by which rows are grouped, and that has one word in several spellings."""
    where = conjuncts(as_node(select.node.get("where_clause")))
    for expression in _grouped_columns(select):
        owner = table_of(expression, tables)
        conditions = [part for part in where if owner is not None and table_of(part, tables) == owner]
        counts = _count_values(database, select, tables, expression, conditions)
        spellings: dict[str, list[str]] = defaultdict(list)
        for value in counts:
            key = _folded(value) if _is_word(value) or "@" in value else " ".join(value.split())
            if len(key) > 1:
                spellings[key].append(value)
        split = [sorted(values, key=lambda value: -counts[value]) for values in spellings.values()]
        split = [values for values in split if len(values) > 1]
        if split:
            yield {
                "check": "groups-split-by-spelling",
                "column": next(name for _, name in columns_in(expression)),
                "differ_in": sorted({kind for values in split for kind in _differences(values)}),
                "groups": len(split),
                "rows": sum(counts[value] for values in split for value in values[1:]),
            }


def _differences(values: list[str]) -> Iterator[str]:
    """Yield in what spellings of one word differ; the words themselves are not recorded."""
    if len({" ".join(value.split()) for value in values}) < len(values):
        yield "spaces"
    if len({value.casefold() for value in values}) < len(values):
        yield "case"


def _grouped_columns(select: Select) -> Iterator[Node]:
    """Yield the columns of GROUP BY, the only column of SELECT DISTINCT, and those of count(DISTINCT …)."""
    columns = [as_node(column) for column in select.node.get("select_list", ())]
    groups = [as_node(part) for part in select.node.get("group_expressions", ())]
    if select.node.get("aggregate_handling") == "FORCE_AGGREGATES":
        groups = columns
    is_distinct = any(
        as_node(part).get("type") == "DISTINCT_MODIFIER" and not as_node(part).get("distinct_on_targets")
        for part in select.node.get("modifiers", ())
    )
    if is_distinct and len(columns) == 1:
        groups = columns
    aliases = {str(column.get("alias", "")).lower(): column for column in columns}
    for part in groups:
        number = str(as_node(part.get("literal")).get("text", ""))
        names = [name for _, name in columns_in(part)]
        if number.isdigit() and 0 < int(number) <= len(columns):
            group = columns[int(number) - 1]
        else:
            group = aliases.get(names[0], part) if len(names) == 1 else part
        if group.get("class") == "COLUMN_REF":
            yield group
    for part in walk(columns):
        if part.get("function_name") == "count" and part.get("distinct"):
            yield from (one for one in call_arguments(part) if one.get("class") == "COLUMN_REF")
