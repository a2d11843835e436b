"""What a filter that kept nothing asks for and no event has: a name of an event, a step, a field.

The names are taken from events that are gone through anyway. Of a long log they are those of its index, or of its first
and last lines: nothing is read as a whole only to say this.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from osiris_inspect.base.near_names import near_names
from osiris_inspect.inspector.event_log.filter.expressions import FieldComparison, positive_comparisons
from osiris_inspect.inspector.event_log.filter.filter import BUILTIN_FIELDS, EventFilter, event_field
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model import event as events
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.line_index import LineIndex

SAMPLE: Final = 1 << 18
"""Bytes of each end of a long log from which names are taken."""
_LISTED: Final = 12
"""Names that are listed where none is near."""
_STEP_KEYS: Final = ("step", "step_id")
_PATTERN: Final = re.compile(r"\.[*+]|[\^$|\\\[]|\*")
"""What only means something in a pattern."""


class FilterHints:
    """The names that a filter asks for, held against those of the events it did not keep."""

    def __init__(self, query: EventFilter) -> None:
        self._wanted = [part for part in positive_comparisons(query.root) if part.value]
        self._strange = {part.key for part in positive_comparisons(query.root)} - BUILTIN_FIELDS
        self._names: set[str] = set()
        self._steps: set[str] = set()
        self._fields: set[str] = set()
        self._knows_names = self._knows_fields = True

    def observe(self, event: Event) -> None:
        """Learn the names of an event."""
        self.add_event_names([event.name, event.original_name] if event.original_name else [event.name])
        self.add_step_names([event.step] if event.step else [])
        if self._strange:
            self._fields.update(event.fields)
            self._strange = {key for key in self._strange if event_field(event, key) is None}

    def add_event_names(self, names: Iterable[str]) -> None:
        """Learn names of events, as they are written or as we have them."""
        self._names.update(names)

    def add_step_names(self, steps: Iterable[str]) -> None:
        """Learn names of steps."""
        self._steps.update(steps)

    def sample(self, disk: RunFiles, file: str) -> None:
        """Learn from the two ends of a long log; what is said then is said of these alone."""
        self._knows_names = self._knows_fields = False
        head, tail = disk.head(file, SAMPLE), disk.tail(file, SAMPLE)
        for line in (*head.split(b"\n")[:-1], *tail.split(b"\n")[1:]):
            with suppress(InvalidLine):  # noted where the log was gone through
                self.observe(events.decode(line))

    def learn_all_names(self, index: "LineIndex") -> None:
        """Learn the names of a whole log from its index, unless they were too many for it."""
        names, steps = index.scanner.event_names, index.scanner.steps
        self.add_event_names(name for text in names.texts for name in (text, events.canonical(text)))
        self.add_step_names(steps.texts)
        self._knows_names = not (names.is_full or steps.is_full)

    def messages(self) -> list[str]:
        """A sentence for each name that no event has; none where nothing was looked at."""
        if not self._names:
            return []
        told = [*self._of_names(), *self._of_fields()]
        if any(part.operator == "~" and _PATTERN.search(part.value) for part in self._wanted):
            told.append("~ takes a text as it stands; a pattern is written with = and *: event=step_*")
        return list(dict.fromkeys(told))

    def _of_names(self) -> Iterator[str]:
        for part in self._wanted:
            if part.key == "event" and not _is_among(part, self._names):
                yield f"{_where(whole=self._knows_names)}no event is {_called(part)}{_suggest(part.value, self._names)}"
            elif part.key in _STEP_KEYS and not _is_among(part, self._steps):
                yield f"{_where(whole=self._knows_names)}no event is of a step {_called(part)}{_suggest(part.value, self._steps)}"

    def _of_fields(self) -> Iterator[str]:
        for key in sorted(self._strange):
            yield f"{_where(whole=self._knows_fields)}no event has a field {one_line(key)!r}{_suggest(key, self._fields | BUILTIN_FIELDS)}"


def hints_for_large_log(query: EventFilter, disk: RunFiles, file: str, cache: Path | None) -> list[str]:
    """What a filter that kept nothing of a long log asks for and no event has, as far as that is known."""
    unmet = FilterHints(query)
    unmet.sample(disk, file)
    index = _index_of(disk, file, cache)
    if index is not None:
        unmet.learn_all_names(index)
    return unmet.messages()


def _index_of(disk: RunFiles, file: str, cache: Path | None) -> "LineIndex | None":
    """The index that was kept of a log, where it holds all of it."""
    from osiris_inspect.inspector.event_log.index.index_file import IndexCache
    from osiris_inspect.inspector.event_log.open_large_log import INDEX_DIR

    descriptor = disk.descriptor(file)
    if descriptor is None:
        return None
    try:
        index = IndexCache(cache / INDEX_DIR).load(descriptor) if cache is not None else None
        return index if index is not None and index.size == os.fstat(descriptor).st_size else None
    finally:
        os.close(descriptor)


def _where(*, whole: bool) -> str:
    return "" if whole else "at both ends of the log "


def _is_among(part: FieldComparison, names: Collection[str]) -> bool:
    return any(part.compare_value(name) for name in names)


def _called(part: FieldComparison) -> str:
    value = repr(one_line(part.value))
    return f"called anything with {value} in it" if part.operator == "~" else f"called {value}"


def _suggest(name: str, there_are: Collection[str]) -> str:
    """The names that are near, else those there are; a few of them where there are many."""
    near = near_names(name, sorted(there_are), limit=3)
    if near:
        return f"; did you mean {' or '.join(repr(one_line(one)) for one in near)}?"
    listed = [repr(one_line(one)) for one in sorted(there_are)[:_LISTED]]
    more = f" and {len(there_are) - _LISTED} more" if len(there_are) > _LISTED else ""
    return f"; there {'is' if len(listed) == 1 else 'are'} {', '.join(listed)}{more}" if listed else ""
