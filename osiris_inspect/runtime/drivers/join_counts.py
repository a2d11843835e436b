"""Counts of the keys of a join of two inputs, so that a reader of the run sees whether it multiplied or lost rows.

Only a query with one SELECT, one join of two inputs by equal columns and no filter is counted; others are left out, and
so are inputs that would take too long to count.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

MAX_ROWS: Final = 30_000
"""Rows of an input above which nothing is counted."""
MAX_HASHED_ROWS: Final = 5_000
"""Rows of an input above which text, several columns and sparse numbers are not counted: they have to be hashed."""
_MAX_SPARSENESS: Final = 10
_NAME: Final = r"(\"[^\"]{1,200}\"|[a-z_]\w{0,200})"
_JOIN_WORDS: Final = "inner|left|right|full|join|on|using|semi|anti|cross|natural|asof|positional|lateral"
_ALIAS: Final = rf"(?:\s+(?:as\s+)?(?!(?:{_JOIN_WORDS})\b){_NAME})?"
_OTHER: Final = re.compile(r"'[^']*'|--[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)")
_JOIN: Final = re.compile(
    rf"\bfrom\s+{_NAME}{_ALIAS}\s+(?:inner\s+|(?:left|right|full)\s+(?:outer\s+)?)?join\s+{_NAME}{_ALIAS}\s+"
    r"(?:using\s*\((?P<using>[^()]{1,1000})\)|on\s+(?P<on>[^;]{1,2000}))",
    re.IGNORECASE,
)
_EQUAL: Final = re.compile(
    rf"\(?\s{{0,40}}{_NAME}\s{{0,40}}\.\s{{0,40}}{_NAME}\s{{0,40}}=\s{{0,40}}{_NAME}\s{{0,40}}\.\s{{0,40}}{_NAME}\s{{0,40}}\)?",
    re.IGNORECASE,
)
_NEXT_CLAUSE: Final = re.compile(r"\b(?:group\s+by|order\s+by|limit|having|window)\b", re.IGNORECASE)
_FILTERS: Final = re.compile(r"\b(?:where|qualify|sample|union|except|intersect|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JoinKeys:
    """Two tables and the pairs of columns that must be equal; table names are in lower case."""

    left: str
    right: str
    pairs: tuple[tuple[str, str], ...]


def count_join(
    query: str, rows: Mapping[str, int], key_columns: Callable[[str, Sequence[str]], pa.Table]
) -> dict[str, int] | None:
    """Return the counts of the join of a query; None if it has no such join or its inputs are too large.

    ``rows`` holds the rows of each input by its table names in lower case; ``key_columns`` reads columns of a table.

    Raises:
        KeyError, pyarrow.ArrowException: the keys cannot be read or compared.
    """
    keys = find_join(query)
    if keys is None or keys.left not in rows or keys.right not in rows or keys.left == keys.right:
        return None
    left_rows, right_rows = rows[keys.left], rows[keys.right]
    if max(left_rows, right_rows) > MAX_ROWS:
        return None
    left, right = (
        key_columns(table, [pair[side] for pair in keys.pairs])
        for side, table in enumerate((keys.left, keys.right))
    )
    codes = _dense_codes(left, right)
    if codes is None and max(left_rows, right_rows) > MAX_HASHED_ROWS:
        return None
    codes = _codes(left, right) if codes is None else codes
    left_counts, right_counts = _counts(codes[:left_rows]), _counts(codes[left_rows:])
    size = max(len(left_counts), len(right_counts))
    left_counts = np.pad(left_counts, (0, size - len(left_counts)))
    right_counts = np.pad(right_counts, (0, size - len(right_counts)))
    return {
        "left_rows": left_rows,
        "right_rows": right_rows,
        "matched": int(left_counts[right_counts > 0].sum()),
        "right_matched": int(right_counts[left_counts > 0].sum()),
        "left_duplicates": int(np.maximum(left_counts - 1, 0).sum()),
        "right_duplicates": int(np.maximum(right_counts - 1, 0).sum()),
    }


def find_join(query: str) -> JoinKeys | None:
    """Return the only join of a query; None if there is none that can be counted."""
    text = _OTHER.sub(" ", query)
    words = re.findall(r"\w+", text.lower())
    if any(words.count(word) != 1 for word in ("select", "from", "join")) or _FILTERS.search(text):
        return None
    match = _JOIN.search(text)
    if match is None:
        return None
    left, left_alias, right, right_alias = (_plain(name) for name in match.groups()[:4])
    if match["using"]:
        names = [_plain(name.strip()) for name in match["using"].split(",")]
        return JoinKeys(left.lower(), right.lower(), tuple((name, name) for name in names))
    sides = ((left_alias or left).lower(), (right_alias or right).lower())
    pairs = _pairs(_NEXT_CLAUSE.split(match["on"])[0], sides)
    return JoinKeys(left.lower(), right.lower(), pairs) if pairs else None


def _pairs(condition: str, sides: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the columns that must be equal; empty if the condition has anything else."""
    pairs = []
    for part in re.split(r"\band\b", condition, flags=re.IGNORECASE):
        match = _EQUAL.fullmatch(part.strip())
        if match is None:
            return ()
        one, one_column, other, other_column = (_plain(name) for name in match.groups())
        columns = {one.lower(): one_column, other.lower(): other_column}
        if set(columns) != set(sides):
            return ()
        pairs.append((columns[sides[0]], columns[sides[1]]))
    return tuple(pairs)


def _plain(name: str | None) -> str:
    return (name or "").strip('"')


def _dense_codes(left: pa.Table, right: pa.Table) -> Any:
    """Return the keys themselves, from 0, if they are whole numbers of one column without large gaps; else None."""
    columns = [column for table in (left, right) for column in table.columns]
    if len(columns) != 2 or not all(
        pa.types.is_integer(column.type) and not column.null_count for column in columns
    ):
        return None
    values = [column.to_numpy() for column in columns]
    if not all(map(len, values)):
        return None
    low = min(int(part.min()) for part in values)
    high = max(int(part.max()) for part in values)
    if high - low > _MAX_SPARSENESS * sum(map(len, values)):
        return None
    return np.concatenate([part.astype(np.int64) - low for part in values])


def _codes(left: pa.Table, right: pa.Table) -> Any:
    """Return a number per key, first of the left rows, then of the right; -1 for a key with a null."""
    codes: Any = None
    is_null: Any = False
    for one, other in zip(left.columns, right.columns, strict=True):
        both = pa.chunked_array([*one.chunks, *other.cast(one.type).chunks], one.type)
        encoded = both.combine_chunks().dictionary_encode()
        numbers = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        if encoded.null_count:
            is_null = is_null | encoded.is_null().to_numpy(zero_copy_only=False)
        if codes is None:
            codes = numbers.astype(np.int64)
        else:  # the pair of two numbers, renumbered
            pairs = codes * len(encoded.dictionary) + numbers
            codes = np.unique(pairs, return_inverse=True)[1]
    return np.where(is_null, -1, codes)


def _counts(codes: Any) -> Any:
    has_nulls = len(codes) and codes.min() < 0
    return np.bincount(codes[codes >= 0] if has_nulls else codes)
