"""Answers a filter for chunks of lines from the index and the columns, as far as these know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from osiris_inspect.inspector.event_log.columns.column_store import CHUNK_LINES, ColumnStore
from osiris_inspect.inspector.event_log.columns.field_keys import field_key
from osiris_inspect.inspector.event_log.filter.expressions import (
    And,
    Expression,
    FieldComparison,
    Not,
    Or,
    TimeBound,
)
from osiris_inspect.inspector.event_log.index.line_index import LineIndex, codes_for_names
from osiris_inspect.inspector.event_log.index.vectorized import IntArray
from osiris_inspect.model.event import canonical

INDEXED_KEYS: Final = ("event", "step", "step_id")
_Lines = IntArray | np.bool_


@dataclass(frozen=True, slots=True)
class Matches:
    """For each line of a chunk, or for all of them, if it possibly and if it certainly matches."""

    possible: _Lines
    certain: _Lines


_EACH_LINE: Final[_Lines] = np.bool_(True)
_NO_LINE: Final[_Lines] = np.bool_(False)
_Plan = Callable[[slice], Matches]
"""Answers an expression for a chunk of lines."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans from an index and, if there are any, from columns."""

    index: LineIndex
    columns: ColumnStore | None
    keys: frozenset[str]

    def plan(self, node: Expression) -> _Plan:
        """Return the plan of an expression."""
        if isinstance(node, FieldComparison):
            return self._plan_comparison(node)
        if isinstance(node, TimeBound):
            return self._plan_time(node)
        if isinstance(node, And):
            return _plan_and([self.plan(part) for part in sorted(node.parts, key=_needs_column)])
        if isinstance(node, Or):
            return _plan_or([self.plan(part) for part in node.parts])
        if isinstance(node, Not):
            return _plan_not(self.plan(node.part))
        return _any_line

    def _plan_comparison(self, node: FieldComparison) -> _Plan:
        if node.operator in ("!=", "!~"):
            return _plan_not(
                self._plan_comparison(replace(node, operator="=" if node.operator == "!=" else "~"))
            )
        if node.key in INDEXED_KEYS:
            return self._plan_name(node)
        if self.columns is None or node.key not in self.keys:
            return _any_line
        columns = self.columns

        def plan(chunk: slice) -> Matches:
            found = columns.chunk(node.key, chunk.start // CHUNK_LINES).compare(node)
            certain = np.zeros(chunk.stop - chunk.start, bool)
            certain[found.matching - chunk.start] = True
            possible = certain.copy()
            possible[found.undecided - chunk.start] = True
            return Matches(possible, certain)

        return plan

    def _plan_name(self, node: FieldComparison) -> _Plan:
        is_event, index = node.key == "event", self.index
        names = index.scanner.event_names if is_event else index.scanner.steps
        codes = codes_for_names(
            names, lambda text: node.compare_value(text) or node.compare_value(canonical(text))
        )
        lines_with = index.lines_with_names if is_event else index.lines_with_steps

        def plan(chunk: slice) -> Matches:
            lines = lines_with(chunk, codes)
            return Matches(lines, _NO_LINE if names.is_full else lines)

        return plan

    def _plan_time(self, node: TimeBound) -> _Plan:
        since, until = (node.timestamp, None) if node.bound == "since" else (None, node.timestamp)

        def plan(chunk: slice) -> Matches:
            lines = self.index.lines_between(chunk, since, until)
            # the index rounds to ms: lines in the ms of the bound must be decoded, and those without a time
            edge = self.index.lines_between(chunk, node.timestamp, node.timestamp)
            return Matches(lines, lines & ~edge)

        return plan


def _any_line(_chunk: slice) -> Matches:
    return Matches(_EACH_LINE, _NO_LINE)


def _plan_and(plans: list[_Plan]) -> _Plan:
    def plan(chunk: slice) -> Matches:
        possible, certain = _EACH_LINE, _EACH_LINE
        for part in plans:
            matches = part(chunk)
            possible, certain = possible & matches.possible, certain & matches.certain
            if not possible.any():
                break  # the other parts need not be read
        return Matches(possible, certain)

    return plan


def _plan_or(plans: list[_Plan]) -> _Plan:
    def plan(chunk: slice) -> Matches:
        possible, certain = _NO_LINE, _NO_LINE
        for part in plans:
            matches = part(chunk)
            possible, certain = possible | matches.possible, certain | matches.certain
        return Matches(possible, certain)

    return plan


def _plan_not(inner: _Plan) -> _Plan:
    def plan(chunk: slice) -> Matches:
        matches = inner(chunk)
        return Matches(np.logical_not(matches.certain), np.logical_not(matches.possible))

    return plan


def conjuncts(node: Expression) -> tuple[Expression, ...]:
    """Return the parts that must all match."""
    return node.parts if isinstance(node, And) else (node,)


def column_keys(node: Expression, *, negated: bool = False) -> Iterator[str]:
    """Yield the keys whose columns exclude lines, of parts that the index and columns can exclude lines by."""
    if isinstance(node, Not):
        yield from column_keys(node.part, negated=not negated)
    elif isinstance(node, FieldComparison):
        if node.key not in INDEXED_KEYS and field_key(node.key) is not None:
            yield node.key
    elif isinstance(node, And | Or) and (
        isinstance(node, And) != negated or all(_excludes(part, negated=negated) for part in node.parts)
    ):
        for part in node.parts:
            yield from column_keys(part, negated=negated)


def _excludes(node: Expression, *, negated: bool) -> bool:
    """Return True if the index and columns exclude lines by an expression."""
    if isinstance(node, FieldComparison):
        return node.key in INDEXED_KEYS or field_key(node.key) is not None
    if isinstance(node, And | Or):
        together = any if isinstance(node, And) != negated else all
        return together(_excludes(part, negated=negated) for part in node.parts)
    return (
        _excludes(node.part, negated=not negated)
        if isinstance(node, Not)
        else isinstance(node, TimeBound) and not negated
    )


def _needs_column(node: Expression) -> bool:
    return next(column_keys(node), None) is not None
