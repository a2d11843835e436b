"""Search in a list without blocking the screen.

Near rows are searched at once. Far rows are searched in a thread that shows what it has found so far; the next search
cancels it.
"""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic, sleep
from typing import TYPE_CHECKING

from textual import work
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.worker import get_current_worker

from osiris_inspect.tui.widgets.list_rows import ListContent, Row, Rows, SearchableRows, SearchBatch

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter

SYNC_SEARCH_ROWS = 2_000
"""Rows searched before a key press is answered."""

_CHUNK = 500
_FIRST_UPDATE_S = 0.01
_PROGRESS_INTERVAL_S = 0.25
"""Longest time between two updates of a running search."""
_YIELD_S = 0.0005
"""Pause of a search between two chunks, so that the event loop gets the interpreter lock."""


class SearchableList(ScrollView):
    """Base of a list with a search in the background. ``LineList`` defines the attributes and methods used here.

    Attributes:
        search_progress: Share of the rows that the filter has been applied to.
    """

    cursor: int | reactive[int]
    visible_rows: Sequence[int] | None
    sheet: ListContent
    search_progress = 1.0

    def __len__(self) -> int:
        raise NotImplementedError

    def row_at(self, index: int) -> Row:
        """Return a visible row by its position."""
        raise NotImplementedError

    def show_matches(self, row_numbers: Sequence[int], *, is_first: bool) -> None:
        """Show only these rows; ``is_first`` for the first result of a search, else it adds to the last one."""
        raise NotImplementedError

    def refilter(self) -> None:
        """Search again because the rows were reloaded."""
        raise NotImplementedError

    # ── next match ──

    def find_next(self, by: int, matches: Callable[[Row], bool], noun: str) -> None:
        """Move the cursor to the next matching row in a direction, wrapping around at the end."""
        self.cancel_search()
        total, start = len(self), self.cursor
        near = ((start + by * distance) % total for distance in range(1, min(total, SYNC_SEARCH_ROWS) + 1))
        match = next((position for position in near if matches(self.row_at(position))), None)
        if match is not None:
            self.cursor = match
        elif total <= SYNC_SEARCH_ROWS:
            self.notify(f"No {noun}", markup=False)
        else:
            far = ((start + by * distance) % total for distance in range(SYNC_SEARCH_ROWS + 1, total + 1))
            self._find_far(matches, noun, far)

    def cancel_search(self) -> None:
        """Cancel the running search."""
        self.workers.cancel_group(self, "search")

    @work(thread=True, exclusive=True, group="search")
    def _find_far(self, matches: Callable[[Row], bool], noun: str, positions: Iterator[int]) -> None:
        worker, rows, visible = get_current_worker(), self.sheet.rows, self.visible_rows
        for count, position in enumerate(positions):
            if count % _CHUNK == 0:
                sleep(_YIELD_S)
                if worker.is_cancelled:
                    return
            if matches(rows[position if visible is None else visible[position]]):
                self.app.call_from_thread(self._move_cursor, position, worker)
                return
        self.app.call_from_thread(self.notify, f"No {noun}", markup=False)

    def _move_cursor(self, position: int, worker: object) -> None:
        if not getattr(worker, "is_cancelled", False):
            self.cursor = position

    # ── filter ──

    @work(thread=True, exclusive=True, group="search")
    def filter_all(self, event_filter: "EventFilter") -> None:
        """Show the rows that match a filter, the first ones as soon as they are found."""
        worker, rows = get_current_worker(), self.sheet.rows
        matches: list[int] = []
        is_first, wait, updated = True, 0.0, monotonic()
        batches = (
            rows.search(event_filter) if isinstance(rows, SearchableRows) else _search(rows, event_filter)
        )
        for row_numbers, progress in batches:
            matches += row_numbers
            if worker.is_cancelled:
                return
            sleep(_YIELD_S)
            if monotonic() - updated >= (wait if matches else _PROGRESS_INTERVAL_S):
                self.app.call_from_thread(
                    self._show_results, rows, matches, worker, progress, is_first=is_first
                )
                is_first, updated = not matches, monotonic()
                wait = min(2 * wait + _FIRST_UPDATE_S, _PROGRESS_INTERVAL_S)  # less and less often
        self.app.call_from_thread(self._show_results, rows, matches, worker, 1.0, is_first=is_first)

    def _show_results(
        self, rows: Rows, matches: Sequence[int], worker: object, progress: float, *, is_first: bool
    ) -> None:
        if getattr(worker, "is_cancelled", False):
            return
        if rows is not self.sheet.rows:
            self.refilter()
        else:
            self.search_progress = progress
            self.show_matches(matches, is_first=is_first)


def _search(rows: Rows, event_filter: "EventFilter") -> Iterator[SearchBatch]:
    for start in range(0, len(rows), _CHUNK):
        chunk = range(start, min(start + _CHUNK, len(rows)))
        matches = [index for index in chunk if event_filter.matches_row(rows[index].text, rows[index].fields)]
        yield SearchBatch(matches, chunk.stop / len(rows))
