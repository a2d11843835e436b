"""Looking through rows without holding up the screen: what is near is found at once, what is far piece by piece.

A search that takes long runs beside the event loop and shows what it has; the next key that asks for something else ends
it. So no key waits and none is lost, however long the list is.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from time import monotonic, sleep
from typing import TYPE_CHECKING

from textual import work
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.worker import get_current_worker

from osiris_inspect.tui.widgets.list_rows import ListContent, Row, SearchableRows, SearchBatch

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.filter.filter import EventFilter

SYNC_SEARCH_ROWS = 2_000
"""Rows looked at before a key press is answered."""

_CHUNK = 500
_FIRST_UPDATE_S = 0.01
_PROGRESS_INTERVAL_S = 0.25
"""Seconds after which a search shows how far it is."""
_YIELD_S = 0.0005
"""Seconds a search lets go of the interpreter between two pieces: without, each key waits for several of them."""


class SearchableList(ScrollView):
    """What a list of rows needs to be searched. ``shown``, ``sheet`` and ``cursor`` are the list's own.

    Attributes:
        looked_at: the share of the rows that the filter was asked of.
    """

    cursor: int | reactive[int]
    visible_rows: Sequence[int] | None
    sheet: ListContent
    search_progress = 1.0

    def __len__(self) -> int:
        raise NotImplementedError

    def row_at(self, index: int) -> Row:
        """A row by its place among those that are shown."""
        raise NotImplementedError

    def show_matches(self, kept: Sequence[int], *, is_first: bool) -> None:
        """Show these rows, by number: the first ones a filter found, or the same and more."""
        raise NotImplementedError

    def refilter(self) -> None:
        """Look through all rows anew, since they were read again meanwhile."""
        raise NotImplementedError

    # ── the next one ──

    def find_next(self, by: int, wanted: Callable[[Row], bool], what: str) -> None:
        """Put the cursor on the next wanted row in a direction, round the end where need be."""
        self.cancel_search()
        total, start = len(self), self.cursor
        near = range(1, min(total, SYNC_SEARCH_ROWS) + 1)
        found = next((d for d in near if wanted(self.row_at((start + by * d) % total))), None)
        if found is not None:
            self.cursor = (start + by * found) % total
        elif total <= SYNC_SEARCH_ROWS:
            self.notify(f"no {what} here", markup=False)
        else:
            self._seek_far(wanted, what, self._rows_from(start, by))

    def cancel_search(self) -> None:
        """End what is being looked for."""
        self.workers.cancel_group(self, "seek")

    def _rows_from(self, start: int, by: int) -> chain[int]:
        """The places of the rows that were not looked at yet, in the order of the search."""
        total = len(self)
        begin = start + by * (SYNC_SEARCH_ROWS + 1)
        if by > 0:
            return chain(range(min(begin, total), total), range(max(0, begin - total), start + 1))
        return chain(range(max(begin, -1), -1, -1), range(min(total - 1, total + begin), start - 1, -1))

    @work(thread=True, exclusive=True, group="seek")
    def _seek_far(self, wanted: Callable[[Row], bool], what: str, places: chain[int]) -> None:
        worker, rows, shown = get_current_worker(), self.sheet.rows, self.visible_rows
        for looked, place in enumerate(places):
            if looked % _CHUNK == 0:
                sleep(_YIELD_S)
                if worker.is_cancelled:
                    return
            if wanted(rows[place if shown is None else shown[place]]):
                self.app.call_from_thread(self._move_cursor, place, worker)
                return
        self.app.call_from_thread(self.notify, f"no {what} here", markup=False)

    def _move_cursor(self, place: int, worker: object) -> None:
        if not getattr(worker, "is_cancelled", False):
            self.cursor = place

    # ── all of them ──

    @work(thread=True, exclusive=True, group="seek")
    def filter_all(self, wanted: "EventFilter") -> None:
        """Find all rows a query keeps and show them, the first ones as soon as there are any."""
        worker, rows = get_current_worker(), self.sheet.rows
        kept: list[int] = []
        is_first, wait, shown_at = True, 0.0, monotonic()
        pieces = rows.search(wanted) if isinstance(rows, SearchableRows) else _matching(rows, wanted)
        for found, share in pieces:
            kept += found
            if worker.is_cancelled:
                return
            sleep(_YIELD_S)
            # the first ones at once, then less and less often; and that there are none is news as well
            if monotonic() - shown_at >= (wait if kept else _PROGRESS_INTERVAL_S):
                self.app.call_from_thread(self._show_results, rows, kept, worker, share, is_first=is_first)
                is_first, wait, shown_at = (
                    not kept,
                    min(2 * wait + _FIRST_UPDATE_S, _PROGRESS_INTERVAL_S),
                    monotonic(),
                )
        self.app.call_from_thread(self._show_results, rows, kept, worker, 1.0, is_first=is_first)

    def _show_results(
        self, rows: Sequence[Row], kept: Sequence[int], worker: object, share: float, *, is_first: bool
    ) -> None:
        if getattr(worker, "is_cancelled", False):
            return
        if rows is not self.sheet.rows:
            self.refilter()
        else:
            self.search_progress = share
            self.show_matches(kept, is_first=is_first)


def _matching(rows: Sequence[Row], wanted: "EventFilter") -> Iterator[SearchBatch]:
    for start in range(0, len(rows), _CHUNK):
        chunk = range(start, min(start + _CHUNK, len(rows)))
        kept = [index for index in chunk if wanted.matches_row(rows[index].text, rows[index].fields)]
        yield SearchBatch(kept, chunk.stop / len(rows))
