"""The parts of a filter: what each of them asks of a row."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Sign = Literal["=", "!=", "~", "!~", ">", "<", ">=", "<="]
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.ASCII)


class Row(Protocol):
    """What a filter is asked about."""

    def field(self, key: str) -> object | None:
        """The value of a field; None where it has none."""

    @property
    def text(self) -> str:
        """All of it, in lower case."""

    @property
    def ts(self) -> float | None:
        """When it happened."""


class Node(Protocol):
    """A part of a filter."""

    def holds(self, row: Row) -> bool:
        """Whether the part holds for a row."""


@dataclass(frozen=True, slots=True)
class Word:
    """A text, in lower case, that must be found."""

    text: str

    def holds(self, row: Row) -> bool:
        """Whether the row's text holds it."""
        return self.text in row.text


@dataclass(frozen=True, slots=True)
class Compare:
    """A field compared with a value, which is in lower case."""

    key: str
    sign: Sign
    value: str

    def holds(self, row: Row) -> bool:
        """Whether the row's field compares like that."""
        if self.sign in ("!=", "!~"):
            return not Compare(self.key, "=" if self.sign == "!=" else "~", self.value).holds(row)
        if self.key == "text":
            return self.fits(row.text)
        found = row.field(self.key)
        if isinstance(found, tuple):
            return any(self.fits(one) for one in found)
        return found is not None and self.fits(found)

    def fits(self, found: object) -> bool:
        """Whether a value that is there compares like that."""
        if self.sign == "~":
            return self.value in _text(found)
        if self.sign == "=":
            return _equal(_text(found), self.value)
        number, limit = number_of(found), number_of(self.value)
        if number is None or limit is None:
            return False
        if self.sign in (">", ">="):
            return number > limit or (self.sign == ">=" and number == limit)
        return number < limit or (self.sign == "<=" and number == limit)


@dataclass(frozen=True, slots=True)
class When:
    """A bound in time, in seconds since 1970; what has no time is outside."""

    side: Literal["since", "until"]
    moment: float

    def holds(self, row: Row) -> bool:
        """Whether the row happened on that side."""
        if row.ts is None:
            return False
        return row.ts >= self.moment if self.side == "since" else row.ts <= self.moment


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Node

    def holds(self, row: Row) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(row)


@dataclass(frozen=True, slots=True)
class All:
    """Parts that must all hold; none at all hold for everything."""

    parts: tuple[Node, ...] = ()

    def holds(self, row: Row) -> bool:
        """Whether all of them hold."""
        return all(part.holds(row) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """Parts of which one must hold."""

    parts: tuple[Node, ...]

    def holds(self, row: Row) -> bool:
        """Whether one of them holds."""
        return any(part.holds(row) for part in self.parts)


def words_of(node: Node) -> Iterator[str]:
    """The texts that what a part keeps may show, in lower case."""
    if isinstance(node, Word):
        yield node.text
    elif isinstance(node, Compare) and node.sign == "~":
        yield node.value
    elif isinstance(node, All | Either):
        for part in node.parts:
            yield from words_of(part)


def wanted_of(node: Node) -> Iterator[Compare]:
    """The comparisons by which a part keeps something; one that only leaves something out is none of them."""
    if isinstance(node, Compare) and node.sign not in ("!=", "!~"):
        yield node
    elif isinstance(node, All | Either):
        for part in node.parts:
            yield from wanted_of(part)


def _equal(found: str, value: str) -> bool:
    """Whether two texts are one; a ``*`` stands for any characters, a ``?`` for one."""
    if "*" not in value and "?" not in value:
        return found == value or _same_number(found, value)
    pattern = re.escape(value).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def _same_number(one: str, other: str) -> bool:
    first = number_of(one)
    return first is not None and first == number_of(other)


def number_of(value: object) -> float | None:
    """The number in a value; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None  # Python would also take 1_000 and words like "infinity"
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return None


def shown(value: object) -> str:
    """A value as a filter sees it: a text as it is, all else as JSON has it, with ``None`` for what is not there."""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text(value: object) -> str:
    return shown(value).lower()
