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

from osiris_inspect.inspector.event_log.filter.expressions import All, Compare, Either, Node, Not, When
from osiris_inspect.inspector.event_log.filter.filter import Query
from osiris_inspect.inspector.event_log.index.large_log import Line, LongLog
from osiris_inspect.inspector.event_log.index.line_index import Column, Index, names_of
from osiris_inspect.inspector.event_log.index.scanner import NO_EVENT
from osiris_inspect.inspector.event_log.index.vectorized import Numbers
from osiris_inspect.inspector.event_log.search.literals import Needle, may_hold, needles
from osiris_inspect.model.event import Event, canonical

_KEYS = ("event", "step", "step_id")
_PIECE = 1 << 17
_CHUNK = 1_000
"""Lines that are handed over together, so few that whoever waits for the interpreter gets it soon."""
_DECODED = 1 << 14
"""Bytes that are looked through in the time that it takes to decode one line."""


class Near(NamedTuple):
    """Lines that a filter may keep, counted from 0, maybe none; and the share of the log that was looked at."""

    lines: list[Line]
    share: float


@dataclass(frozen=True, slots=True)
class _Fits:
    """Which lines of a piece may be kept.

    Attributes:
        lines: for each line whether it may; None where all may.
        sure: whether these and no others are kept.
    """

    lines: Column | None
    sure: bool


_Plan = Callable[[slice], _Fits]
"""Answers for a piece of the lines."""


def found(log: LongLog, query: Query) -> Iterator[Event]:
    """The events of a log that a filter keeps, in the order of the file."""
    for lines, _ in near(log, query):
        for line, raw in lines:
            event = log.decoded(line, raw)
            if query.matches(event):
                yield event


def near(log: LongLog, query: Query) -> Iterator[Near]:
    """The lines that may be kept, some at once, in the order of the file."""
    index, wanted = log.by_line, needles(query.root)
    needle = _worth_looking_for(log, query, wanted)
    whole = _by_index(log, query) if needle is None else _events_by_bytes(log, needle)
    for lines, share in whole:
        yield Near([(line, raw) for line, raw in lines if not raw or may_hold(raw, wanted)], share)
    if len(log) and log[-1].line > len(index):
        # what stands behind the last newline is in no index
        yield Near([(len(index), log.raw(len(index)))], 1)


def near_without_index(descriptor: int, query: Query) -> Iterator[list[Line]] | None:
    """The lines of a file that may be kept, the last one too where it lacks its newline.

    None where the filter asks for no text, or for none that is rare: then it is better to make an index.
    """
    end, wanted = os.fstat(descriptor).st_size, needles(query.root)
    needle = _rarest(descriptor, end, wanted)
    if needle is None:
        return None
    return (
        [(line, raw) for line, raw in lines if not raw or may_hold(raw, wanted)]
        for lines, _ in _by_bytes(descriptor, end, needle)
    )


def _worth_looking_for(log: LongLog, query: Query, wanted: Sequence[Needle]) -> Needle | None:
    """The text to look for in the bytes of the whole log; None where it is better to decode what the index leaves."""
    if not wanted:
        return None
    left = sum(map(len, pieces(log.by_line, query)))
    return _rarest(log.descriptor, log.by_line.size, wanted) if left * _DECODED > log.by_line.size else None


def _rarest(descriptor: int, end: int, wanted: Sequence[Needle]) -> Needle | None:
    from osiris_inspect.inspector.event_log.search.byte_search import (
        rarest,  # the most filters need none of its threads
    )

    return rarest(descriptor, end, wanted)


def _by_bytes(descriptor: int, end: int, needle: Needle) -> Iterator[Near]:
    from osiris_inspect.inspector.event_log.search.byte_search import BLOCK, scan

    for number, lines in enumerate(scan(descriptor, end, needle), start=1):
        yield Near(list[Line](lines), min(1, number * BLOCK / end))


