"""Finds the event name, step and time of each line of a block, without decoding most of the lines.

numpy compares the lines with all learned templates; names are hashed and looked up. A line that matches no
template is decoded, and a template is learned from it.
"""

import math
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.line_templates import (
    WORD_BYTES,
    LineTemplate,
    event_template,
    step_template,
    text_at,
)
from osiris_inspect.inspector.event_log.index.name_codes import Codes, NameTable
from osiris_inspect.inspector.event_log.index.vectorized import (
    HASH_MULTIPLIER,
    NO_TIME,
    PADDING,
    LineBlock,
    Mask,
    Numbers,
    WordArray,
    hash_until_quote,
    match_template,
    parse_epoch,
    parse_iso,
    read_windows,
)
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

NO_DAY = -(1 << 62)
NO_EVENT = 0
"""Code of a line that is not an event."""
MAX_TEMPLATES = 24
"""Templates tried on a line; in a log that varies more, the other lines are decoded."""
MAX_KNOWN = 64
"""After so many lines without a new template only some lines are searched for one, and names are learned alone."""
RETRY_EVERY = 16

Selected = TypeVar("Selected", Numbers, WordArray, Codes)

_STEP_KEY = b'"step_id"'


@dataclass(slots=True)
class LineColumns:
    """For each line of a block: the codes of event name and step, and the time in ms since 1970."""

    event_names: npt.NDArray[np.uint16]
    steps: npt.NDArray[np.uint16]
    times: Numbers


