"""Generated pairs of frames, and a slow comparison of them."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "part_id": pa.int32(),
    "price": pa.float64(),
    "weight": pa.float32(),
    "amount": pa.decimal128(12, 3),
    "name": pa.string(),
    "tags": pa.list_(pa.float64()),
    "place": pa.struct([("x", pa.int64()), ("y", pa.string())]),
    "at": pa.timestamp("us"),
    "is_new": pa.bool_(),
}
FLOATS = {"price": 52, "weight": 23}
"""Columns of floats, and the bits of their fractions."""
Rows = list[dict[str, Any]]


@dataclass
class Expected:
    """Counts of a slow comparison."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    rounded: int = 0
    cells: Counter[str] = field(default_factory=Counter)


def make_pair(seed: int) -> tuple[pa.Table, pa.Table]:
    """Return two tables; the second one is a changed copy of the first."""
    dice = random.Random(seed)
    names = dice.sample(list(TYPES), dice.randint(1, len(TYPES)))
    has_key = "id" in names and dice.random() < 0.7
    rows = [
        _row(dice, names, number if has_key else None) for number in range(dice.choice([0, 1, 3, 12, 40]))
    ]
    if dice.random() < 0.3:
        rows += dice.choices(rows, k=dice.randint(1, 3)) if rows else []
    other = [dict(row) for row in rows]
    other_names = list(names)
    for change in dice.choices(_CHANGES, k=dice.choice([0, 1, 1, 2, 3])):
        change(dice, other, names)
    if dice.random() < 0.2:
        dice.shuffle(other_names)
    types = dict(TYPES)
    if "part_id" in names and dice.random() < 0.15:
        types["part_id"] = dice.choice([pa.int64(), pa.float64()])
    if len(names) > 1 and dice.random() < 0.15:
        other_names.remove(dice.choice(other_names))
    if dice.random() < 0.1:
        other_names.insert(0, "extra")
        types["extra"] = pa.int64()
        other = [{**row, "extra": 1} for row in other]
    return _table(rows, names, TYPES), _table(other, other_names, types)


def _row(dice: random.Random, names: Sequence[str], number: int | None) -> dict[str, Any]:
    row = {name: _value(dice, name) for name in names}
    return row if number is None else {**row, "id": number}


def _value(dice: random.Random, name: str) -> Any:
    if dice.random() < 0.1:
        return None
    number = dice.randint(-3, 5)
    if name in FLOATS:
        return dice.choice(
            [number / 4, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300 if name == "price" else 1e30]
        )
    values: dict[str, Any] = {
        "amount": Decimal(number) / 8,
        "name": dice.choice(["", "a", "A", "ä", "a b", f"n{number}"]),
        "tags": [float(dice.randint(0, 2)) for _ in range(dice.randint(0, 2))]
        + ([math.nan] if number == 5 else []),
        "place": {"x": number, "y": dice.choice([None, "k"])},
        "at": datetime.fromtimestamp(1_700_000_000 + number, UTC).replace(tzinfo=None),
        "is_new": number > 0,
    }
    return values.get(name, number)


def _change_cells(dice: random.Random, rows: Rows, names: Sequence[str]) -> None:
    for _ in range(dice.randint(1, 4)):
        if rows:
            name = dice.choice(names)
            dice.choice(rows)[name] = _value(dice, name)


def _round_cells(dice: random.Random, rows: Rows, names: Sequence[str]) -> None:
    for name in FLOATS.keys() & set(names):
        for row in dice.sample(rows, min(3, len(rows))):
            value = row[name]
            if value is not None and math.isfinite(value) and value:
                ulp = 2.0 ** (math.floor(math.log2(abs(value))) - FLOATS[name])
                row[name] = value + dice.choice([1, 3, 9]) * ulp


def _remove_rows(dice: random.Random, rows: Rows, _names: Sequence[str]) -> None:
    for _ in range(min(len(rows), dice.randint(1, 3))):
        rows.pop(dice.randrange(len(rows)))