def _events_by_bytes(log: LongLog, needle: Needle) -> Iterator[Near]:
    kinds = log.by_line.kinds
    for lines, share in _by_bytes(log.descriptor, log.by_line.size, needle):
        yield Near([(line, raw) for line, raw in lines if kinds[line] != NO_EVENT], share)


def _by_index(log: LongLog, query: Query) -> Iterator[Near]:
    for lines in pieces(log.by_line, query):
        for begin in range(0, len(lines), _CHUNK):
            part = lines[begin : begin + _CHUNK]
            yield Near(list(log.raw_lines(part)), (int(part[-1]) + 1) / len(log.by_line))


def candidates(index: Index, query: Query) -> Column:
    """For each line whether it may be kept: no line that is kept is left out."""
    may = np.zeros(len(index), bool)
    for lines in pieces(index, query):
        may[lines] = True
    return may


def pieces(index: Index, query: Query) -> Iterator[Numbers]:
    """The lines that may be kept, piece by piece."""
    plan = _planned(index, query.root)
    for begin in range(0, len(index), _PIECE):
        piece = slice(begin, begin + _PIECE)
        lines = plan(piece).lines
        kinds = index.kinds[piece]
        kept = np.flatnonzero(kinds != NO_EVENT if lines is None else lines)
        kept = kept[kinds[kept] != NO_EVENT]
        if len(kept):
            yield kept + begin


def _planned(index: Index, node: Node) -> _Plan:
    """How to answer one part of a filter for any piece."""
    if isinstance(node, Compare):
        return _of_compare(index, node)
    if isinstance(node, When):
        return _of_time(index, node)
    if isinstance(node, All):
        return _all_of([_planned(index, part) for part in node.parts])
    if isinstance(node, Either):
        return _one_of([_planned(index, part) for part in node.parts])
    if isinstance(node, Not):
        return _none_of(_planned(index, node.part))
    return _any_line


def _any_line(_piece: slice) -> _Fits:
    return _Fits(None, sure=False)


def _of_compare(index: Index, node: Compare) -> _Plan:
    if node.key not in _KEYS or node.sign in ("!=", "!~"):
        return _any_line
    names = index.sniffer.kinds if node.key == "event" else index.sniffer.steps
    codes = names_of(names, lambda text: node.fits(text) or node.fits(canonical(text)))
    if node.key == "event":
        return lambda piece: _Fits(index.where(piece, kinds=codes), sure=not names.is_full)
    return lambda piece: _Fits(index.where(piece, steps=codes), sure=not names.is_full)


def _of_time(index: Index, node: When) -> _Plan:
    since, until = (node.moment, None) if node.side == "since" else (None, node.moment)
    # the index knows ms, an event more: the ms in which the bound lies must be looked at
    return lambda piece: _Fits(index.where(piece, since=since, until=until), sure=False)


def _all_of(plans: list[_Plan]) -> _Plan:
    def plan(piece: slice) -> _Fits:
        together, sure = None, True
        for part in plans:
            fits = part(piece)
            sure = sure and fits.sure
            if fits.lines is not None:
                together = fits.lines if together is None else together & fits.lines
            if together is not None and not together.any():
                return _Fits(together, sure=False)  # the other parts were not asked
        return _Fits(together, sure)

    return plan


def _one_of(plans: list[_Plan]) -> _Plan:
    def plan(piece: slice) -> _Fits:
        parts = [part(piece) for part in plans]
        known = [part.lines for part in parts if part.lines is not None]
        if len(known) < len(parts):
            return _Fits(None, sure=False)
        return _Fits(np.logical_or.reduce(known), all(part.sure for part in parts))

    return plan


def _none_of(inner: _Plan) -> _Plan:
    def plan(piece: slice) -> _Fits:
        fits = inner(piece)
        return (
            _Fits(~fits.lines, sure=True) if fits.sure and fits.lines is not None else _Fits(None, sure=False)
        )

    return plan
