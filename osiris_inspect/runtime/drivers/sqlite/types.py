"""Types of SQLite: every value has its own, and a column declares one that the values need not have.

A column arrives in the type that it declares, also for 0 rows. A column without a declared type, such as a computed one,
arrives in the type that all its values have. A value of another type is an error that names it.

============================================  =====================  =============================================
declared                                      values                 frame
============================================  =====================  =============================================
a name with INT                               integers               int64
a name with CHAR, CLOB or TEXT                texts                  text
a name with REAL, FLOA or DOUB                numbers                float64
NUMERIC, DECIMAL, DEC, NUMBER                 numbers                float64; an integer that it rounds is an error
BOOLEAN, BOOL                                 0 and 1                bool
DATE                                          ``2024-02-29``         date
DATETIME, TIMESTAMP                           ISO 8601, no zone      timestamp
DATETIME, TIMESTAMP, TIMESTAMPTZ              ISO 8601 with a zone   timestamp in UTC
TIME                                          ``23:59:59``           time
a name with BLOB, another name, or none       of one type            int64, float64, text or bytes
============================================  =====================  =============================================

"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, Final

import pyarrow as pa

from osiris_inspect.model.errors import DriverError

_MAX_SHOWN: Final = 60
DECIMAL_NAMES: Final = frozenset({"NUMERIC", "DECIMAL", "DEC", "NUMBER"})
_MOMENT_NAMES: Final = frozenset(
    {
        "DATETIME",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP WITHOUT TIME ZONE",
    }
)
_ZONED: Final = re.compile(r"[\d.][ ]?(?:[Zz]|[+-]\d\d(?::?\d\d)?)$")
_CLOCK: Final = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?")
_MIN_MOMENT_CHARS: Final = 12
"""Characters of a date and the first of a time, after which a sign begins a zone."""
_CLASSES: Final[dict[type, str]] = {int: "an integer", float: "a real number", str: "a text", bytes: "a BLOB"}
_TEXT_FIX: Final = "correct the value, or select CAST({name} AS TEXT) in the query"
_STORED_FIX: Final = "correct the value, or set types: stored, which reads the column as it is stored"
_MIXED_FIX: Final = "cast the column to one type in the query, for example CAST({name} AS TEXT)"


@dataclass(frozen=True, slots=True)
class SqliteColumn:
    """Column of a result.

    Attributes:
        name: its name in the result, which need not be unique.
        declared: the declared type; empty without one.
        accepts: Python types of its values.
        convert: returns values of these types as an Arrow array.
        fix: what to do about other values.
    """

    name: str
    declared: str
    accepts: frozenset[type]
    convert: Callable[[Sequence[Any]], pa.Array]
    fix: str
    type: pa.DataType

    def read(self, cells: Sequence[Any], first_row: int) -> pa.Array:
        """Return values as an array; ``first_row`` is the number of the first one's row, from 1.

        Raises:
            DriverError: a value is not of the column's type; names it and its row.
        """
        if set(map(type, cells)) <= self.accepts:
            try:
                return self.convert(cells)
            except MemoryError:  # also an Arrow exception
                raise
            except (pa.ArrowException, LookupError, ValueError, OverflowError):
                pass
        raise self._refused(cells, first_row)

    def _refused(self, cells: Sequence[Any], first_row: int) -> DriverError:
        position = next(position for position, cell in enumerate(cells) if not self._fits(cell))
        cell, row = cells[position], first_row + position
        shown = repr(cell)
        shown = shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"
        declared = f"of type {self.declared}" if self.declared else f"of {self.type} values"
        return DriverError(
            f"column {self.name!r} {declared} contains {_CLASSES[type(cell)]}, {shown}, in row {row:,}",
            kind="value-not-convertible",
            fix=self.fix.format(name=self.name),
            column=self.name,
            row=row,
            type=str(self.type),
            value_type=_CLASSES[type(cell)].split(" ", 1)[1],
        )

    def _fits(self, cell: Any) -> bool:
        if type(cell) not in self.accepts:
            return False
        try:
            self.convert([cell])
        except (pa.ArrowException, LookupError, ValueError, OverflowError):
            return False
        return True


def column_of(
    name: str, declared: str, values: Collection[Any], *, reads_declared: bool = True
) -> SqliteColumn | None:
    """Return a column by its declared type; None if only the types of its values are known.

    ``values`` are the first ones, which say whether moments have a zone. Without ``reads_declared``, dates, times and
    truth values arrive as they are stored.
    """
    base = base_name(declared)
    if base in _MOMENT_NAMES or base in _SPECIAL:
        if not reads_declared:
            return None
        is_zoned = base in _ZONED_NAMES or any(map(_has_zone, values))
        moment = (pa.timestamp("us", "UTC" if is_zoned else None), str)
        kind, stored = _SPECIAL.get(base, moment)
        return _column(name, declared, kind, {stored}, _STORED_FIX)
    if base in DECIMAL_NAMES:
        return _column(name, declared, pa.float64(), {int, float}, _TEXT_FIX)
    if affinity(declared) not in _AFFINITY_TYPES:
        return None
    kind, accepted = _AFFINITY_TYPES[affinity(declared)]
    return _column(name, declared, kind, accepted, _TEXT_FIX)


def base_name(declared: str) -> str:
    """Return a declared type in upper case, without its length."""
    return declared.partition("(")[0].strip().upper()


def affinity(declared: str) -> str:
    """Return the type to which SQLite converts values of a column, if it can: BLOB converts none."""
    base = base_name(declared)
    if not base:
        return "BLOB"
    return next(
        (name for name, parts in _AFFINITIES.items() if any(part in base for part in parts)), "NUMERIC"
    )


def column_of_values(
    name: str, declared: str, kinds: Collection[type], if_empty: pa.DataType
) -> SqliteColumn:
    """Return a column by the Python types of all its values.

    Raises:
        DriverError: they differ, apart from integers beside real numbers.
    """
    found = frozenset(kinds) - {type(None)}
    if not found:
        return _column(name, declared, if_empty, set(), _MIXED_FIX)
    if len(found) == 1:
        (kind,) = found
        return _column(name, declared, _TYPES[kind], {kind}, _MIXED_FIX)
    if found == {int, float}:
        return _column(name, declared, pa.float64(), {int, float}, _MIXED_FIX)
    names = " and ".join(sorted(_CLASSES[kind].split(" ", 1)[1] + "s" for kind in found))
    raise DriverError(
        f"column {name!r} contains values of several types: {names}",
        kind="value-not-convertible",
        fix=_MIXED_FIX.format(name=name),
        column=name,
        value_types=sorted(_CLASSES[kind].split(" ", 1)[1] for kind in found),
    )


def _column(name: str, declared: str, kind: pa.DataType, accepts: set[type], fix: str) -> SqliteColumn:
    convert = _CONVERTERS.get(kind, lambda cells: pa.array(cells, kind))
    return SqliteColumn(name, declared, frozenset({*accepts, type(None)}), convert, fix, kind)


def _has_zone(value: Any) -> bool:
    return (
        isinstance(value, str)
        and len(value) > _MIN_MOMENT_CHARS
        and _ZONED.search(value, _MIN_MOMENT_CHARS) is not None
    )


def _times(cells: Sequence[Any]) -> pa.Array:
    return pa.array([None if cell is None else _time(cell) for cell in cells], pa.time64("us"))


def _time(text: str) -> time:
    if _CLOCK.fullmatch(text) is None:  # Python takes more than one form
        raise ValueError(text)
    return time.fromisoformat(text)


def _parser(kind: pa.DataType) -> Callable[[Sequence[Any]], pa.Array]:
    """Return a function that parses texts as Arrow does, which takes ISO 8601 only."""
    return lambda cells: pa.array(cells, pa.string()).cast(kind)


_SWITCHES: Final = {None: None, 0: False, 1: True}
_ZONED_NAMES: Final = frozenset({"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"})
_SPECIAL: Final[dict[str, tuple[pa.DataType, type]]] = {
    "BOOLEAN": (pa.bool_(), int),
    "BOOL": (pa.bool_(), int),
    "DATE": (pa.date32(), str),
    "TIME": (pa.time64("us"), str),
}
_AFFINITIES: Final = {
    "INTEGER": ("INT",),
    "TEXT": ("CHAR", "CLOB", "TEXT"),
    "BLOB": ("BLOB",),
    "REAL": ("REAL", "FLOA", "DOUB"),
}
"""Affinity to the parts of a declared type that mean it, in SQLite's own order."""
_AFFINITY_TYPES: Final[dict[str, tuple[pa.DataType, set[type]]]] = {
    "INTEGER": (pa.int64(), {int}),
    "TEXT": (pa.large_string(), {str}),
    "REAL": (pa.float64(), {int, float}),
}
_TYPES: Final[dict[type, pa.DataType]] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.large_string(),
    bytes: pa.large_binary(),
}
_CONVERTERS: Final[dict[pa.DataType, Callable[[Sequence[Any]], pa.Array]]] = {
    pa.bool_(): lambda cells: pa.array([_SWITCHES[cell] for cell in cells], pa.bool_()),
    pa.time64("us"): _times,
    **{kind: _parser(kind) for kind in (pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"))},
}
