"""Explains a filter that matched nothing: event names, steps and fields that do not exist.

Names are collected from events that are read anyway. Of a long log they come from its index, or from its
first and last lines.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from osiris_inspect.base.near_names import near_names
from osiris_inspect.inspector.event_log.filter.expressions import FieldComparison, positive_comparisons
from osiris_inspect.inspector.event_log.filter.filter import BUILTIN_FIELDS, EventFilter, event_field
from osiris_inspect.inspector.event_log.open_large_log import cached_index
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.line_index import LineIndex

SAMPLE_BYTES: Final = 1 << 18
"""Bytes of each end of a long log from which names are collected."""
_MAX_LISTED: Final = 12
"""Names listed if none is near."""
_STEP_KEYS: Final = ("step", "step_id")
_PATTERN: Final = re.compile(r"\.[*+]|[\^$|\\\[]|\*")
"""Characters that mean something only in a pattern."""


class FilterHints:
    """Compares the names in a filter with those of the events."""

    def __init__(self, query: EventFilter) -> None:
        self._comparisons = [part for part in positive_comparisons(query.root) if part.value]
        self._missing_fields = {part.key for part in positive_comparisons(query.root)} - BUILTIN_FIELDS
        self._names: set[str] = set()
        self._steps: set[str] = set()
        self._fields: set[str] = set()
        self._knows_names = self._knows_fields = True

    def observe(self, event: Event) -> None:
        """Collect the names of an event."""
        self._names |= {event.name, event.original_name or event.name}
        self._steps |= {event.step} if event.step else set()
        if self._missing_fields:
            self._fields.update(event.fields)
            self._missing_fields = {key for key in self._missing_fields if event_field(event, key) is None}

    def sample(self, disk: RunFiles, file: str) -> None:
        """Collect names from both ends of a long log; messages then refer to the ends only."""
        self._knows_names = self._knows_fields = False
        head, tail = disk.head(file, SAMPLE_BYTES), disk.tail(file, SAMPLE_BYTES)
        for line in (*head.split(b"\n")[:-1], *tail.split(b"\n")[1:]):
            with suppress(InvalidLine):  # recorded when the log was read
                self.observe(events.decode(line))

    def learn_all_names(self, index: "LineIndex") -> None:
        """Collect all names of a log from its index, unless there are too many for it."""
        names, steps = index.scanner.event_names, index.scanner.steps
        self._names.update(names.texts, map(events.canonical, names.texts))
        self._steps.update(steps.texts)
        self._knows_names = not (names.is_full or steps.is_full)

    def messages(self) -> list[str]:
        """Return a sentence for each name that does not exist; none if no event was observed."""
        if not self._names:
            return []
        messages = [*self._name_messages(), *self._field_messages()]
        if any(part.operator == "~" and _PATTERN.search(part.value) for part in self._comparisons):
            messages.append("~ matches literal text; use = and * for a pattern: event=step_*")
        return list(dict.fromkeys(messages))

    def _name_messages(self) -> Iterator[str]:
        for part in self._comparisons:
            if part.key == "event" and not _is_among(part, self._names):
                yield f"{_scope(whole=self._knows_names)}no event is {_called(part)}{_suggest(part.value, self._names)}"
            elif part.key in _STEP_KEYS and not _is_among(part, self._steps):
                yield f"{_scope(whole=self._knows_names)}no event has a step {_called(part)}{_suggest(part.value, self._steps)}"

    def _field_messages(self) -> Iterator[str]:
        for key in sorted(self._missing_fields):
            yield f"{_scope(whole=self._knows_fields)}no event has a field {one_line(key)!r}{_suggest(key, self._fields | BUILTIN_FIELDS)}"


def hints_for_large_log(query: EventFilter, disk: RunFiles, file: str, cache: Path | None) -> list[str]:
    """Return the messages for a filter that matched nothing in a long log."""
    hints = FilterHints(query)
    hints.sample(disk, file)
    index = _index_of(disk, file, cache)
    if index is not None:
        hints.learn_all_names(index)
    return hints.messages()


def _index_of(disk: RunFiles, file: str, cache: Path | None) -> "LineIndex | None":
    """Return the cached index of a log if it is complete."""
    descriptor = disk.descriptor(file)
    if descriptor is None:
        return None
    try:
        index = cached_index(descriptor, cache)
        return index if index is not None and index.size == os.fstat(descriptor).st_size else None
    finally:
        os.close(descriptor)


def _scope(*, whole: bool) -> str:
    return "" if whole else "at both ends of the log "


def _is_among(part: FieldComparison, names: Collection[str]) -> bool:
    return any(part.compare_value(name) for name in names)


def _called(part: FieldComparison) -> str:
    value = repr(one_line(part.value))
    return f"with {value} in its name" if part.operator == "~" else f"called {value}"


def _suggest(name: str, names: Collection[str]) -> str:
    """Return the nearest names, or else the first existing ones."""
    near = near_names(name, sorted(names), limit=3)
    if near:
        return f"; did you mean {' or '.join(repr(one_line(one)) for one in near)}?"
    listed = [repr(one_line(one)) for one in sorted(names)[:_MAX_LISTED]]
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return f"; there {'is' if len(listed) == 1 else 'are'} {', '.join(listed)}{more}" if listed else ""
