"""The parts of a filter: what each of them asks of a row."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Sign = Literal["=", "!=", "~", "!~", ">", "<", ">=", "<="]
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.ASCII)


class FilterRow(Protocol):
    """What a filter is asked about."""

    def field(self, key: str) -> object | None:
        """The value of a field; None where it has none."""

    @property
    def text(self) -> str:
        """All of it, in lower case."""

    @property
    def ts(self) -> float | None:
        """When it happened."""


class Expression(Protocol):
    """A part of a filter."""

    def matches(self, row: FilterRow) -> bool:
        """Whether the part holds for a row."""


@dataclass(frozen=True, slots=True)
class TextContains:
    """A text, in lower case, that must be found."""

    text: str

    def matches(self, row: FilterRow) -> bool:
        """Whether the row's text holds it."""
        return self.text in row.text


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """A field compared with a value, which is in lower case."""

    key: str
    operator: Sign
    value: str

    def matches(self, row: FilterRow) -> bool:
        """Whether the row's field compares like that."""
        if self.operator in ("!=", "!~"):
            return not FieldComparison(self.key, "=" if self.operator == "!=" else "~", self.value).matches(
                row
            )
        if self.key == "text":
            return self.compare_value(row.text)
        found = row.field(self.key)
        if isinstance(found, tuple):
            return any(self.compare_value(one) for one in found)
        return found is not None and self.compare_value(found)

    def compare_value(self, found: object) -> bool:
        """Whether a value that is there compares like that."""
        if self.operator == "~":
            return self.value in _text(found)
        if self.operator == "=":
            return _equal(_text(found), self.value)
        number, limit = parse_number(found), parse_number(self.value)
        if number is None or limit is None:
            return False
        if self.operator in (">", ">="):
            return number > limit or (self.operator == ">=" and number == limit)
        return number < limit or (self.operator == "<=" and number == limit)


@dataclass(frozen=True, slots=True)
class TimeBound:
    """A bound in time, in seconds since 1970; what has no time is outside."""

    bound: Literal["since", "until"]
    timestamp: float

    def matches(self, row: FilterRow) -> bool:
        """Whether the row happened on that side."""
        if row.ts is None:
            return False
        return row.ts >= self.timestamp if self.bound == "since" else row.ts <= self.timestamp


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Expression

    def matches(self, row: FilterRow) -> bool:
        """Whether the part does not hold."""
        return not self.part.matches(row)


@dataclass(frozen=True, slots=True)
class And:
    """Parts that must all hold; none at all hold for everything."""

    parts: tuple[Expression, ...] = ()

    def matches(self, row: FilterRow) -> bool:
        """Whether all of them hold."""
        return all(part.matches(row) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Parts of which one must hold."""

    parts: tuple[Expression, ...]

    def matches(self, row: FilterRow) -> bool:
        """Whether one of them holds."""
        return any(part.matches(row) for part in self.parts)


def highlight_terms(node: Expression) -> Iterator[str]:
    """The texts that what a part keeps may show, in lower case."""
    if isinstance(node, TextContains):
        yield node.text
    elif isinstance(node, FieldComparison) and node.operator == "~":
        yield node.value
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from highlight_terms(part)


def positive_comparisons(node: Expression) -> Iterator[FieldComparison]:
    """The comparisons by which a part keeps something; one that only leaves something out is none of them."""
    if isinstance(node, FieldComparison) and node.operator not in ("!=", "!~"):
        yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from positive_comparisons(part)


def _equal(found: str, value: str) -> bool:
    """Whether two texts are one; a ``*`` stands for any characters, a ``?`` for one."""
    if "*" not in value and "?" not in value:
        return found == value or _same_number(found, value)
    pattern = re.escape(value).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def _same_number(one: str, other: str) -> bool:
    first = parse_number(one)
    return first is not None and first == parse_number(other)


def parse_number(value: object) -> float | None:
    """The number in a value; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None  # Python would also take 1_000 and words like "infinity"
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return None


def as_text(value: object) -> str:
    """A value as a filter sees it: a text as it is, all else as JSON has it, with ``None`` for what is not there."""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text(value: object) -> str:
    return as_text(value).lower()
