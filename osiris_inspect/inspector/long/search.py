"""A filter asked of a long log: the index leaves the lines that may be kept, and only those are decoded.

The lines are gone through in pieces that fit the processor's cache, so the first answers come at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from osiris_inspect.inspector.clauses import All, Compare, Either, Node, Not, When
from osiris_inspect.inspector.index import Column, Index, names_of
from osiris_inspect.inspector.long.long_log import LongLog
from osiris_inspect.inspector.long.sniff import NO_EVENT
from osiris_inspect.inspector.long.words import Numbers
from osiris_inspect.inspector.query import Query
from osiris_inspect.model.event import Event, canonical

_KEYS = ("event", "step", "step_id")
_PIECE = 1 << 17


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
    index = log.by_line
    for lines in pieces(index, query):
        for event in log.events(lines):
            if query.matches(event):
                yield event
    if len(log) and (event := log[-1]).line == len(index) + 1 and query.matches(event):
        yield event  # what stands behind the last newline is in no index


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
