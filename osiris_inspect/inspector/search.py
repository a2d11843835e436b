"""A filter asked of a long log: the index leaves the lines that may be kept, and only those are decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osiris_inspect.inspector.index import Column, Index, names_of
from osiris_inspect.inspector.long_log import LongLog
from osiris_inspect.inspector.query import All, Compare, Either, Node, Not, Query, When
from osiris_inspect.inspector.sniff import NO_EVENT
from osiris_inspect.model.event import Event, canonical

_KEYS = ("event", "step", "step_id")


@dataclass(frozen=True, slots=True)
class _Fits:
    """Which lines may be kept; ``sure`` where these and no others are."""

    lines: Column
    sure: bool


def found(log: LongLog, query: Query) -> Iterator[Event]:
    """The events of a log that a filter keeps, in the order of the file."""
    index = log.by_line
    lines = np.flatnonzero(candidates(index, query))
    for event in log.events(lines):
        if query.matches(event):
            yield event
    last = len(index)
    if len(log) and (event := log[-1]).line == last + 1 and query.matches(event):
        yield event


def candidates(index: Index, query: Query) -> Column:
    """For each line whether it may be kept: no line that is kept is left out."""
    fits: Column = _fits(index, query.root).lines & (index.kinds != NO_EVENT)
    return fits


def _fits(index: Index, node: Node) -> _Fits:
    if isinstance(node, Compare):
        return _of_compare(index, node)
    if isinstance(node, When):
        since, until = (node.moment, None) if node.side == "since" else (None, node.moment)
        # the index knows ms, an event more: the ms in which the bound lies must be looked at
        return _Fits(index.where(since=since, until=until), sure=False)
    if isinstance(node, All):
        return _together(index, [_fits(index, part) for part in node.parts])
    if isinstance(node, Either):
        parts = [_fits(index, part) for part in node.parts]
        return _Fits(np.logical_or.reduce([part.lines for part in parts]), all(part.sure for part in parts))
    if isinstance(node, Not):
        inner = _fits(index, node.part)
        return _Fits(~inner.lines, sure=True) if inner.sure else _any(index)
    return _any(index)


def _together(index: Index, parts: list[_Fits]) -> _Fits:
    fits = _any(index).lines
    for part in parts:
        fits &= part.lines
    return _Fits(fits, all(part.sure for part in parts))


def _of_compare(index: Index, node: Compare) -> _Fits:
    if node.key not in _KEYS or node.sign in ("!=", "!~"):
        return _any(index)
    names = index.sniffer.kinds if node.key == "event" else index.sniffer.steps
    codes = names_of(names, lambda text: node.fits(text) or node.fits(canonical(text)))
    lines = index.where(kinds=codes) if node.key == "event" else index.where(steps=codes)
    full = len(names.texts) + 1 >= names.other  # some names have no code of their own
    return _Fits(lines, sure=not full)


def _any(index: Index) -> _Fits:
    return _Fits(np.ones(len(index), bool), sure=False)
