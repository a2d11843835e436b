"""Searches a long log with a filter, decoding only the lines that may match.

The index excludes lines by their events, steps and times, and columns exclude them by fields, chunk by chunk, so the
first results come at once. Columns are read if the index leaves many lines. A filter for a rare text searches the bytes of
the file, with or without an index.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Final, NamedTuple

import numpy as np

from osiris_inspect.inspector.event_log.columns.column_store import CHUNK_LINES, ColumnStore
from osiris_inspect.inspector.event_log.filter.filter import EventFilter
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Numbers
from osiris_inspect.inspector.event_log.search.literals import Literal, may_match, required_literals
from osiris_inspect.inspector.event_log.search.planner import Planner, column_keys, conjuncts
from osiris_inspect.inspector.files.run_files import NumberedLine
from osiris_inspect.inspector.text.event_lines import EventLines
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

_BATCH_LINES = 1_000
"""Lines that are yielded together, so few that a thread waiting for the interpreter gets it soon."""
MAX_DECODED_LINES: Final = 20_000
"""Lines that are decoded in less time than it takes to search the bytes of a log or to read a column."""


class CandidateLines(NamedTuple):
    """Lines that may match, counted from 0, possibly none; and the share of the log that was searched."""

    lines: list[NumberedLine]
    progress: float


class SearchPlan(NamedTuple):
    """How the lines that may match are found.

    Attributes:
        candidates: lines that the index does not exclude.
        columns: the keys whose columns exclude lines; empty if the candidates are decoded.
        literal: the text that is searched in the bytes of the log instead; None if none is.
    """

    candidates: int
    columns: tuple[str, ...] = ()
    literal: Literal | None = None


class _Candidates(NamedTuple):
    """Lines of a log that may match, and for each of them, True if it certainly does."""

    lines: Numbers
    certain: IntArray


def search(log: LargeLog, query: EventFilter) -> Iterator[Event]:
    """Yield the events of a log that match a filter, in the order of the file."""
    for lines, _ in candidate_lines(log, query):
        yield from (event for event, _ in matching_lines(lines, query, log.file))


def matching_lines(
    lines: Iterable[NumberedLine],
    query: EventFilter,
    file: str,
    on_invalid: Callable[[int, InvalidLine], None] | None = None,
) -> Iterator[tuple[Event, bytes]]:
    """Yield the events of lines that match a filter, with their lines; ``on_invalid`` receives the others without an event."""
    for line, raw in lines:
        try:
            event = query.matching_event(raw, line_number=line + 1, file=file)
        except InvalidLine as error:
            if on_invalid is not None:
                on_invalid(line + 1, error)
            continue
        if event is not None:
            yield event, raw


def matching_block(
    lines: Iterable[NumberedLine],
    query: EventFilter,
    file: str,
    on_invalid: Callable[[int, InvalidLine], None] | None = None,
) -> EventLines:
    """Return the lines that match a filter as a block; ``on_invalid`` receives the others without an event."""
    matching = ((event.line, raw) for event, raw in matching_lines(lines, query, file, on_invalid))
    return EventLines.join(matching, _decoder(query, file))


def matching_blocks(log: LargeLog, query: EventFilter) -> Iterator[EventLines]:
    """Yield the lines that match a filter in blocks, some of them empty, in the order of the file.

    Lines that certainly match by the index and the columns are not decoded.
    """
    index, literals = log.line_index, required_literals(query.root)
    plan = plan_search(log, query)
    if plan.literal is not None:
        yield from (matching_block(lines, query, log.file) for lines, _ in candidate_lines(log, query))
        return
    decode = _decoder(query, log.file)
    with closing(ColumnStore(log.descriptor, index, log.cache)) as store:
        for candidates in _candidates(index, query, store if plan.columns else None):
            doubtful = frozenset(candidates.lines[~candidates.certain].tolist())
            for numbers, data in log.blocks(candidates.lines):
                if not doubtful or doubtful.isdisjoint(numbers):
                    is_range = isinstance(numbers, range)
                    shifted = (
                        range(numbers[0] + 1, numbers[-1] + 2) if is_range else [line + 1 for line in numbers]
                    )
                    yield EventLines(shifted, data, decode)
                    continue
                lines = zip(numbers, data.split(b"\n"), strict=False)
                matching = (
                    (number + 1, raw)
                    for number, raw in lines
                    if number not in doubtful
                    or ((not raw or may_match(raw, literals)) and decode(number + 1, raw) is not None)
                )
                yield EventLines.join(matching, decode)
    if len(log) and log[-1].line > len(index):
        yield matching_block([(len(index), log.raw_line(len(index)))], query, log.file)


def _decoder(query: EventFilter, file: str) -> Callable[[int, bytes], Event | None]:
    """Return a function from the number of a line and the line to its event, if it matches."""

    def decode(number: int, raw: bytes) -> Event | None:
        try:
            return query.matching_event(raw, line_number=number, file=file)
        except InvalidLine:
            return None

    return decode


def candidate_lines(log: LargeLog, query: EventFilter) -> Iterator[CandidateLines]:
    """Yield the lines that may match in batches, in the order of the file."""
    index, literals = log.line_index, required_literals(query.root)
    plan = plan_search(log, query)
    batches = (
        _events_by_bytes(log, plan.literal)
        if plan.literal is not None
        else _by_index(log, query, plan.columns)
    )
    for lines, progress in batches:
        yield CandidateLines(_with_literals(lines, literals), progress)
    if len(log) and log[-1].line > len(index):
        # the text after the last newline is not indexed
        yield CandidateLines([(len(index), log.raw_line(len(index)))], 1)


def plan_search(log: LargeLog, query: EventFilter) -> SearchPlan:
    """Return how the lines that may match are found."""
    candidates = sum(map(len, candidate_chunks(log.line_index, query)))
    columns = tuple(dict.fromkeys(column_keys(query.root)))
    if candidates <= MAX_DECODED_LINES:
        return SearchPlan(candidates)
    if columns and ColumnStore(log.descriptor, log.line_index, log.cache).are_kept(columns):
        return SearchPlan(candidates, columns)
    texts = tuple(
        literal
        for part in conjuncts(query.root)
        if not columns or not [*column_keys(part)]
        for literal in required_literals(part)
    )
    rare = _rarest(log.descriptor, log.line_index.size, texts) if texts else None
    return SearchPlan(candidates, () if rare is not None else columns, rare)


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


def _by_index(log: LargeLog, query: EventFilter, columns: Sequence[str]) -> Iterator[CandidateLines]:
    store = ColumnStore(log.descriptor, log.line_index, log.cache) if columns else None
    try:
        for lines in candidate_chunks(log.line_index, query, store):
            for begin in range(0, len(lines), _BATCH_LINES):
                batch = lines[begin : begin + _BATCH_LINES]
                yield CandidateLines(list(log.raw_lines(batch)), (int(batch[-1]) + 1) / len(log.line_index))
    finally:
        if store is not None:
            store.close()


def candidate_chunks(
    index: LineIndex, query: EventFilter, columns: ColumnStore | None = None
) -> Iterator[Numbers]:
    """Yield the lines that may match, chunk by chunk; no matching line is missing."""
    return (candidates.lines for candidates in _candidates(index, query, columns))


def _candidates(index: LineIndex, query: EventFilter, columns: ColumnStore | None) -> Iterator[_Candidates]:
    plan = Planner(index, columns, frozenset(column_keys(query.root))).plan(query.root)
    for begin in range(0, len(index), CHUNK_LINES):
        chunk = slice(begin, min(begin + CHUNK_LINES, len(index)))
        matches = plan(chunk)
        lines = np.flatnonzero((index.event_codes[chunk] != NO_EVENT) & matches.possible)
        if len(lines):
            certain = np.broadcast_to(matches.certain, chunk.stop - begin)[lines]
            yield _Candidates(lines + begin, certain)
