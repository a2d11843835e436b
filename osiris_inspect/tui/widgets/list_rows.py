"""Rows of a list: content to paint, text to search, and fields to filter by."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from textual.content import Content

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter


class Row(Protocol):
    """One line of a list. Its text is sanitized: safe to show."""

    @property
    def content(self) -> Content:
        """Line to paint."""

    @property
    def text(self) -> str:
        """Text to search and to copy."""

    @property
    def key(self) -> Hashable:
        """Identity of the row, the same after a reload."""

    @property
    def fields(self) -> Mapping[str, object]:
        """Fields that ``key=value`` filters match; ``step`` is the step of the row."""

    @property
    def is_failure(self) -> bool:
        """True if the row reports a failure."""

    @property
    def is_warning(self) -> bool:
        """True if the row reports a possible problem."""


class Rows(Protocol):
    """Rows by number; they may be created on access."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Row: ...


class SearchBatch(NamedTuple):
    """Matching row numbers of one part of the rows, maybe none, and the share of all rows searched so far."""

    row_numbers: list[int]
    progress: float


@runtime_checkable
class SearchableRows(Protocol):
    """Rows with a faster search than row by row."""

    def search(self, event_filter: "EventFilter") -> Iterator[SearchBatch]:
        """Yield the matching rows in order, batch by batch."""


class StaticRow(NamedTuple):
    """Row created in advance, for short lists."""

    content: Content
    text: str
    key: Hashable = None
    fields: Mapping[str, object] = MappingProxyType({})
    is_failure: bool = False
    is_warning: bool = False


class ListContent(NamedTuple):
    """Rows of a list at one width, and the heading above them."""

    rows: Rows = ()
    heading: Content | None = None


Layout = Callable[[int], ListContent]
"""Returns the content for a width in cells. Called again when the width changes."""

_INDENT_CHARACTERS = " ✓✗!~·"


def static_row(content: Content | str) -> StaticRow:
    """Return a row whose text is its content."""
    content = Content(content) if isinstance(content, str) else content
    return StaticRow(content, content.plain)


def text_layout(lines: Sequence[Content]) -> Layout:
    """Return the layout of a page of text: long lines are wrapped under their own indent."""
    return lambda width: ListContent([static_row(line) for text in lines for line in _wrap(text, width)])


def _wrap(line: Content, width: int) -> list[Content]:
    if line.cell_length <= width:
        return [line]
    indent = min(len(line.plain) - len(line.plain.lstrip(_INDENT_CHARACTERS)), width // 2)
    first, *others = line[indent:].wrap(max(width - indent, 8))
    return [line[:indent] + first, *(Content(" " * indent) + other for other in others)]
