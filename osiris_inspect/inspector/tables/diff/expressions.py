"""SQL expressions that compare the columns of two frames, named ``l`` and ``r``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from osiris_inspect.base.sql_literals import quote_name

SAME, DIFFERS, ROUNDED = 0, 1, 2
"""Values of ``cell_code``."""
MAX_ULPS: Final = 4
"""Units in the last place by which equal floats may differ."""
_INTEGERS: Final = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?")
_NESTED: Final = re.compile(r"\]$|^(?:STRUCT|MAP|UNION)\b")
_FLOATS: Final = {"FLOAT": 23, "DOUBLE": 52}
"""Types of floats, and the bits of their fractions."""
_MIN_EXPONENTS: Final = {"FLOAT": -126, "DOUBLE": -1022}


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """A column that both frames have.

    Attributes:
        type: the type in which its values are compared: their own, or a common one.
    """

    name: str
    left_type: str
    right_type: str
    type: str

    def value(self, side: Literal["l", "r"]) -> str:
        """Return the SQL of its value in one frame."""
        own = self.left_type if side == "l" else self.right_type
        column = f"{side}.{quote_name(self.name)}"
        return column if own == self.type else f"CAST({column} AS {self.type})"


def shared_columns(left: Mapping[str, str], right: Mapping[str, str]) -> tuple[SharedColumn, ...]:
    """Return the columns of both frames, in the order of the first one; the mappings are types by name."""
    return tuple(
        SharedColumn(name, kind, right[name], _common_type(kind, right[name]))
        for name, kind in left.items()
        if name in right
    )


def column_changes(left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[str]:
    """Yield the differences of names, types and order, in words."""
    for name in dict.fromkeys([*left, *right]):
        if name not in right:
            yield f"column {name!r} is gone"
        elif name not in left:
            yield f"column {name!r} is new"
        elif left[name] != right[name]:
            yield f"type of {name!r} {left[name]} → {right[name]}"
    if [name for name in left if name in right] != [name for name in right if name in left]:
        yield "order of columns"


def cell_code(column: SharedColumn, tolerance: float | None) -> str:
    """Return SQL that is ``SAME``, ``DIFFERS`` or ``ROUNDED`` for a pair of values; NULL = NULL, NaN = NaN, -0 = 0."""
    left, right = column.value("l"), column.value("r")
    if column.type not in _FLOATS:
        return f"(CASE WHEN {left} IS NOT DISTINCT FROM {right} THEN {SAME} ELSE {DIFFERS} END)"
    a, b = f"CAST({left} AS DOUBLE)", f"CAST({right} AS DOUBLE)"
    largest = f"greatest(abs({a}), abs({b}))"
    exponent = f"greatest(floor(log2({largest})), {_MIN_EXPONENTS[column.type]})"
    limit = f"{MAX_ULPS} * pow(2, {exponent} - {_FLOATS[column.type]})"
    if tolerance is not None:
        limit = f"greatest({limit}, {tolerance!r} * greatest(1, {largest}))"
    return (
        f"(CASE WHEN {left} IS NOT DISTINCT FROM {right} THEN {SAME} "
        f"WHEN {left} IS NULL OR {right} IS NULL OR NOT isfinite({left}) OR NOT isfinite({right}) THEN {DIFFERS} "
        f"WHEN abs({a} - {b}) <= {limit} THEN {ROUNDED} ELSE {DIFFERS} END)"
    )


def row_hash(columns: Sequence[SharedColumn], side: Literal["l", "r"]) -> str:
    """Return SQL of a 64-bit hash of some columns; equal values have equal hashes."""
    return f"hash({', '.join(_hashed(column, side) for column in columns)})" if columns else "0::UBIGINT"


def _hashed(column: SharedColumn, side: Literal["l", "r"]) -> str:
    """Return the SQL of a value with a good hash: DuckDB hashes NULL, [], [NULL] and {'x': NULL} alike."""
    value = column.value(side)
    return f"CAST({value} AS VARCHAR)" if _NESTED.search(column.type) else value


def any_null(columns: Sequence[SharedColumn], side: Literal["l", "r"]) -> str:
    """Return SQL that is true if a column has no value."""
    return " OR ".join(f"{column.value(side)} IS NULL" for column in columns)


def _common_type(left: str, right: str) -> str:
    if left == right:
        return left
    if _INTEGERS.fullmatch(left) and _INTEGERS.fullmatch(right):
        return "HUGEINT"
    return "DOUBLE" if _is_number(left) and _is_number(right) else "VARCHAR"


def _is_number(kind: str) -> bool:
    return kind in _FLOATS or kind.startswith("DECIMAL") or _INTEGERS.fullmatch(kind) is not None
