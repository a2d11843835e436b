"""The runs of a folder, newest first, or by what one wants to see first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import sparklines as bars
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.screens.run import RunScreen
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.messages import RunOpened, ScreenReady
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.run_list import RunEntry

COLUMNS = (
    TableColumn("ended", min_width=3),
    TableColumn("pipeline", min_width=8, max_width=20),
    TableColumn("cause", min_width=30, max_width=50),
    TableColumn("before", priority=2, min_width=3),
    TableColumn("rows", right=True, priority=4),
    TableColumn("time", right=True, priority=3),
    TableColumn("mode", priority=5),
    TableColumn("started (UTC)", priority=1),
    TableColumn("run", priority=6, max_width=20),
)

LAST = 8
"""Runs of a pipeline that are shown beside each of its runs."""

_FIRST_LOOK = 40
_ORDERS: Mapping[str, Callable[["RunEntry"], Any]] = {
    "newest first": lambda entry: -(entry.started or 0.0),
    "failed first": lambda entry: (entry.status in ("success", "running"), -(entry.started or 0.0)),
    "longest first": lambda entry: -(entry.duration_s or 0.0),
    "most rows first": lambda entry: -(entry.rows or 0),
    "by pipeline": lambda entry: (entry.pipeline or "", -(entry.started or 0.0)),
}


class RunsScreen(ListScreen):
    """A table of runs; enter opens one. It fills while the folder is read."""

    BINDINGS = keys.bindings("runs")
    DEFAULT_CSS = """
    RunsScreen #title { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    RunsScreen LineList { height: 1fr; }
    """

    def __init__(self, path: Path, source: DataSource, clock: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._clock = clock
        self._entries: list[RunEntry] = []
        self._order = 0
        self._is_reading = False

    def compose(self) -> ComposeResult:
        """Title, table, foot."""
        yield Static(_title(self._path, "reading …"), id="title", markup=False)
        yield LineList()
        yield Footer(("screen", "list", "runs", "app"))

    @property
    def main_list(self) -> LineList:
        """The table."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Begin to read."""
        self.main_list.focus()
        self.load()

    def on_screen_resume(self) -> None:
        """Read again when a run was looked at: it may have ended meanwhile."""
        if self._entries and not self._is_reading:
            self.load()

    def load(self) -> None:
        """Read the folder off the event loop."""
        self._is_reading = True
        self._read()

    @work(thread=True, exclusive=True, group="load")
    def _read(self) -> None:
        """What was read is shown at once, then less and less often: the table is laid out anew each time."""
        read: list[RunEntry] = []
        due, is_first = 1, not self._entries
        try:
            for entry in self._source.entries(self._path, self._clock()):
                read.append(entry)
                if is_first and len(read) == due:
                    self.app.call_from_thread(self._show, list(read), is_whole=False)
                    due = max(_FIRST_LOOK, 2 * len(read))
        except Exception as error:  # noqa: BLE001  whatever the disk holds, it is said on the screen
            self.app.call_from_thread(self._refuse, error)
        else:
            self.app.call_from_thread(self._show, read, is_whole=True)
        finally:
            self._is_reading = False

    def _show(self, entries: Sequence["RunEntry"], *, is_whole: bool) -> None:
        if is_whole and len(entries) == 1 and not self._entries[1:]:
            self.app.switch_screen(RunScreen(entries[0].path, self._source, self._clock))
            return
        self._entries = list(entries)
        self._refresh_table()
        failed = sum(entry.status not in ("success", "running") for entry in entries)
        words = f"{figures.pluralize(len(entries), 'run')}, {failed:,} failed, {self._order_name}"
        self.query_one("#title", Static).update(
            _title(self._path, words if is_whole else f"{words}, reading …")
        )
        if is_whole or len(entries) == 1:
            self.post_message(ScreenReady())

    @property
    def _order_name(self) -> str:
        return list(_ORDERS)[self._order]

    def _refresh_table(self) -> None:
        self.main_list.show(
            _layout(sorted(self._entries, key=_ORDERS[self._order_name]), _pipeline_history(self._entries))
        )

    def action_sort(self) -> None:
        """Sort by the next of the orders."""
        self._order = (self._order + 1) % len(_ORDERS)
        if self._entries:
            self._show(self._entries, is_whole=not self._is_reading)

    def action_compare(self) -> None:
        """Compare two marked runs; or the marked one, or the one before it of its pipeline, with that under the cursor."""
        pair = self._pair()
        if pair is None:
            self.notify("mark two runs with m, then c compares them", markup=False)
            return
        from osiris_inspect.tui.screens.comparison import ComparisonScreen, run_rows

        one, other = pair
        source, now = self._source, self._clock()

        def compare() -> tuple[Content, Layout]:
            from osiris_inspect.inspector.run.compare import compare

            return run_rows(compare(source.report(one, now).run, source.report(other, now).run))

        self.app.push_screen(ComparisonScreen(compare, (one, other), source))

    def _pair(self) -> tuple[Path, Path] | None:
        marked = [entry.path for entry in self._entries if entry.path in self.main_list.marked]
        row = self.main_list.row
        here = next((entry for entry in self._entries if row is not None and entry.path == row.key), None)
        if len(marked) == 2:
            return marked[1], marked[0]  # the older one first
        if here is None:
            return None
        if len(marked) == 1 and marked[0] != here.path:
            return marked[0], here.path
        older = [
            e for e in self._entries if e.pipeline == here.pipeline and (e.started or 0) < (here.started or 0)
        ]
        before = max(older, key=lambda entry: entry.started or 0, default=None)
        return (before.path, here.path) if before is not None and not marked else None

    def _refuse(self, error: Exception) -> None:
        self.query_one("#title", Static).update(_title(self._path, "cannot be read"))
        text = show_line(f"{type(error).__name__}: {error}", 300)
        self.main_list.show(text_layout([Content.styled(text, "$state-bad")]))
        self.post_message(ScreenReady())

    def on_row_opened(self, message: RowOpened) -> None:
        """Ask for the run under the cursor."""
        message.stop()
        if message.lines.row is not None and isinstance(message.lines.row.key, Path):
            self.post_message(RunOpened(message.lines.row.key))


