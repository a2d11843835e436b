"""Time travel: the steps, the lineage and the frames of a run at each moment of its log."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.analysis.store_history import Moment, StoreHistory
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.frame_info import FrameReader, frame_path
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text.event_fields import masked_fields
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import (
    UNKNOWN,
    format_bytes,
    format_elapsed,
    format_int,
    pluralize,
)
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import UnsafePath
from osiris_inspect.tui.drawing.lineage import MAX_BOXES, draw
from osiris_inspect.tui.drawing.symbols import MUTED, RUN, STEP
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.shared.key_bindings import bindings
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import CursorMoved, LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, lazy_table_rows

MIN_STEPS = 8
"""Steps of the table for which the lineage leaves room."""

_OTHER_LINES = 7
"""Lines of the screen beside the lineage and the steps."""
_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("step", min_width=10, max_width=30),
    TableColumn("status", priority=2),
    TableColumn("rows", right=True),
    TableColumn("frame", min_width=8),
    TableColumn("since", priority=3),
    TableColumn("size", right=True, priority=1),
    TableColumn("waiting for it", min_width=8),
)
_LOCATION_STYLES = {
    "memory": "$state-link",
    "memory, spill": "$state-link",
    "spill": "$state-live",
    "released": MUTED,
    "lost": "bold $state-bad",
    "not kept": "bold $state-bad",
    "unknown": MUTED,
}
_UNRECORDED = (
    "This log does not record when frames were stored and released. Each appears when its step ends, in the place where"
    " later lines found it."
)


class Scrubber(Static):
    """Line over the log of a run with a mark for each moment, and the current one."""

    DEFAULT_CSS = "Scrubber { height: 1; padding: 0 1; background: $panel; }"

    def __init__(self, history: StoreHistory) -> None:
        super().__init__(markup=False)
        self._history = history
        self.number = 0

    def move_to(self, number: int) -> None:
        """Mark a moment as the current one."""
        self.number = number
        self.refresh()

    def render(self) -> Content:
        """Return the line."""
        width = max(1, self.content_size.width)
        moments = self._history.moments
        last = max([1, *(_line(moment) for moment in moments), len(self._history.run.events)])
        signs, styles = ["─"] * width, [MUTED] * width
        for moment in moments[1:]:
            cell = (width - 1) * _line(moment) // last
            if moment.changes_store:
                signs[cell], styles[cell] = "●", "$state-live"
            elif signs[cell] == "─":
                signs[cell] = "·"
        current = (width - 1) * _line(moments[self.number]) // last
        signs[current], styles[current] = "▲", "bold $state-link"
        return Content("").join(
            Content.styled(sign, style) for sign, style in zip(signs, styles, strict=True)
        )


class MomentList(LineList):
    """Steps at a moment; some keys move in time instead of in the list."""

    BINDINGS = bindings("moment")

    def action_change(self, by: int) -> None:
        """Go to the next or the previous change of the frame store."""
        self._go("change", by)

    def action_step(self, by: int) -> None:
        """Go to the next or the previous beginning of a step."""
        self._go("step", by)

    def action_moment(self, by: int) -> None:
        """Go to the last or the first moment."""
        self._go("end", by)

    def _go(self, target: str, by: int) -> None:
        if isinstance(self.screen, TimeTravelScreen):
            self.screen.travel(target, by)


class TimeTravelScreen(TitledScreen):
    """Steps and frames of a run at one moment; it starts at the last one."""

    SCOPES = ("screen", "moment", "list", "app")
    DEFAULT_CSS = """
    TimeTravelScreen #moment, TimeTravelScreen #drawing {
        height: auto; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    TimeTravelScreen #moment { background: $panel; }
    TimeTravelScreen #note { height: auto; padding: 0 1; background: $panel; color: $state-warn; }
    TimeTravelScreen #drawing { padding: 1 1 0 1; }
    """

    def __init__(self, history: StoreHistory, open_frame: Callable[[Path], FrameReader]) -> None:
        super().__init__()
        self._history, self._open_frame = history, open_frame
        self.number = len(history.moments) - 1
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Yield title, scrubber, the event of the moment, the lineage, the steps and the footer."""
        yield Static(id="title", markup=False)
        yield Scrubber(self._history)
        yield Static(id="moment", markup=False)
        yield Static(_UNRECORDED, id="note", markup=False)
        yield Static(id="drawing", markup=False)
        yield MomentList()
        yield Footer(self.SCOPES)

    def start(self) -> None:
        """Show the last moment."""
        self.query_one("#note", Static).display = not self._history.is_recorded
        self.main_list.focus()
        self._show()

    def travel(self, target: str, by: int) -> None:
        """Go to the next (1) or the previous (-1) ``change`` of the store or ``step``, or to the ``end`` in this direction."""
        if target == "change":
            self.number = self._history.next_change(self.number, by)
        elif target == "step":
            self.number = self._history.next_step(self.number, by)
        else:
            self.number = len(self._history.moments) - 1 if by > 0 else 0
        self._show()

    def on_resize(self) -> None:
        """Draw the lineage again if there is another amount of room."""
        self._draw()

    def on_cursor_moved(self, message: CursorMoved) -> None:
        """Highlight the current step."""
        super().on_cursor_moved(message)
        if message.lines.is_attached:
            self._draw()

    def _show(self) -> None:
        history, number = self._history, self.number
        run, moment = history.run, history.moments[number]
        symbol = RUN[run.status]
        until, total = history.changes_until(number)
        self.set_title(
            Content.assemble(
                (f"{symbol.symbol} ", symbol.style),
                (show_line(run.id, 80), "bold"),
                f"  {_position(history, moment)}",
                (f"  change {until:,} of {total:,}", MUTED),
            )
        )
        self.query_one(Scrubber).move_to(number)
        lines = [_event_line(moment, run.started), _totals(history, number)]
        self.query_one("#moment", Static).update(Content("\n").join(lines))
        self.main_list.show(_layout(history, number))

    def _draw(self) -> None:
        """Draw the lineage if it leaves room for the steps."""
        row, size = self.main_list.row, self.app.size
        selected = str(row.key) if row is not None else None
        if self._drawn == (self.number, selected, size):
            return
        self._drawn = (self.number, selected, size)
        steps = len(self._history.run.steps)
        room = size.height - min(steps, MIN_STEPS) - _OTHER_LINES
        lines: Sequence[Content] = ()
        if steps <= MAX_BOXES:  # a list of more steps is taller than a screen
            lineage = self._history.lineage_at(self.number)
            lines = draw(lineage, size.width - 2, selected).lines
        widget = self.query_one("#drawing", Static)
        widget.display = fits = 0 < len(lines) <= room
        if fits:
            widget.update(Content("\n").join(lines))

    def action_preview(self) -> None:
        """Preview the frame of the current step."""
        self.main_list.action_open()

    def on_row_opened(self, message: RowOpened) -> None:
        """Preview the frame of the current step if it is on disk now; else notify the user where it went."""
        message.stop()
        row = message.lines.row
        step = self._history.run.step(str(row.key)) if row is not None else None
        if step is None:
            return
        try:
            path = frame_path(self._history.run, step.id)
        except UnsafePath as error:
            self.show_error(error)
            return
        frame = self._history.step_at(step.id, self.number).frame
        if frame.location and RunFiles(self._history.run.path).exists(layout.spill_path(step.id)):
            from osiris_inspect.tui.screens.frame import FrameScreen

            self.app.push_screen(FrameScreen(step.id, path, self._open_frame))
        else:
            self.notify(show_line(_absence(self._history, step, self.number), 300), markup=False)