def _add_rows(dice: random.Random, rows: Rows, names: Sequence[str]) -> None:
    for _ in range(dice.randint(1, 3)):
        rows.insert(
            dice.randint(0, len(rows)),
            _row(dice, names, 100 + dice.randint(0, 50) if "id" in names else None),
        )


def _shuffle_rows(dice: random.Random, rows: Rows, _names: Sequence[str]) -> None:
    dice.shuffle(rows)


_CHANGES = (_change_cells, _round_cells, _remove_rows, _add_rows, _shuffle_rows)


def _table(rows: Rows, names: Sequence[str], types: dict[str, pa.DataType]) -> pa.Table:
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        if types[name] == pa.float64() and name == "part_id":
            values = [None if value is None else float(value) for value in values]
        columns.append(pa.array(values, types[name]))
    return pa.table(columns, names=list(names))


def canonical(value: Any) -> Any:
    """Return a hashable value that is equal for equal cells: NaN = NaN, -0 = 0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, list):
        return tuple(map(canonical, value))
    if isinstance(value, dict):
        return tuple((key, canonical(item)) for key, item in value.items())
    return value


def cell_verdict(left: Any, right: Any, bits: int | None) -> str:
    """Return ``same``, ``rounded`` or ``differs``."""
    if canonical(left) == canonical(right):
        return "same"
    if bits is None or left is None or right is None or not (math.isfinite(left) and math.isfinite(right)):
        return "differs"
    largest = max(abs(left), abs(right))
    ulp = 2.0 ** (max(math.floor(math.log2(largest)), -1022 if bits == 52 else -126) - bits)
    return "rounded" if abs(left - right) <= 4 * ulp else "differs"


def float_bits(left: pa.Table, right: pa.Table, name: str) -> int | None:
    """Return the bits of the fraction in which a column is compared; None for one without rounding."""
    kinds = {left.schema.field(name).type, right.schema.field(name).type}
    if pa.types.is_float64(next(iter(kinds))) or pa.float64() in kinds:
        return 52
    return 23 if kinds == {pa.float32()} else None


def by_pairs(
    left: pa.Table, right: pa.Table, names: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> Expected:
    """Compare the cells of pairs of rows."""
    expected = Expected()
    values = {name: (left[name].to_pylist(), right[name].to_pylist()) for name in names}
    bits = {name: float_bits(left, right, name) for name in names}
    for before, after in pairs:
        verdicts = {
            name: cell_verdict(one[before], two[after], bits[name]) for name, (one, two) in values.items()
        }
        differing = [name for name, verdict in verdicts.items() if verdict == "differs"]
        expected.changed += bool(differing)
        expected.cells.update(differing)
        expected.rounded += sum(verdict == "rounded" for verdict in verdicts.values())
    return expected


def keys_of(table: pa.Table, key: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the key of each row."""
    return list(zip(*([canonical(value) for value in table[name].to_pylist()] for name in key), strict=True))


def is_key(table: pa.Table, key: Sequence[str]) -> bool:
    """Return True if a key has no NULL and no duplicates."""
    keys = keys_of(table, key)
    return len(set(keys)) == len(keys) and not any(None in one for one in keys)


def by_key(left: pa.Table, right: pa.Table, names: Sequence[str], key: Sequence[str]) -> Expected:
    """Compare rows with the same key."""
    before, after = ({one: at for at, one in enumerate(keys_of(table, key))} for table in (left, right))
    shared = [(at, after[one]) for one, at in before.items() if one in after]
    expected = by_pairs(left, right, [name for name in names if name not in key], shared)
    expected.added, expected.removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    return expected


def by_rows(left: pa.Table, right: pa.Table, names: Sequence[str]) -> Expected:
    """Count rows that occur more often in one table."""
    before, after = (Counter(keys_of(table, names)) for table in (left, right))
    return Expected((after - before).total(), (before - after).total())
