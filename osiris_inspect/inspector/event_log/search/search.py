"""A filter asked of a long log: only lines that may be kept are decoded.

The index leaves some by their events, steps and times; they are gone through in pieces that fit the processor's cache, so
the first answers come at once. A filter that asks for a rare text is answered from the bytes of the file, also where
there is no index.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from osiris_inspect.inspector.event_log.filter.expressions import (
    And,
    Expression,
    FieldComparison,
    Not,
    Or,
    TimeBound,
)
from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.inspector.event_log.index.large_log import LargeLog, Line
from osiris_inspect.inspector.event_log.index.line_index import IntArray, LineIndex, codes_for_names
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import Numbers
from osiris_inspect.inspector.event_log.search.literals import Literal, may_match, required_literals
from osiris_inspect.model.event import Event, canonical

_KEYS = ("event", "step", "step_id")
_PIECE = 1 << 17
_CHUNK = 1_000
"""Lines that are handed over together, so few that whoever waits for the interpreter gets it soon."""
_DECODED = 1 << 14
"""Bytes that are looked through in the time that it takes to decode one line."""


class CandidateLines(NamedTuple):
    """Lines that a filter may keep, counted from 0, maybe none; and the share of the log that was looked at."""

    lines: list[Line]
    progress: float


@dataclass(frozen=True, slots=True)
class _Matches:
    """Which lines of a piece may be kept.

    Attributes:
        lines: for each line whether it may; None where all may.
        sure: whether these and no others are kept.
    """

    lines: IntArray | None
    exact: bool


_Plan = Callable[[slice], _Matches]
"""Answers for a piece of the lines."""


def search(log: LargeLog, query: EventFilter) -> Iterator[Event]:
    """The events of a log that a filter keeps, in the order of the file."""
    for lines, _ in candidate_lines(log, query):
        for line, raw in lines:
            event = log.decoded(line, raw)
            if query.matches(event):
                yield event


def candidate_lines(log: LargeLog, query: EventFilter) -> Iterator[CandidateLines]:
    """The lines that may be kept, some at once, in the order of the file."""
    index, wanted = log.by_line, required_literals(query.root)
    needle = _rare_literal(log, query, wanted)
    whole = _by_index(log, query) if needle is None else _events_by_bytes(log, needle)
    for lines, share in whole:
        yield CandidateLines([(line, raw) for line, raw in lines if not raw or may_match(raw, wanted)], share)
    if len(log) and log[-1].line > len(index):
        # what stands behind the last newline is in no index
        yield CandidateLines([(len(index), log.raw_line(len(index)))], 1)


def candidates_without_index(descriptor: int, query: EventFilter) -> Iterator[list[Line]] | None:
    """The lines of a file that may be kept, the last one too where it lacks its newline.

    None where the filter asks for no text, or for none that is rare: then it is better to make an index.
    """
    end, wanted = os.fstat(descriptor).st_size, required_literals(query.root)
    needle = _rarest(descriptor, end, wanted)
    if needle is None:
        return None
    return (
        [(line, raw) for line, raw in lines if not raw or may_match(raw, wanted)]
        for lines, _ in _by_bytes(descriptor, end, needle)
    )


def _rare_literal(log: LargeLog, query: EventFilter, wanted: Sequence[Literal]) -> Literal | None:
    """The text to look for in the bytes of the whole log; None where it is better to decode what the index leaves."""
    if not wanted:
        return None
    left = sum(map(len, candidate_chunks(log.by_line, query)))
    return _rarest(log.descriptor, log.by_line.size, wanted) if left * _DECODED > log.by_line.size else None


def _rarest(descriptor: int, end: int, wanted: Sequence[Literal]) -> Literal | None:
    from osiris_inspect.inspector.event_log.search.byte_search import (
        rarest_literal,  # the most filters need none of its threads
    )

    return rarest_literal(descriptor, end, wanted)


def _by_bytes(descriptor: int, end: int, needle: Literal) -> Iterator[CandidateLines]:
    from osiris_inspect.inspector.event_log.search.byte_search import BLOCK, find_lines

    for number, lines in enumerate(find_lines(descriptor, end, needle), start=1):
        yield CandidateLines(list[Line](lines), min(1, number * BLOCK / end))


def _events_by_bytes(log: LargeLog, needle: Literal) -> Iterator[CandidateLines]:
    kinds = log.by_line.event_codes
    for lines, share in _by_bytes(log.descriptor, log.by_line.size, needle):
        yield CandidateLines([(line, raw) for line, raw in lines if kinds[line] != NO_EVENT], share)


def _by_index(log: LargeLog, query: EventFilter) -> Iterator[CandidateLines]:
    for lines in candidate_chunks(log.by_line, query):
        for begin in range(0, len(lines), _CHUNK):
            part = lines[begin : begin + _CHUNK]
            yield CandidateLines(list(log.raw_lines(part)), (int(part[-1]) + 1) / len(log.by_line))


def candidate_mask(index: LineIndex, query: EventFilter) -> IntArray:
    """For each line whether it may be kept: no line that is kept is left out."""
    may = np.zeros(len(index), bool)
    for lines in candidate_chunks(index, query):
        may[lines] = True
    return may


def candidate_chunks(index: LineIndex, query: EventFilter) -> Iterator[Numbers]:
    """The lines that may be kept, piece by piece."""
    plan = _plan(index, query.root)
    for begin in range(0, len(index), _PIECE):
        piece = slice(begin, begin + _PIECE)
        lines = plan(piece).lines
        kinds = index.event_codes[piece]
        kept = np.flatnonzero(kinds != NO_EVENT if lines is None else lines)
        kept = kept[kinds[kept] != NO_EVENT]
        if len(kept):
            yield kept + begin


def _plan(index: LineIndex, node: Expression) -> _Plan:
    """How to answer one part of a filter for any piece."""
    if isinstance(node, FieldComparison):
        return _of_compare(index, node)
    if isinstance(node, TimeBound):
        return _of_time(index, node)
    if isinstance(node, And):
        return _all_of([_plan(index, part) for part in node.parts])
    if isinstance(node, Or):
        return _one_of([_plan(index, part) for part in node.parts])
    if isinstance(node, Not):
        return _none_of(_plan(index, node.part))
    return _any_line


def _any_line(_piece: slice) -> _Matches:
    return _Matches(None, exact=False)


def _of_compare(index: LineIndex, node: FieldComparison) -> _Plan:
    if node.key not in _KEYS or node.operator in ("!=", "!~"):
        return _any_line
    names = index.sniffer.event_names if node.key == "event" else index.sniffer.steps
    codes = codes_for_names(
        names, lambda text: node.compare_value(text) or node.compare_value(canonical(text))
    )
    if node.key == "event":
        return lambda piece: _Matches(index.filter_lines(piece, event_codes=codes), exact=not names.is_full)
    return lambda piece: _Matches(index.filter_lines(piece, steps=codes), exact=not names.is_full)


def _of_time(index: LineIndex, node: TimeBound) -> _Plan:
    since, until = (node.timestamp, None) if node.bound == "since" else (None, node.timestamp)
    # the index knows ms, an event more: the ms in which the bound lies must be looked at
    return lambda piece: _Matches(index.filter_lines(piece, since=since, until=until), exact=False)


def _all_of(plans: list[_Plan]) -> _Plan:
    def plan(piece: slice) -> _Matches:
        together, sure = None, True
        for part in plans:
            fits = part(piece)
            sure = sure and fits.exact
            if fits.lines is not None:
                together = fits.lines if together is None else together & fits.lines
            if together is not None and not together.any():
                return _Matches(together, exact=False)  # the other parts were not asked
        return _Matches(together, sure)

    return plan


def _one_of(plans: list[_Plan]) -> _Plan:
    def plan(piece: slice) -> _Matches:
        parts = [part(piece) for part in plans]
        known = [part.lines for part in parts if part.lines is not None]
        if len(known) < len(parts):
            return _Matches(None, exact=False)
        return _Matches(np.logical_or.reduce(known), all(part.exact for part in parts))

    return plan


def _none_of(inner: _Plan) -> _Plan:
    def plan(piece: slice) -> _Matches:
        fits = inner(piece)
        return (
            _Matches(~fits.lines, exact=True)
            if fits.exact and fits.lines is not None
            else _Matches(None, exact=False)
        )

    return plan