def _line(moment: Moment) -> int:
    return moment.event.line if moment.event is not None else 0


def _position(history: StoreHistory, moment: Moment) -> str:
    """Return the position of a moment in the log: ``seq 21 of 42``."""
    if moment.event is None:
        return "start"
    last = history.run.key_events[-1]  # it may change nothing
    return f"{moment.label} of {last.line if last.seq is None else last.seq:,}"


def _event_line(moment: Moment, started: float | None) -> Content:
    event = moment.event
    if event is None:
        return Content.styled("before the first event", MUTED)
    elapsed = format_elapsed(event.ts - started) if event.ts is not None and started is not None else UNKNOWN
    if moment.is_end:
        return Content.assemble((f"{elapsed}  ", MUTED), "end of the log: steps without an end")
    fields = masked_fields(event)
    reason = next((fields[key] for key in ("reason", "because", "error") if fields.get(key)), "")
    words = show_line(f"{event.step or ''}  {reason}".strip(), 400)
    return Content.assemble((f"{elapsed}  ", MUTED), (show_line(event.name, 80), "bold"), f"  {words}")


def _totals(history: StoreHistory, number: int) -> Content:
    """Return how many frames are in memory and on disk at a moment, with their known sizes."""
    frames = [history.step_at(step.id, number).frame for step in history.run.steps]
    in_memory = [frame.memory_bytes for frame in frames if frame.is_in_memory]
    on_disk = [frame.spill_bytes for frame in frames if frame.is_on_disk]
    return Content.assemble(("memory ", MUTED), _total(in_memory), ("   spill ", MUTED), _total(on_disk))