def _title(path: Path, words: str) -> Content:
    return Content.assemble((show_line(str(path), 200), "bold"), (f"  {words}", MUTED))


def _pipeline_history(entries: Iterable["RunEntry"]) -> dict[Path, Content]:
    """For each run the last ones of its pipeline up to it, oldest first: how long they took, and ✗ where one failed."""
    told: dict[Path, Content] = {}
    so_far: dict[str | None, list[RunEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.started or 0.0):
        line = so_far.setdefault(entry.pipeline, [])
        line.append(entry)
        told[entry.path] = _last_runs(line[-LAST:])
    return told


def _last_runs(entries: Sequence["RunEntry"]) -> Content:
    heights = bars.sparkline([max(entry.duration_s or 0.0, 1e-3) for entry in entries])
    return Content("").join(
        Content.styled(height, "$state-good")
        if entry.status in ("success", "running")
        else Content.styled("✗", "bold $state-bad")
        for entry, height in zip(entries, heights, strict=True)
    )


def _layout(entries: Sequence["RunEntry"], before: Mapping[Path, Content]) -> Layout:
    def sheet(width: int) -> ListContent:
        heading, lines = layout_table(
            COLUMNS, [_cells(entry, before[entry.path]) for entry in entries], width
        )
        rows = [_row(entry, line) for entry, line in zip(entries, lines, strict=True)]
        nothing = StaticRow(Content.styled("no run in this folder", MUTED), "")
        return ListContent(rows or [nothing], heading if rows else None)

    return sheet


def _cells(entry: "RunEntry", before: Content) -> list[Content]:
    mark = marks.RUN[entry.status]
    return [
        mark.content,
        Content.styled(show_line(entry.pipeline or figures.UNKNOWN, 60), "bold"),
        Content(show_line(entry.cause or "", 200)),
        before,
        Content(figures.format_int(entry.rows)),
        Content(figures.format_duration(entry.duration_s)),
        Content(entry.mode or figures.UNKNOWN),
        Content(figures.day_and_time(entry.started)),
        Content.styled(show_line(entry.id, 80), MUTED),
    ]


def _row(entry: "RunEntry", line: Content) -> StaticRow:
    fields = {"status": entry.status, "pipeline": entry.pipeline, "mode": entry.mode, "run": entry.id}
    is_failure = entry.status not in ("success", "running")
    text = show_line(
        f"{entry.id} {entry.pipeline or ''} {entry.status} {entry.mode or ''} {entry.cause or ''}", 400
    )
    return StaticRow(line, text, entry.path, fields, is_failure)
