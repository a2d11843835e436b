"""The parts of a filter."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, Protocol

Sign = Literal["=", "!=", "~", "!~", ">", "<", ">=", "<="]
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?", re.ASCII)


class FilterRow(Protocol):
    """A row that a filter is applied to."""

    def field(self, key: str) -> object | None:
        """Return the value of a field; None if there is none."""

    @property
    def text(self) -> str:
        """The whole row, in lower case."""

    @property
    def ts(self) -> float | None:
        """The time of the row."""


class Expression(Protocol):
    """A part of a filter."""

    def matches(self, row: FilterRow) -> bool:
        """Return True if the part matches a row."""


@dataclass(frozen=True, slots=True)
class TextContains:
    """A search for a text, in lower case."""

    text: str

    def __str__(self) -> str:
        return json.dumps(self.text, ensure_ascii=False)

    def matches(self, row: FilterRow) -> bool:
        """Return True if the row's text contains it."""
        return self.text in row.text


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """A comparison of a field with a value in lower case."""

    key: str
    operator: Sign
    value: str

    def __str__(self) -> str:
        is_plain = re.fullmatch(r'[^\s()"]+', self.value) is not None
        return (
            f"{self.key}{self.operator}{self.value}"
            if is_plain
            else f'{self.key}{self.operator}"{self.value}"'
        )

    def matches(self, row: FilterRow) -> bool:
        """Return True if the row's field compares so."""
        if self.operator in ("!=", "!~"):
            positive: Sign = "=" if self.operator == "!=" else "~"
            return not FieldComparison(self.key, positive, self.value).matches(row)
        if self.key == "text":
            return self.compare_value(row.text)
        value = row.field(self.key)
        if isinstance(value, tuple):
            return any(self.compare_value(one) for one in value)
        return value is not None and self.compare_value(value)

    def compare_value(self, value: object) -> bool:
        """Return True if a value that is not None compares so."""
        if self.operator == "~":
            return self.value in _text(value)
        if self.operator == "=":
            if isinstance(value, int | float) and (limit := number_in(self.value)) is not None:
                number = parse_number(value)
                if number is not None:
                    return number == limit
            return _equal(_text(value), self.value)
        number, limit = parse_number(value), number_in(self.value)
        if number is None or limit is None:
            return False
        if self.operator in (">", ">="):
            return number > limit or (self.operator == ">=" and number == limit)
        return number < limit or (self.operator == "<=" and number == limit)


@dataclass(frozen=True, slots=True)
class TimeBound:
    """A bound in seconds since 1970; a row without a time does not match."""

    bound: Literal["since", "until"]
    timestamp: float

    def __str__(self) -> str:
        return f"{self.bound}={datetime.fromtimestamp(self.timestamp, UTC).isoformat()}"

    def matches(self, row: FilterRow) -> bool:
        """Return True if the row is on the right side of the bound."""
        if row.ts is None:
            return False
        return row.ts >= self.timestamp if self.bound == "since" else row.ts <= self.timestamp


@dataclass(frozen=True, slots=True)
class Not:
    """A negated part."""

    part: Expression

    def __str__(self) -> str:
        return f"not {self.part}"

    def matches(self, row: FilterRow) -> bool:
        """Return True if the part does not match."""
        return not self.part.matches(row)


@dataclass(frozen=True, slots=True)
class And:
    """Parts that must all match; no parts match everything."""

    parts: tuple[Expression, ...] = ()

    def __str__(self) -> str:
        return f"({' '.join(map(str, self.parts))})"

    def matches(self, row: FilterRow) -> bool:
        """Return True if all parts match."""
        return all(part.matches(row) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Parts of which one must match."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.parts))})"

    def matches(self, row: FilterRow) -> bool:
        """Return True if one part matches."""
        return any(part.matches(row) for part in self.parts)


def highlight_terms(node: Expression) -> Iterator[str]:
    """The texts to highlight in matching rows, in lower case."""
    if isinstance(node, TextContains):
        yield node.text
    elif isinstance(node, FieldComparison) and node.operator == "~":
        yield node.value
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from highlight_terms(part)


def positive_comparisons(node: Expression) -> Iterator[FieldComparison]:
    """Yield the comparisons that select events, without those that only exclude events."""
    if isinstance(node, FieldComparison) and node.operator not in ("!=", "!~"):
        yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from positive_comparisons(part)


def _equal(text: str, value: str) -> bool:
    """Return True if a text equals a value, in which ``*`` and ``?`` are wildcards."""
    pattern = _wildcard_pattern(value)
    if pattern is not None:
        return pattern.fullmatch(text) is not None
    return text == value or ((limit := number_in(value)) is not None and parse_number(text) == limit)


@lru_cache(maxsize=256)
def _wildcard_pattern(value: str) -> re.Pattern[str] | None:
    if "*" not in value and "?" not in value:
        return None
    return re.compile(re.escape(value).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


@lru_cache(maxsize=256)
def number_in(value: str) -> float | None:
    """Return the number that a comparison names; parsed once, as it is compared with many events."""
    return parse_number(value)


def parse_number(value: object) -> float | None:
    """Return the number in a value; None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None  # float() also accepts 1_000 and "infinity"
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return None


def as_text(value: object) -> str:
    """Return a value as filters see it: a text unchanged, another value as JSON, and ``None`` for None."""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text(value: object) -> str:
    return as_text(value).lower()