@dataclass(slots=True)
class LineScanner:
    """Scans the blocks of one log.

    Attributes:
        event_names, steps: the names of its events and steps.
        decoded_count: lines that matched no template so far.
        has_worker_lines: True if a line is of the worker's dialect; one is decoded before a template matches others.
    """

    event_names: NameTable = field(default_factory=lambda: NameTable(255))
    steps: NameTable = field(default_factory=lambda: NameTable(65535))
    decoded_count: int = 0
    has_worker_lines: bool = False
    _known_count: int = 0
    _event_templates: list[LineTemplate] = field(default_factory=list)
    _step_templates: list[LineTemplate] = field(default_factory=list)
    _days: dict[bytes, int] = field(default_factory=dict)

    def scan(self, lines: LineBlock) -> LineColumns:
        """Return the columns of a block."""
        count = len(lines.starts)
        columns = LineColumns(
            np.zeros(count, np.uint16), np.zeros(count, np.uint16), np.full(count, NO_TIME, np.int64)
        )
        closed = _ends_with_brace(lines)
        remaining = np.arange(count)
        batch = 0
        while len(remaining):
            # in the order of the file, so that the code of a name does not depend on where blocks begin
            for line in remaining[:batch].tolist():
                event = self._decode(lines, line, columns)
                if event is not None and closed[line]:
                    self._learn(lines.text(line), event)
            remaining = remaining[batch:]
            is_closed = closed[remaining]
            unmatched = self._match_templates(lines, remaining[is_closed], columns)
            remaining = np.union1d(unmatched, remaining[~is_closed])
            batch = max(
                1, batch * 2
            )  # where learning does not help, matching again must cost less than decoding
        return columns

    def _match_templates(self, lines: LineBlock, remaining: Numbers, columns: LineColumns) -> Numbers:
        """Fill in the lines that match a template and return the others."""
        unmatched: list[Numbers] = []
        for template in tuple(self._event_templates):
            if not len(remaining):
                break
            words = read_windows(
                lines, lines.starts[remaining] - template.pad, len(template.mask) + WORD_BYTES
            )
            matches = match_template(words, template)
            matches &= lines.starts[remaining] + template.length < lines.ends[remaining]
            matched, words = _select(matches, remaining), _select(matches, words)
            remaining = remaining[~matches]
            if len(matched):
                unmatched.append(self._fill_event_names(lines, matched, template, words, columns))
                if len(matched) > len(remaining):
                    _move_to_front(self._event_templates, template)
        return np.sort(np.concatenate([*unmatched, remaining]))

    def _fill_event_names(
        self,
        lines: LineBlock,
        matched: Numbers,
        template: LineTemplate,
        words: WordArray,
        columns: LineColumns,
    ) -> Numbers:
        """Fill in lines that begin like ``template``; return those that must be decoded."""
        codes, lengths = _lookup(self.event_names, words, template)
        known = codes != 0
        unknown, matched = matched[~known], _select(known, matched)
        columns.event_names[matched] = _select(known, codes)
        has_time = template.time_at is not None
        if template.time_at is not None and len(matched):
            columns.times[matched] = self._times(lines, lines.starts[matched] + template.time_at, template)
        begins = lines.starts[matched] + template.length + _select(known, lengths)
        return np.concatenate([unknown, self._fill_steps(lines, matched, begins, columns, has_time=has_time)])

    def _fill_steps(
        self, lines: LineBlock, remaining: Numbers, begins: Numbers, columns: LineColumns, *, has_time: bool
    ) -> Numbers:
        """Fill in the steps of lines whose event names end at ``begins``; return the other lines."""
        undecided: list[Numbers] = []
        for template in tuple(self._step_templates):
            if not len(remaining):
                break
            if not has_time and template.time_at is None:
                continue
            words = read_windows(lines, begins - template.pad, len(template.mask) + WORD_BYTES)
            matches = match_template(words, template) & (begins + template.length < lines.ends[remaining])
            matched, words = _select(matches, remaining), _select(matches, words)
            remaining = remaining[~matches]
            matched_begins, begins = _select(matches, begins), begins[~matches]
            if not len(matched):
                continue
            if len(matched) > len(remaining):
                _move_to_front(self._step_templates, template)
            if not has_time:
                columns.times[matched] = self._times(
                    lines, matched_begins + (template.time_at or 0), template
                )
            if template.has_text:
                codes, _ = _lookup(self.steps, words, template)
                columns.steps[matched] = codes
                undecided.append(matched[codes == 0])
            else:
                undecided.append(_with_step_elsewhere(lines, matched, matched_begins))
        undecided.append(_with_step_elsewhere(lines, remaining, begins) if has_time else remaining)
        return np.concatenate(undecided)

    def _times(self, lines: LineBlock, positions: Numbers, template: LineTemplate) -> Numbers:
        if template.time_format == "epoch":
            return parse_epoch(read_windows(lines, positions, 16))
        words = read_windows(lines, positions, 24)
        return parse_iso(words, self._days_of(words), fraction=template.time_format == "milliseconds")

    def _days_of(self, words: WordArray) -> Numbers:
        """Return the day of each time in ms since 1970."""
        dates = words[:, 0] ^ ((words[:, 1] & np.uint64(0xFFFF)) * HASH_MULTIPLIER[0])
        if (dates == dates[0]).all():  # np.unique sorts, and most blocks are of one day
            return np.full(len(dates), self._day(words[0]))
        _, firsts, inverse = np.unique(dates, return_index=True, return_inverse=True)
        return np.array([self._day(words[first]) for first in firsts], np.int64)[inverse]

    def _day(self, words: WordArray) -> int:
        raw = words.tobytes()[:10]
        if raw not in self._days:
            timestamp = events.parse_timestamp(raw.decode("ascii", "replace"))
            self._days[raw] = NO_DAY if timestamp is None else round(timestamp * 1000)
        return self._days[raw]

    def _learn(self, raw: bytes, event: Event) -> None:
        """Learn the templates of a line; its names alone if the last lines had no new templates."""
        if self._known_count >= MAX_KNOWN and self.decoded_count % RETRY_EVERY:
            self._register_plain(raw, self.event_names, event.original_name)
            self._register_plain(raw, self.steps, event.step)
            return
        before = len(self._event_templates) + len(self._step_templates)
        self._learn_templates(raw, event)
        is_new = len(self._event_templates) + len(self._step_templates) > before
        self._known_count = 0 if is_new else self._known_count + 1

    @staticmethod
    def _register_plain(raw: bytes, names: NameTable, text: str | None) -> None:
        """Register a name that the line spells without escapes."""
        if text is not None and text.isascii() and len(text) < WORD_BYTES and b'"%s"' % text.encode() in raw:
            names.register(text.encode(), text)

    def _learn_templates(self, raw: bytes, event: Event) -> None:
        head = event_template(raw)
        name = text_at(raw, head.length) if head is not None else None
        if head is None or name is None or name != event.original_name.encode():
            return
        begin = head.length + len(name)
        tail = step_template(raw, begin, needs_time=head.time_at is None)
        if head.time_at is None and tail is None:
            return  # a log without times is decoded
        self.event_names.register(name, event.original_name)
        _add(self._event_templates, head)
        if tail is None:
            return
        step = text_at(raw, begin + tail.length) if tail.has_text else None
        if step is not None and event.step is not None:
            self.steps.register(step, event.step)
        _add(self._step_templates, tail)

    def _decode(self, lines: LineBlock, line: int, columns: LineColumns) -> Event | None:
        self.decoded_count += 1
        try:
            event = events.decode(lines.text(line))
        except InvalidLine:
            columns.event_names[line] = NO_EVENT
            return None
        self.has_worker_lines |= event.dialect == "worker"
        columns.event_names[line] = self.event_names.code(event.original_name)
        columns.steps[line] = self.steps.code(event.step)
        columns.times[line] = NO_TIME if event.ts is None else milliseconds(event.ts)
        return event