def _total(sizes: list[int | None]) -> str:
    known = [size for size in sizes if size is not None]
    if not sizes:
        return "no frames"
    total = format_bytes(sum(known)) if known else "size unknown"
    unknown = f" and {len(sizes) - len(known)} of unknown size" if known and len(known) < len(sizes) else ""
    return f"{pluralize(len(sizes), 'frame')}, {total}{unknown}"


def _layout(history: StoreHistory, number: int) -> Layout:
    steps = history.run.steps
    return lazy_table_rows(
        _COLUMNS,
        [_texts(history, step, number) for step in steps],
        lambda position: _cells(history, steps[position], number),
        lambda position, line: _row(history, steps[position], number, line),
        empty="This log names no steps.",
    )


def _texts(history: StoreHistory, step: StepState, number: int) -> list[str]:
    """Return the texts of the columns for a step."""
    moment = history.step_at(step.id, number)
    symbol, frame = STEP[moment.status], moment.frame
    rows = frame.rows if frame.rows is not None else history.rows_at(step, number)
    sizes = [format_bytes(size) for size in (frame.memory_bytes, frame.spill_bytes) if size is not None]
    return [
        symbol.symbol,
        show_line(step.id, 80),
        symbol.word,
        format_int(rows),
        frame.location or UNKNOWN,
        history.frame_since(step.id, number).label if frame.location else "",
        ", ".join(sizes) if sizes or not frame.location else UNKNOWN,
        ", ".join(show_line(name, 60) for name in history.waiting(step.id, number)) or UNKNOWN,
    ]


def _cells(history: StoreHistory, step: StepState, number: int) -> list[Content]:
    moment = history.step_at(step.id, number)
    status, location = STEP[moment.status].style, _LOCATION_STYLES.get(moment.frame.location, MUTED)
    styles = (status, "bold", status, "", location, MUTED, "", "")
    return list(map(Content.styled, _texts(history, step, number), styles))


def _row(history: StoreHistory, step: StepState, number: int, line: Content) -> StaticRow:
    status, _, _, frame = history.step_at(step.id, number)
    fields = {"step": step.id, "status": status, "frame": frame.location, "rows": frame.rows}
    is_lost = frame.location in ("lost", "not kept")
    return StaticRow(
        line, " ".join(_words(history, step, number)), step.id, fields, step.status == "failed", is_lost
    )


def _words(history: StoreHistory, step: StepState, number: int) -> Iterator[str]:
    """Yield the words of a row, to search and to copy."""
    status, _, _, frame = history.step_at(step.id, number)
    yield show_line(step.id, 120)
    yield status
    if frame.location:
        yield f"frame {frame.location} since {history.frame_since(step.id, number).label}"
    waiting = history.waiting(step.id, number)
    if waiting:
        yield f"waiting for it: {', '.join(show_line(name, 120) for name in waiting)}"


def _absence(history: StoreHistory, step: StepState, number: int) -> str:
    """Return why a frame cannot be opened: where it is at this moment, and where it went later."""
    moment = history.step_at(step.id, number).frame
    if not moment.location:
        if step.is_writer:
            return f"{step.id} writes rows and keeps no frame"
        return f"{step.id} has no frame at {history.moments[number].label}"
    last = len(history.moments) - 1
    location, label = history.step_at(step.id, last).frame.location, history.frame_since(step.id, last).label
    went = {
        "released": f"released at {label}; it is not on disk",
        "lost": f"lost with its worker at {label}; it is not on disk",
        "not kept": "its rows were kept neither in memory nor on disk",
        "memory": "it was only in memory when the log ended",
        "unknown": "the log does not record that it was written to disk",
    }
    return f"{step.id}: {went.get(location, f'written at {label}, but its file is not in the run directory')}"
