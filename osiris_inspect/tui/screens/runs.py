"""List of the runs in a folder, newest first or in another order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.content import Content

from osiris_inspect.inspector.text.reasons import shorten_finding
from osiris_inspect.inspector.text.sanitize import one_line, show_line
from osiris_inspect.inspector.text.units import UNKNOWN, day_and_time, format_duration, format_int, pluralize
from osiris_inspect.model.finding import Severity
from osiris_inspect.tui.drawing.sparklines import sparkline
from osiris_inspect.tui.drawing.symbols import MUTED, RUN, SEVERITY
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.key_bindings import bindings
from osiris_inspect.tui.shared.messages import ScreenReady
from osiris_inspect.tui.widgets.line_list import CursorMoved, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, StaticRow, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, table_rows

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry

COLUMNS = (
    TableColumn("status", min_width=3),
    TableColumn("pipeline", min_width=8, max_width=14),
    TableColumn("cause", min_width=20, max_width=20, middle=True),
    TableColumn("since green", priority=6, min_width=6, max_width=18),
    TableColumn("history", priority=3, min_width=3),
    TableColumn("rows", right=True, priority=5),
    TableColumn("time", right=True, priority=4),
    TableColumn("mode", priority=2),
    TableColumn("started (UTC)", priority=1),
    TableColumn("run", priority=7, max_width=20),
)
"""At 80 columns, the date and the mode are shown beside a shortened cause."""

HISTORY_RUNS = 8
"""Runs of a pipeline in the history beside each run."""

_FIRST_UPDATE_RUNS = 40
_ORDERS: Mapping[str, Callable[["RunEntry"], Any]] = {
    "newest first": lambda entry: -(entry.started or 0.0),
    "failed first": lambda entry: (not _is_failed(entry), -(entry.started or 0.0)),
    "longest first": lambda entry: -(entry.duration_s or 0.0),
    "most rows first": lambda entry: -(entry.rows or 0),
    "by pipeline": lambda entry: (entry.pipeline or "", -(entry.started or 0.0)),
}


class RunsScreen(TitledScreen):
    """Table of runs. It is filled while the folder is read."""

    BINDINGS = bindings("runs")
    SCOPES = ("screen", "list", "runs", "app")

    def __init__(self, path: Path, source: DataSource, clock: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._clock = clock
        self._entries: list[RunEntry] = []
        self._green: dict[RunEntry, str] = {}
        self._is_reading_green = False
        self._order = 0
        self._is_reading = False

    def start(self) -> None:
        """Start reading."""
        self._set_status("reading …")
        self.main_list.focus()
        self.load()

    def on_screen_resume(self) -> None:
        """Read again when the user returns from a run, which may have ended."""
        if self._entries and not self._is_reading:
            self.load()

    def load(self) -> None:
        """Read the folder in a thread."""
        self._is_reading = True
        self._read()

    @work(thread=True, exclusive=True, group="load")
    def _read(self) -> None:
        """Read the runs and update the table less and less often, because each update lays out all rows."""
        entries: list[RunEntry] = []
        next_update, is_first = 1, not self._entries
        try:
            for entry in self._source.entries(self._path, self._clock()):
                entries.append(entry)
                if is_first and len(entries) == next_update:
                    self.app.call_from_thread(self._show, list(entries), is_complete=False)
                    next_update = max(_FIRST_UPDATE_RUNS, 2 * len(entries))
        except Exception as error:  # noqa: BLE001  foreign files; the error is shown
            self.app.call_from_thread(self._show_unreadable, error)
        else:
            self.app.call_from_thread(self._show, entries, is_complete=True)
        finally:
            self._is_reading = False

    def _set_status(self, status: str) -> None:
        self.set_title(Content.assemble((show_line(str(self._path), 200), "bold"), (f"  {status}", MUTED)))

    def _show(self, entries: Sequence["RunEntry"], *, is_complete: bool) -> None:
        if is_complete and len(entries) == 1 and not self._entries[1:]:
            self.app.switch_screen(RunScreen(entries[0].path, self._source, self._clock))
            return
        self._entries = list(entries)
        order = list(_ORDERS)[self._order]
        self.main_list.show(
            _layout(sorted(entries, key=_ORDERS[order]), _pipeline_history(entries), self._green)
        )
        failed = sum(map(_is_failed, entries))
        reading = "" if is_complete else ", reading …"
        self._set_status(f"{pluralize(len(entries), 'run')}, {failed:,} failed, {order}{reading}")
        if is_complete or len(entries) == 1:
            self.post_message(ScreenReady())

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Read where the visible runs diverge from the last success."""
        if self._is_reading_green or self._is_reading:
            return
        shown = message.lines
        begin = max(0, shown.scroll_offset.y)
        rows = (shown.row_at(at) for at in range(begin, min(len(shown), begin + shown.page_height)))
        paths = {row.key for row in rows}
        missing = [
            entry
            for entry in self._entries
            if entry.path in paths
            and entry not in self._green
            and entry.status not in ("running", "unreadable")
        ]
        if missing:
            self._is_reading_green = True
            self._read_green(missing)

    @work(thread=True, group="green")
    def _read_green(self, entries: Sequence["RunEntry"]) -> None:
        green: dict[RunEntry, str] = {}
        try:
            for entry in entries:
                try:
                    green[entry] = self._source.since_green(entry.path, self._clock()) or ""
                except Exception as error:  # noqa: BLE001  foreign files; the error is shown
                    green[entry] = f"? {type(error).__name__}"
        finally:
            self._is_reading_green = False
        self.app.call_from_thread(self._show_green, green)

    def _show_green(self, green: Mapping["RunEntry", str]) -> None:
        self._green.update(green)
        if self.is_current and not self._is_reading:
            self._show(self._entries, is_complete=True)

    def action_sort(self) -> None:
        """Use the next sort order."""
        self._order = (self._order + 1) % len(_ORDERS)
        if self._entries:
            self._show(self._entries, is_complete=not self._is_reading)

    def action_compare(self) -> None:
        """Compare two marked runs, or the current run with the marked or the previous one of its pipeline."""
        pair = self._pair()
        statuses = {entry.path: entry.status for entry in self._entries}
        if pair is not None and statuses[pair[1]] == "success" != statuses[pair[0]]:
            pair = pair[1], pair[0]  # A is the run that works
        if pair is None:
            self.notify("Mark two runs (m), then press c", markup=False)
            return
        from osiris_inspect.tui.screens.comparison import ComparisonScreen, run_rows

        source, now = self._source, self._clock()

        def compare_pair() -> tuple[Content, Layout]:
            from osiris_inspect.inspector.analysis.diff import diff_runs

            left, right = (source.report(path, now).run for path in pair)
            return run_rows(diff_runs(left, right))

        self.app.push_screen(ComparisonScreen(compare_pair, pair, source))

    def _pair(self) -> tuple[Path, Path] | None:
        marked = [entry.path for entry in self._entries if entry.path in self.main_list.marked]
        if len(marked) == 2:
            return marked[1], marked[0]  # the older one first
        row = self.main_list.row
        current = next((entry for entry in self._entries if row is not None and entry.path == row.key), None)
        if current is None:
            return None
        if len(marked) == 1 and marked[0] != current.path:
            return marked[0], current.path
        same_pipeline = (entry for entry in self._entries if entry.pipeline == current.pipeline)
        older = [entry for entry in same_pipeline if (entry.started or 0) < (current.started or 0)]
        previous = max(older, key=lambda entry: entry.started or 0, default=None)
        return (previous.path, current.path) if previous is not None and not marked else None

    def _show_unreadable(self, error: Exception) -> None:
        self._set_status("unreadable")
        text = show_line(f"{type(error).__name__}: {error}", 300)
        self.main_list.show(text_layout([Content.styled(text, "$state-bad")]))
        self.post_message(ScreenReady())

    def on_row_opened(self, message: RowOpened) -> None:
        """Open the current run."""
        message.stop()
        row = message.lines.row
        if row is not None and isinstance(row.key, Path):
            self.app.push_screen(RunScreen(row.key, self._source, self._clock))


