"""Searches a long log with a filter, decoding only the lines that may match.

The index excludes lines by their events, steps and times, chunk by chunk, so the first results come at once.
A filter for a rare text searches the bytes of the file, with or without an index.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import LineIndex, codes_for_names
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Numbers
from osiris_inspect.inspector.event_log.search.literals import Literal, may_match, required_literals
from osiris_inspect.inspector.files.run_files import NumberedLine
from osiris_inspect.inspector.text.event_lines import EventLines
from osiris_inspect.model.event import Event, canonical

_INDEXED_KEYS = ("event", "step", "step_id")
_CHUNK_LINES = 1 << 17
_BATCH_LINES = 1_000
"""Lines that are yielded together, so few that a thread waiting for the interpreter gets it soon."""
_BYTES_PER_DECODED_LINE = 1 << 14
"""Bytes that are searched in the time it takes to decode one line."""


class CandidateLines(NamedTuple):
    """Lines that may match, counted from 0, possibly none; and the share of the log that was searched."""

    lines: list[NumberedLine]
    progress: float


@dataclass(frozen=True, slots=True)
class _Matches:
    """The lines of a chunk that may match.

    Attributes:
        lines: for each line of the chunk, True if it may match; None if all may.
        exact: True if all of them match.
    """

    lines: IntArray | None
    exact: bool


class _Candidates(NamedTuple):
    """Lines of a log that may match, and True if all of them do."""

    lines: Numbers
    exact: bool


_Plan = Callable[[slice], _Matches]
"""Answers an expression for a chunk of lines."""


def search(log: LargeLog, query: EventFilter) -> Iterator[Event]:
    """Yield the events of a log that match a filter, in the order of the file."""
    for lines, _ in candidate_lines(log, query):
        for line, raw in lines:
            event = log.decoded(line, raw)
            if query.matches(event):
                yield event


def matching_blocks(log: LargeLog, query: EventFilter) -> Iterator[EventLines]:
    """Yield the lines of the events that match a filter in blocks, some of them empty, in the order of the file.

    Where the index answers the filter, lines are not decoded.
    """

    def decode(number: int, raw: bytes) -> Event | None:
        event = log.decoded(number - 1, raw)
        return event if query.matches(event) else None

    def matching(lines: Iterable[NumberedLine]) -> EventLines:
        numbered = ((line + 1, raw) for line, raw in lines)
        return EventLines.join([line for line in numbered if decode(*line) is not None], decode)

    index, literals = log.line_index, required_literals(query.root)
    if _rare_literal(log, query, literals) is not None:
        yield from (matching(lines) for lines, _ in candidate_lines(log, query))
        return
    for candidates in _candidates(index, query):
        for numbers, data in log.blocks(candidates.lines):
            if candidates.exact:
                is_range = isinstance(numbers, range)
                shifted = (
                    range(numbers[0] + 1, numbers[-1] + 2) if is_range else [line + 1 for line in numbers]
                )
                yield EventLines(shifted, data, decode)
            else:
                yield matching(_with_literals([*zip(numbers, data.split(b"\n"), strict=False)], literals))
    if len(log) and log[-1].line > len(index):
        yield matching([(len(index), log.raw_line(len(index)))])


def candidate_lines(log: LargeLog, query: EventFilter) -> Iterator[CandidateLines]:
    """Yield the lines that may match in batches, in the order of the file."""
    index, literals = log.line_index, required_literals(query.root)
    rare = _rare_literal(log, query, literals)
    for lines, progress in _by_index(log, query) if rare is None else _events_by_bytes(log, rare):
        yield CandidateLines(_with_literals(lines, literals), progress)
    if len(log) and log[-1].line > len(index):
        # the text after the last newline is not indexed
        yield CandidateLines([(len(index), log.raw_line(len(index)))], 1)


def candidates_without_index(descriptor: int, query: EventFilter) -> Iterator[list[NumberedLine]] | None:
    """Return batches of the lines of a file that may match, including a last line without a newline.

    None if the filter requires no rare text: then indexing the log is faster.
    """
    end, literals = os.fstat(descriptor).st_size, required_literals(query.root)
    rare = _rarest(descriptor, end, literals)
    if rare is None:
        return None
    return (_with_literals(lines, literals) for lines, _ in _by_bytes(descriptor, end, rare))


def _with_literals(lines: list[NumberedLine], literals: Sequence[Literal]) -> list[NumberedLine]:
    return [(line, raw) for line, raw in lines if not raw or may_match(raw, literals)]


def _rare_literal(log: LargeLog, query: EventFilter, literals: Sequence[Literal]) -> Literal | None:
    """Return the text to search in the bytes of the log; None if the index is faster."""
    if not literals:
        return None
    count = sum(map(len, candidate_chunks(log.line_index, query)))
    size = log.line_index.size
    return _rarest(log.descriptor, size, literals) if count * _BYTES_PER_DECODED_LINE > size else None


def _rarest(descriptor: int, end: int, literals: Sequence[Literal]) -> Literal | None:
    # imports threads, which most filters do not need
    from osiris_inspect.inspector.event_log.search.byte_search import rarest_literal

    return rarest_literal(descriptor, end, literals)


def _by_bytes(descriptor: int, end: int, literal: Literal) -> Iterator[CandidateLines]:
    from osiris_inspect.inspector.event_log.search.byte_search import BLOCK, find_lines

    for number, lines in enumerate(find_lines(descriptor, end, literal), start=1):
        yield CandidateLines(list[NumberedLine](lines), min(1, number * BLOCK / end))


def _events_by_bytes(log: LargeLog, literal: Literal) -> Iterator[CandidateLines]:
    codes = log.line_index.event_codes
    for lines, progress in _by_bytes(log.descriptor, log.line_index.size, literal):
        yield CandidateLines([(line, raw) for line, raw in lines if codes[line] != NO_EVENT], progress)


def _by_index(log: LargeLog, query: EventFilter) -> Iterator[CandidateLines]:
    for lines in candidate_chunks(log.line_index, query):
        for begin in range(0, len(lines), _BATCH_LINES):
            batch = lines[begin : begin + _BATCH_LINES]
            yield CandidateLines(list(log.raw_lines(batch)), (int(batch[-1]) + 1) / len(log.line_index))


def candidate_chunks(index: LineIndex, query: EventFilter) -> Iterator[Numbers]:
    """Yield the lines that may match, chunk by chunk; no matching line is missing."""
    return (candidates.lines for candidates in _candidates(index, query))


def _candidates(index: LineIndex, query: EventFilter) -> Iterator[_Candidates]:
    plan = _plan(index, query.root)
    for begin in range(0, len(index), _CHUNK_LINES):
        chunk = slice(begin, begin + _CHUNK_LINES)
        is_candidate = index.event_codes[chunk] != NO_EVENT
        matches = plan(chunk)
        candidates = np.flatnonzero(is_candidate if matches.lines is None else is_candidate & matches.lines)
        if len(candidates):
            yield _Candidates(candidates + begin, matches.exact)


def _plan(index: LineIndex, node: Expression) -> _Plan:
    if isinstance(node, FieldComparison):
        return _plan_comparison(index, node)
    if isinstance(node, TimeBound):
        return _plan_time(index, node)
    if isinstance(node, And):
        return _plan_and([_plan(index, part) for part in node.parts])
    if isinstance(node, Or):
        return _plan_or([_plan(index, part) for part in node.parts])
    if isinstance(node, Not):
        return _plan_not(_plan(index, node.part))
    return _any_line


def _any_line(_chunk: slice) -> _Matches:
    return _Matches(None, exact=False)


def _plan_comparison(index: LineIndex, node: FieldComparison) -> _Plan:
    if node.key not in _INDEXED_KEYS or node.operator in ("!=", "!~"):
        return _any_line
    is_event = node.key == "event"
    names = index.scanner.event_names if is_event else index.scanner.steps
    codes = codes_for_names(
        names, lambda text: node.compare_value(text) or node.compare_value(canonical(text))
    )
    lines_with = index.lines_with_names if is_event else index.lines_with_steps
    return lambda chunk: _Matches(lines_with(chunk, codes), exact=not names.is_full)


def _plan_time(index: LineIndex, node: TimeBound) -> _Plan:
    since, until = (node.timestamp, None) if node.bound == "since" else (None, node.timestamp)

    def plan(chunk: slice) -> _Matches:
        lines = index.lines_between(chunk, since, until)
        # the index rounds to ms: lines in the ms of the bound must be decoded, and those without a time
        edge = index.lines_between(chunk, node.timestamp, node.timestamp)
        return _Matches(lines, exact=not edge.any())

    return plan


def _plan_and(plans: list[_Plan]) -> _Plan:
    def plan(chunk: slice) -> _Matches:
        lines, exact = None, True
        for part in plans:
            matches = part(chunk)
            exact = exact and matches.exact
            if matches.lines is not None:
                lines = matches.lines if lines is None else lines & matches.lines
            if lines is not None and not lines.any():
                return _Matches(lines, exact=False)  # the remaining parts were not evaluated
        return _Matches(lines, exact)

    return plan


def _plan_or(plans: list[_Plan]) -> _Plan:
    def plan(chunk: slice) -> _Matches:
        parts = [part(chunk) for part in plans]
        masks = [part.lines for part in parts if part.lines is not None]
        if len(masks) < len(parts):
            return _Matches(None, exact=False)
        return _Matches(np.logical_or.reduce(masks), all(part.exact for part in parts))

    return plan


def _plan_not(inner: _Plan) -> _Plan:
    def plan(chunk: slice) -> _Matches:
        matches = inner(chunk)
        if matches.lines is None or not matches.exact:
            return _Matches(None, exact=False)
        return _Matches(~matches.lines, exact=True)

    return plan
