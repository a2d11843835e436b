"""SQL: an input for queries, and the tables of the run or the rows of a result."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult, SqlSession, SqlTable
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_rows, pluralize
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared.key_bindings import Scope, bindings
from osiris_inspect.tui.shared.messages import TextOpened
from osiris_inspect.tui.widgets.frame_list import FrameList, FrameRow, row_details
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import ListContent, StaticRow

if TYPE_CHECKING:
    from osiris_inspect.tui.shared.data_source import DataSource

MAX_HISTORY = 50
"""Queries that are saved."""

_HINT = "One SELECT in DuckDB SQL; put names with a hyphen in double quotes"
_PROGRESS_INTERVAL_S = 0.25


class QueryInput(Input):
    """Input for a query, with a history."""

    BINDINGS = bindings("query")
    FOOTER_SCOPES: ClassVar[tuple[Scope, ...]] = ("query",)
    DEFAULT_CSS = """
    QueryInput { width: 1fr; background: $surface; }
    QueryInput > .input--placeholder { color: $state-beside; }
    """

    def __init__(self, pane: "SqlPane") -> None:
        super().__init__(
            compact=True,
            placeholder="e.g. select event, count(*) from events group by 1",
            select_on_focus=False,
        )
        self._pane = pane
        self.history: list[str] = []
        self._back = 0

    def add_to_history(self, query: str) -> None:
        """Add a query to the history."""
        self.history = [*(old for old in self.history if old != query), query][-MAX_HISTORY:]
        self._back = 0

    def action_earlier(self, by: int) -> None:
        """Show an earlier query, or a later one."""
        self._back = max(0, min(self._back + by, len(self.history)))
        self.value = self.history[-self._back] if self._back else ""
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """Cancel the query, or go to the rows."""
        self._pane.cancel_or_focus()

    def on_key(self, event: events.Key) -> None:
        """Pass page keys to the rows."""
        if event.key in ("pagedown", "pageup"):
            event.stop()
            self._pane.list.action_page(1 if event.key == "pagedown" else -1)


class SqlPane(Vertical):
    """SQL queries on a run. The session is opened when the user first opens the pane."""

    DEFAULT_CSS = """
    SqlPane #ask { height: 1; background: $surface; }
    SqlPane #prompt { width: 5; color: $state-link; text-style: bold; }
    SqlPane #message { height: auto; max-height: 3; padding: 0 1; color: $state-beside; }
    SqlPane FrameList { height: 1fr; }
    """

    def __init__(self, source: "DataSource") -> None:
        super().__init__()
        self._source = source
        self._report: Report | None = None
        self._session: SqlSession | None = None
        self._result: SqlResult | None = None
        self._is_stale = self._is_running_query = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the input, a message line and the rows."""
        with Horizontal(id="ask"):
            yield Static(Content(" sql "), id="prompt", markup=False)
            yield QueryInput(self)
        yield Static(_HINT, id="message", markup=False)
        yield FrameList(classes="main")

    @property
    def list(self) -> FrameList:
        """Tables or rows."""
        return self.query_one(FrameList)

    @property
    def box(self) -> QueryInput:
        """Input for queries."""
        return self.query_one(QueryInput)

    def show(self, report: Report) -> None:
        """Use this report from the next query on; the current result stays."""
        self._report, self._is_stale = report, True

    def take_focus(self) -> None:
        """Focus the input; the first time, list the tables."""
        self.box.focus()
        if self._session is None and not self._is_running_query:
            self._start("")

    def close(self) -> bool:
        """Return False: this pane has nothing to close."""
        return False

    def cancel_or_focus(self) -> None:
        """Cancel the running query; if there is none, focus the rows."""
        if self._is_running_query and self._session is not None:
            self._session.cancel()
        else:
            self.list.focus()

    def on_unmount(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.cancel()
            if not self._is_running_query:
                self._session.close()

    # ── queries ──

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the query; without one, list the tables."""
        event.stop()
        query = event.value.strip().rstrip(";")
        if self._is_running_query:
            self.notify("A query is running (esc to cancel)", markup=False)
            return
        if query:
            self.box.add_to_history(query)
        self._start(query)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Stop the event: it would filter the list."""
        event.stop()

    def _start(self, query: str) -> None:
        self._is_running_query = True
        self._show_message(Content("running … (esc to cancel)" if query else "reading …"))
        self._timer = self.set_interval(_PROGRESS_INTERVAL_S, self._update_progress)
        self._run(query)

    @work(thread=True)
    def _run(self, query: str) -> None:
        outcome: SqlResult | SqlError | Sequence[SqlTable]
        try:
            session = self._open_session()
            outcome = session.run_query(query) if query else session.tables()
        except Exception as error:  # noqa: BLE001  DuckDB on a foreign run; the error is shown
            outcome = SqlError(f"{type(error).__name__}: {error}")
        if self.is_attached and self.app.is_running:
            self.app.call_from_thread(self._show_outcome, query, outcome)
        elif self._session is not None:
            self._session.close()

    def _open_session(self) -> SqlSession:
        """Return a session on the latest report."""
        if self._report is None:
            raise ValueError("the run has not been read yet")
        if self._session is not None and self._is_stale:
            self._session.close()
            self._session = None
        if self._session is None:
            self._is_stale = False
            self._session = self._source.sql_session(self._report)
        return self._session

    def _update_progress(self) -> None:
        progress = self._session.progress() if self._session is not None else ""
        if progress and self._is_running_query:
            self._show_message(Content(f"{progress} … (esc to cancel)"))

    # ── results ──

    def _show_outcome(self, query: str, outcome: SqlResult | SqlError | Sequence[SqlTable]) -> None:
        self._is_running_query = False
        if self._timer is not None:
            self._timer.stop()
        if isinstance(outcome, SqlError):
            self._show_error(query, outcome)
        elif isinstance(outcome, Sequence):
            self._list_tables(outcome)
        else:
            self._result = outcome
            self.list.open_frame(outcome)
            self._show_message(_size(outcome))

    def _show_error(self, query: str, error: SqlError) -> None:
        position = ""
        if error.position is not None:
            position = f"at character {error.position + 1}: "
            if self.box.value.strip().rstrip(";") == query:
                indent = len(self.box.value) - len(self.box.value.lstrip())
                self.box.cursor_position = error.position + indent
        self._show_message(Content.styled(f"✗ {position}{show_line(error.text, 600)}", "$state-bad"))

    def _list_tables(self, tables: Sequence[SqlTable]) -> None:
        self._result = None
        self._show_message(Content(_HINT))
        longest = min(40, max((len(show_line(table.name, 80)) for table in tables), default=0))
        heading = Content("Tables (enter = show rows)")
        self.list.show(lambda width: ListContent([_row(table, longest, width) for table in tables], heading))

    def _show_message(self, message: Content) -> None:
        self.query_one("#message", Static).update(message)

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a row in full, or the rows of a table."""
        message.stop()
        row = message.lines.row
        if isinstance(row, FrameRow):
            self.post_message(TextOpened(f"row {row.number + 1:,}", row_details(row)))
        elif row is not None and isinstance(row.key, str) and not self._is_running_query:
            query = " ".join(("select * from", _quoted(row.key), "limit 1000"))
            self.box.value = query
            self.box.add_to_history(query)
            self._start(query)

    def save(self, folder: Path | None, run: str) -> str:
        """Save the result as CSV; return a message with the path or the error."""
        if self._result is None:
            return "No result to save yet"
        if folder is None:
            return "There is no folder to save to"
        names = (
            f"{run}-answer{suffix}.csv" for suffix in ("", *(f"-{number}" for number in range(2, 10_000)))
        )
        try:
            path = next(path for path in map(folder.joinpath, names) if not path.exists())
            with path.open("x", encoding="utf-8", errors="replace", newline="") as out:
                self._result.csv(out)
        except OSError as error:
            return f"Cannot save the result: {error}"
        return f"Saved as {path}"


def _size(result: SqlResult) -> Content:
    info = result.info
    size = f"{format_rows(info.rows)} · {pluralize(len(info.columns), 'column')}"
    return Content.assemble(size, ("" if result.is_complete else "  ! only the first rows", "$state-warn"))


def _row(table: SqlTable, name_width: int, width: int) -> StaticRow:
    """Return the row of a table with its columns, and their types if they fit."""
    names = ", ".join(show_line(name, 60) for name, _ in table.columns)
    typed = ", ".join(f"{show_line(name, 60)} {kind.lower()}" for name, kind in table.columns)
    name = Content.styled(show_line(table.name, 80), "bold").truncate(name_width, ellipsis=True, pad=True)
    label = Content.assemble(name, "  ", ("frame  " if table.is_frame else "table  ", MUTED))
    columns = typed if label.cell_length + len(typed) <= width else names
    return StaticRow(label + Content(columns), f"{show_line(table.name, 120)} {typed}", table.name)


def _quoted(table: str) -> str:
    return table if table.isidentifier() and table.islower() else quote_name(table)
