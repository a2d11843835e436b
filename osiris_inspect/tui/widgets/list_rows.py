"""What a list shows: rows, each with its picture, its text, and the fields a filter asks for."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from textual.content import Content

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter


class Row(Protocol):
    """One line of a list. All of it is safe to show: what comes from a log went through ``plain``."""

    @property
    def content(self) -> Content:
        """The picture of the row."""

    @property
    def text(self) -> str:
        """What a search looks at and a copy takes."""

    @property
    def key(self) -> Hashable:
        """What names the row, also after a reload."""

    @property
    def fields(self) -> Mapping[str, object]:
        """What ``key=value`` in a filter asks for; ``step`` names the step it belongs to."""

    @property
    def is_failure(self) -> bool:
        """Whether it tells of something that failed."""

    @property
    def is_warning(self) -> bool:
        """Whether it tells of something that may be wrong."""


class SearchBatch(NamedTuple):
    """What a search found in one piece of the rows: their numbers, maybe none; and the share of all that it has looked at."""

    row_numbers: list[int]
    progress: float


@runtime_checkable
class SearchableRows(Protocol):
    """Rows that can be looked through faster than one by one."""

    def search(self, wanted: "EventFilter") -> Iterator[SearchBatch]:
        """The rows that a query keeps, in their order, piece by piece."""


class StaticRow(NamedTuple):
    """A row made in advance, for lists that are short."""

    content: Content
    text: str
    key: Hashable = None
    fields: Mapping[str, object] = MappingProxyType({})
    is_failure: bool = False
    is_warning: bool = False


class ListContent(NamedTuple):
    """The rows of a list at one width, and the line that stands above them."""

    rows: Sequence[Row] = ()
    heading: Content | None = None


_BEFORE_WORDS = " ✓✗!~·"

Layout = Callable[[int], ListContent]
"""The sheet for a width in cells. Called again when the width changes."""


def static_row(content: Content | str, *, key: Hashable = None, step: str | None = None) -> StaticRow:
    """A row whose text is what it shows."""
    content = Content(content) if isinstance(content, str) else content
    return StaticRow(content, content.plain, key, {"step": step} if step else {})


def text_layout(lines: Sequence[Content]) -> Layout:
    """The layout of a page of text: each line folded at the width, continued under its own indent."""

    def sheet(width: int) -> ListContent:
        return ListContent([static_row(part) for line in lines for part in _wrap(line, width)])

    return sheet


def _wrap(line: Content, width: int) -> list[Content]:
    if line.cell_length <= width:
        return [line]
    indent = min(len(line.plain) - len(line.plain.lstrip(_BEFORE_WORDS)), width // 2)
    room = max(width - indent, 8)
    head, *rest = line[indent:].wrap(room)
    return [line[:indent] + head, *(Content(" " * indent) + part for part in rest)]