def _is_failed(entry: "RunEntry") -> bool:
    return entry.status not in ("success", "running", "interrupted")


def _pipeline_history(entries: Iterable["RunEntry"]) -> dict[Path, Content]:
    """Return for each run a sparkline of durations of its pipeline's last runs, with ✗ for failures."""
    history: dict[Path, Content] = {}
    by_pipeline: dict[str | None, list[RunEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.started or 0.0):
        runs = by_pipeline.setdefault(entry.pipeline, [])
        runs.append(entry)
        history[entry.path] = _durations(runs[-HISTORY_RUNS:])
    return history


def _durations(entries: Sequence["RunEntry"]) -> Content:
    bars = sparkline([max(entry.duration_s or 0.0, 1e-3) for entry in entries])
    return Content("").join(
        Content.styled("✗", "bold $state-bad") if _is_failed(entry) else Content.styled(bar, "$state-good")
        for entry, bar in zip(entries, bars, strict=True)
    )


def _layout(
    entries: Sequence["RunEntry"], history: Mapping[Path, Content], green: Mapping["RunEntry", str]
) -> Layout:
    cells = [_cells(entry, history[entry.path], green.get(entry, "")) for entry in entries]
    empty = "This folder contains no runs."
    return table_rows(COLUMNS, cells, lambda number, line: _row(entries[number], line), empty)


def _cells(entry: "RunEntry", history: Content, green: str) -> list[Content]:
    return [
        _status(entry),
        Content.styled(show_line(entry.pipeline or UNKNOWN, 60), "bold"),
        Content(show_line(shorten_finding(one_line(entry.reason), 200), 400)),
        Content.styled(show_line(green, 80), MUTED if green.startswith("=") else ""),
        history,
        Content(format_int(entry.rows)),
        Content(format_duration(entry.duration_s)),
        Content(" ".join(filter(None, (entry.mode or UNKNOWN, entry.mark)))),
        Content(day_and_time(entry.started)),
        Content.styled(show_line(entry.id, 80), MUTED),
    ]


def _status(entry: "RunEntry") -> Content:
    """Return sign and word of a run's status; a success with warnings has the sign of a warning."""
    if not entry.warnings:
        return RUN[entry.status].content
    sign = SEVERITY[Severity.WARNING]
    return Content.styled(f"{sign.symbol} {RUN[entry.status].word}", sign.style)


def _row(entry: "RunEntry", line: Content) -> StaticRow:
    from osiris_inspect.inspector.analysis.run_list import run_fields, run_text

    fields = {key: value for key, value in run_fields(entry).items() if value is not None}
    return StaticRow(line, show_line(run_text(entry), 400), entry.path, fields, _is_failed(entry))
