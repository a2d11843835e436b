"""SQL conditions of checks: which rows of a frame do not meet a check.

NULL and NaN are missing values: they meet every constraint of ``values``, and a key with one is not compared.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from osiris_inspect.base.check_results import CheckKind
from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion.natural import Natural

_NUMBER: Final = re.compile(r"U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*|BIGNUM")
_TIME: Final = re.compile(r"DATE|TIMESTAMP.*|TIME\b.*|INTERVAL")
_TEXTS: Final = frozenset({"VARCHAR", "UUID", "JSON"})
_FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_MAX_NAMES: Final = 50
"""Columns that an error names."""
_NULL: Final = '"NULL"'
_OPERATORS: Final[Mapping[CheckKind, str]] = {"min": "<", "max": ">"}


@dataclass(frozen=True, slots=True)
class CheckedColumn:
    """Column of the checked frame.

    Attributes:
        name: its name in the driver's frame; ``physical`` is its name in SQL.
        kind: its type in SQL.
        natural: its form.
        expression: SQL that yields its natural form from the stored one; None if they are the same.
    """

    name: str
    physical: str
    kind: str
    natural: Natural
    expression: str | None = None

    @property
    def stored(self) -> str:
        """Expression of its value as it is stored; NULL for a missing one."""
        name = quote_name(self.physical)
        if self.natural.kind == "decimal":
            return f"nullif({name}, 'NaN')"
        return f"nullif({name}, 'NaN'::{self.kind})" if self.kind in _FLOATS else name

    @property
    def value(self) -> str:
        """Expression of its value in natural form; NULL for a missing one."""
        if self.natural.kind == "decimal":
            return f"CAST({self.stored} AS DOUBLE)"
        return f"{self.stored}::VARCHAR" if self.family == "text" else self.expression or self.stored

    @property
    def json(self) -> str:
        """Expression of its value in JSON, with all its digits."""
        name = quote_name(self.physical)
        match self.natural.kind:
            case "duration":
                return f"to_json({name} || ' {self.natural.detail}')"
            case "json":
                return f"CASE WHEN json_valid({name}) THEN {name} ELSE to_json({name}) END"
            case "none":
                return (
                    f"CASE WHEN {name} IS NOT NULL THEN to_json({quote_text(f'<{self.natural.reason}>')}) END"
                )
        return f"to_json({name})"

    @property
    def family(self) -> str:
        """Kind of its values, as far as constraints tell them apart; empty for one without constraints."""
        if self.natural.kind == "none":
            return ""
        if self.natural.kind == "decimal" or _NUMBER.fullmatch(self.kind):
            return "number"
        if self.kind in _TEXTS or self.kind.startswith("ENUM"):
            return "text"
        if _TIME.fullmatch(self.kind):
            return "time"
        return "boolean" if self.kind == "BOOLEAN" else ""


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """Check whose failed rows one condition finds.

    Attributes:
        condition: True for a row that does not meet the check.
        refusal: why the check cannot be applied to the type of the column; the condition then finds its values.
    """

    check: CheckKind
    columns: tuple[CheckedColumn, ...]
    expected: Any
    condition: str
    refusal: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns in the driver's frame."""
        return tuple(column.name for column in self.columns)


def plan_checks(checks: Mapping[str, Any], columns: Sequence[CheckedColumn]) -> Iterator[PlannedCheck]:
    """Yield the checks of columns; a key's condition finds rows whose key has all its values.

    Raises:
        DriverError: the frame lacks a column that a check names.
    """
    for name in checks.get("not_null", ()):
        column = _find(name, columns, "not_null")
        yield PlannedCheck("not_null", (column,), None, f"{column.stored} IS NULL")
    for key in checks.get("unique", ()):
        found = tuple(_find(name, columns, "unique") for name in key)
        yield PlannedCheck(
            "unique", found, None, " AND ".join(f"{column.stored} IS NOT NULL" for column in found)
        )
    for name, constraints in checks.get("values", {}).items():
        column = _find(name, columns, "values")
        for check, expected in constraints.items():
            yield _plan_constraint(check, column, expected)


def _plan_constraint(check: CheckKind, column: CheckedColumn, expected: Any) -> PlannedCheck:
    refusal = "" if column.kind == _NULL else _refusal(check, column, expected)
    if refusal or column.kind == _NULL:
        return PlannedCheck(check, (column,), expected, f"{column.stored} IS NOT NULL", refusal)
    value = column.value
    if check == "in":
        condition = f"{value} NOT IN ({', '.join(_literal(item, column) for item in expected)})"
    elif check == "regex":
        condition = f"NOT regexp_full_match({value}, {quote_text(expected)})"
    else:
        condition = f"{value} {_OPERATORS[check]} {_literal(expected, column)}"
    return PlannedCheck(check, (column,), expected, condition)


def _refusal(check: CheckKind, column: CheckedColumn, expected: Any) -> str:
    """Return why a constraint cannot be applied to a column; empty if it can."""
    if check == "regex":
        return "" if column.family == "text" else "regex needs text"
    if column.family == "boolean" and check != "in":
        return f"{check} needs numbers, text or times"
    needed: Mapping[str, tuple[type, ...]] = {
        "number": (int, float), "text": (str,), "time": (str,), "boolean": (bool,)
    }  # fmt: skip
    types = needed.get(column.family)
    if types is None:
        return f"{check} needs numbers, text, times or booleans"
    for item in expected if check == "in" else [expected]:
        if not isinstance(item, types) or (isinstance(item, bool) and bool not in types):
            return f"{check} is {item!r}"
    return ""


def _find(name: str, columns: Sequence[CheckedColumn], check: str) -> CheckedColumn:
    """Return the column with this name in the frame, or else in SQL."""
    found = [column for column in columns if column.name == name]
    found = found or [column for column in columns if column.physical == name]
    if len(found) == 1:
        return found[0]
    names = [column.name for column in columns]
    if found:
        raise DriverError(
            f"the check {check} names column {name!r}, which the frame has {len(found)} times",
            kind="frame-refused",
            fix="rename the columns in the step that makes the frame",
            check=check,
            column=name,
            columns=names[:_MAX_NAMES],
        )
    hint = did_you_mean(name, tuple(names))
    present = ", ".join(map(repr, names[:_MAX_NAMES])) or "no columns"
    raise DriverError(
        f"the check {check} names column {name!r}, which the frame lacks{hint}; the frame has {present}",
        kind="column-missing",
        fix="correct the name in checks",
        check=check,
        column=name,
        columns=names[:_MAX_NAMES],
    )


def _literal(value: Any, column: CheckedColumn) -> str:
    if isinstance(value, str):
        return f"CAST({quote_text(value)} AS {column.kind})" if column.family == "time" else quote_text(value)
    return str(value).upper()
