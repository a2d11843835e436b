"""SQL: a line to ask the run in, and under it the tables it has, or the rows of the answer."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.tables.sql_types import SqlError, SqlResult, SqlSession, SqlTable
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.shared import key_bindings as keys
from osiris_inspect.tui.shared.messages import TextOpened
from osiris_inspect.tui.widgets.frame_list import FrameList, FrameRow, row_details
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import ListContent, StaticRow

if TYPE_CHECKING:
    from osiris_inspect.tui.shared.data_source import DataSource

MOST_REMEMBERED = 50
"""Queries that are kept for the next time."""

_HINT = "one SELECT in DuckDB's SQL; a name with a hyphen stands in double quotes"
_LOOK = 0.25
"""Seconds between looks at how far a long question has come."""


class QueryInput(Input):
    """Where a question is typed."""

    BINDINGS = keys.bindings("query")
    KEYS_AT_WORK: ClassVar[tuple[keys.Scope, ...]] = ("query",)
    DEFAULT_CSS = """
    QueryInput { width: 1fr; background: $surface; }
    QueryInput > .input--placeholder { color: $state-beside; }
    """

    def __init__(self) -> None:
        super().__init__(
            compact=True,
            placeholder="for example: select event, count(*) from events group by 1",
            select_on_focus=False,
        )
        self.history: list[str] = []
        self._back = 0

    def keep(self, query: str) -> None:
        """Have a question at hand for later."""
        self.history = [*(old for old in self.history if old != query), query][-MOST_REMEMBERED:]
        self._back = 0

    def action_earlier(self, by: int) -> None:
        """Bring back an earlier question, or a later one."""
        self._back = max(0, min(self._back + by, len(self.history)))
        self.value = self.history[-self._back] if self._back else ""
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """End what is being asked, or go to the rows."""
        pane = self.parent.parent if self.parent is not None else None
        if isinstance(pane, SqlPane):
            pane.cancel_or_focus()

    def on_key(self, event: events.Key) -> None:
        """Page keys are for the rows."""
        pane = self.parent.parent if self.parent is not None else None
        if event.key in ("pagedown", "pageup") and isinstance(pane, SqlPane):
            event.stop()
            pane.list.action_page(1 if event.key == "pagedown" else -1)


class SqlPane(Vertical):
    """The run as tables. What that takes is loaded when the pane is first opened."""

    DEFAULT_CSS = """
    SqlPane #ask { height: 1; background: $surface; }
    SqlPane #prompt { width: 5; color: $state-link; text-style: bold; }
    SqlPane #told { height: auto; max-height: 3; padding: 0 1; color: $state-beside; }
    SqlPane FrameList { height: 1fr; }
    """

    def __init__(self, source: "DataSource", *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._source = source
        self._report: Report | None = None
        self._opened_console: SqlSession | None = None
        self._answer: SqlResult | None = None
        self._is_old = self._is_asking = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line to ask in, what is told of the answer, its rows."""
        from textual.containers import Horizontal

        with Horizontal(id="ask"):
            yield Static(Content(" sql "), id="prompt", markup=False)
            yield QueryInput()
        yield Static(_HINT, id="told", markup=False)
        yield FrameList(classes="main")

    @property
    def list(self) -> FrameList:
        """The rows."""
        return self.query_one(FrameList)

    @property
    def box(self) -> QueryInput:
        """The line to ask in."""
        return self.query_one(QueryInput)

    def show(self, report: Report) -> None:
        """Ask this run from now on; an answer that stands there stays."""
        self._report, self._is_old = report, True

    def take_focus(self) -> None:
        """Go to the line to ask in; the first time, see what there is to ask."""
        self.box.focus()
        if self._opened_console is None and not self._is_asking:
            self._ask("")

    def close(self) -> bool:
        """Nothing lies over the rows."""
        return False

    def cancel_or_focus(self) -> None:
        """End what is being asked; where nothing is, go to the rows."""
        if self._is_asking and self._opened_console is not None:
            self._opened_console.cancel()
        else:
            self.list.focus()

    def on_unmount(self) -> None:
        """Let go of the tables."""
        if self._opened_console is not None:
            self._opened_console.cancel()
            if not self._is_asking:
                self._opened_console.close()

    # ── asking ──

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask."""
        event.stop()
        query = event.value.strip().rstrip(";")
        if self._is_asking:
            self.notify("still asking: esc ends it", markup=False)
        elif query:
            self.box.keep(query)
            self._ask(query)
        else:
            self._ask("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """What is typed here filters nothing."""
        event.stop()

    def _ask(self, query: str) -> None:
        self._is_asking = True
        self._tell(Content("asking … esc ends it" if query else "reading …"))
        self._timer = self.set_interval(_LOOK, self._update_progress)
        self._work(query)

    @work(thread=True)
    def _work(self, query: str) -> None:
        """Ask off the event loop; without a query, see which tables there are."""
        done: Callable[[], None]
        try:
            console = self._opened()
            if query:
                answer = console.run_query(query)
                done = lambda: self._answered(query, answer)  # noqa: E731  what is to be done is all that differs
            else:
                tables = console.tables()
                done = lambda: self._list_tables(tables)  # noqa: E731  as above
        except Exception as error:  # noqa: BLE001  DuckDB on a stranger's run; what goes wrong is shown
            refusal = SqlError(f"{type(error).__name__}: {error}")
            done = lambda: self._answered(query, refusal)  # noqa: E731  as above
        if self.is_attached and self.app.is_running:
            self.app.call_from_thread(done)
        elif self._opened_console is not None:
            self._opened_console.close()

    def _opened(self) -> SqlSession:
        """The tables of the run as it was read last."""
        if self._report is None:
            raise ValueError("the run was not read yet")
        if self._opened_console is not None and self._is_old:
            self._opened_console.close()
            self._opened_console = None
        if self._opened_console is None:
            self._is_old = False
            self._opened_console = self._source.sql_session(self._report)
        return self._opened_console

    def _update_progress(self) -> None:
        told = self._opened_console.progress() if self._opened_console is not None else ""
        if told and self._is_asking:
            self._tell(Content(f"{told} … esc ends it"))

    def _done(self) -> None:
        self._is_asking = False
        if self._timer is not None:
            self._timer.stop()

    # ── answers ──

    def _answered(self, query: str, answer: SqlResult | SqlError) -> None:
        self._done()
        if isinstance(answer, SqlError):
            self._show_error(query, answer)
            return
        self._answer = answer
        self.list.open_frame(answer)
        self._tell(_size(answer))

    def _show_error(self, query: str, refusal: SqlError) -> None:
        place = ""
        if refusal.position is not None:
            place = f"at character {refusal.position + 1}: "
            if self.box.value.strip().rstrip(";") == query:
                indent = len(self.box.value) - len(self.box.value.lstrip())
                self.box.cursor_position = refusal.position + indent
        self._tell(Content.styled(f"✗ {place}{show_line(refusal.text, 600)}", "$state-bad"))

    def _list_tables(self, tables: Sequence[SqlTable]) -> None:
        self._done()
        self._answer = None
        self._tell(Content(_HINT))
        widest = min(40, max((len(show_line(table.name, 80)) for table in tables), default=0))
        heading = Content("what can be asked; enter shows the rows of one")
        self.list.show(lambda width: ListContent([_table(table, widest, width) for table in tables], heading))

    def _tell(self, told: Content) -> None:
        self.query_one("#told", Static).update(told)

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a row in full; of a table, ask it."""
        message.stop()
        row = message.lines.row
        if isinstance(row, FrameRow):
            self.post_message(TextOpened(f"row {row.number + 1:,}", row_details(row)))
        elif row is not None and isinstance(row.key, str) and not self._is_asking:
            self.box.value = " ".join(("select * from", _named(row.key), "limit 1000"))
            self.box.keep(self.box.value)
            self._ask(self.box.value)

    # ── keeping ──

    def save(self, folder: Path | None, name: str) -> str:
        """Keep the answer as CSV; says where, or why not."""
        if self._answer is None:
            return "no answer to keep yet"
        if folder is None:
            return "there is no folder for it"
        try:
            path = next(path for path in _names(folder, name) if not path.exists())
            with path.open("x", encoding="utf-8", errors="replace", newline="") as out:
                self._answer.csv(out)
        except OSError as error:
            return f"not kept: {error}"
        return f"kept as {path}"


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / f"{name}-answer.csv"
    yield from (folder / f"{name}-answer-{number}.csv" for number in range(2, 10_000))


def _size(answer: SqlResult) -> Content:
    facts = answer.info
    words = f"{figures.format_rows(facts.rows)} · {figures.pluralize(len(facts.columns), 'column')}"
    if answer.is_complete:
        return Content(words)
    return Content.assemble(words, ("  ! there were more: only these are kept", "$state-warn"))


def _table(table: SqlTable, widest: int, width: int) -> StaticRow:
    """A table and its columns, with their types where there is room for them."""
    names = ", ".join(show_line(name, 60) for name, _ in table.columns)
    full = ", ".join(f"{show_line(name, 60)} {kind.lower()}" for name, kind in table.columns)
    name = Content.styled(show_line(table.name, 80), "bold").truncate(widest, ellipsis=True, pad=True)
    head = Content.assemble(name, "  ", ("frame  " if table.is_frame else "table  ", MUTED))
    columns = full if head.cell_length + len(full) <= width else names
    return StaticRow(head + Content(columns), f"{show_line(table.name, 120)} {full}", table.name)


def _named(table: str) -> str:
    return table if table.isidentifier() and table.islower() else '"' + table.replace('"', '""') + '"'