def milliseconds(ts: float) -> int:
    """Return a time in ms since 1970, truncated as the digits of its text are; ``NO_TIME`` if out of range.

    A float may be below the text it was parsed from, by half the distance to the next float.
    """
    if not 0 <= ts < 1e11:
        return NO_TIME
    (number, by), (half, by_half) = ts.as_integer_ratio(), (math.ulp(ts) / 2).as_integer_ratio()
    return (number * by_half + half * by) * 1000 // (by * by_half)


def _add(templates: list[LineTemplate], template: LineTemplate) -> None:
    if template not in templates and len(templates) < MAX_TEMPLATES:
        templates.insert(0, template)


def _move_to_front(templates: list[LineTemplate], template: LineTemplate) -> None:
    templates.remove(template)
    templates.insert(0, template)


def _select(matches: Mask, values: Selected) -> Selected:
    return values if matches.all() else values[matches]  # a copy of all rows costs as much as matching them


def _lookup(names: NameTable, words: WordArray, template: LineTemplate) -> tuple[Codes, Numbers]:
    """Return the code of the name after ``template`` in each line, 0 for an unknown one, and its length."""
    hashes, lengths = hash_until_quote(words, len(template.mask) // 8)
    return np.where(lengths < WORD_BYTES, names.lookup_hashes(hashes), 0), lengths


def _with_step_elsewhere(lines: LineBlock, remaining: Numbers, begins: Numbers) -> Numbers:
    """Return the lines that name a step somewhere after ``begins``."""
    spans = zip(remaining.tolist(), (begins + PADDING).tolist(), (lines.ends[remaining] + PADDING).tolist(), strict=True)  # fmt: skip
    find = lines.raw.find
    return np.array([line for line, begin, end in spans if find(_STEP_KEY, begin, end) >= 0], np.int64)


def _ends_with_brace(lines: LineBlock) -> Mask:
    """Return which lines end with ``}``; the others are truncated, blank or not JSON objects."""
    raw = np.frombuffer(lines.raw, np.uint8)
    last, before_last = raw[lines.ends + (PADDING - 1)], raw[lines.ends + (PADDING - 2)]
    closed: Mask = (last == ord("}")) | ((last == ord("\r")) & (before_last == ord("}")))
    return closed
