"""Two runs, or two frames, side by side: what differs, where they first go apart above all."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.run.compare import Comparison, Difference, StepPair, compare_frames
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model import run_layout as layout
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.screens.list_screen import ListScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.widgets.footer import Footer
from osiris_inspect.tui.widgets.line_list import LineList, RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

FIRST = "▶"
_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("step", min_width=10, max_width=30),
    TableColumn("one", min_width=10, max_width=40),
    TableColumn("the other", min_width=10, max_width=40),
    TableColumn("what differs", min_width=10),
)
_CELLS = (
    TableColumn("what differs", min_width=10, max_width=40),
    TableColumn("one", min_width=12),
    TableColumn("the other", min_width=12),
)


class ComparisonScreen(ListScreen):
    """What differs between two things of one kind."""

    DEFAULT_CSS = """
    ComparisonScreen #title { height: 2; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    ComparisonScreen LineList { height: 1fr; }
    """

    def __init__(
        self,
        compare: Callable[[], tuple[Content, Layout]],
        runs: tuple[Path, Path] | None = None,
        source: DataSource | None = None,
    ) -> None:
        super().__init__()
        self._compare, self._runs, self._source = compare, runs, source

    def compose(self) -> ComposeResult:
        """Title, differences, foot."""
        yield Static(Content.styled("comparing …", MUTED), id="title", markup=False)
        yield LineList()
        yield Footer(("screen", "list", "app"))

    @property
    def main_list(self) -> LineList:
        """The differences."""
        return self.query_one(LineList)

    def on_mount(self) -> None:
        """Begin to read both."""
        self.main_list.focus()
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        try:
            title, rows = self._compare()
        except Exception as error:  # noqa: BLE001  strangers' runs; what goes wrong is said on the screen
            text = show_line(f"{type(error).__name__}: {error}", 400)
            title, rows = (
                Content("cannot be compared"),
                text_layout([Content.styled(f"✗ {text}", "$state-bad")]),
            )
        self.app.call_from_thread(self._show, title, rows)

    def _show(self, title: Content, rows: Layout) -> None:
        self.query_one("#title", Static).update(title)
        self.main_list.show(rows)
        self.main_list.move_to(lambda row: row.is_failure)

    def action_preview(self) -> None:
        """Compare the frames of the step under the cursor."""
        row, source = self.main_list.row, self._source
        if row is None or self._runs is None or source is None or "step" not in row.fields:
            super().action_preview()
            return
        step, paths = str(row.key), [run / layout.spill_path(str(row.key)) for run in self._runs]

        def compare() -> tuple[Content, Layout]:
            with source.frame(paths[0]) as one, source.frame(paths[1]) as other:
                return frame_rows(step, compare_frames(one.info, other.info))

        self.app.push_screen(ComparisonScreen(compare))

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a difference in full."""
        message.stop()
        row = message.lines.row
        if row is not None and row.text:
            parts = row.text.split("\n")
            self.app.push_screen(TextScreen(parts[0], [Content(part) for part in parts[1:]]))


def run_rows(told: Comparison) -> tuple[Content, Layout]:
    """The title and the rows of two runs."""
    if told.first_difference is not None:
        verdict = Content.assemble("they first go apart at ", (show_line(told.first_difference, 80), "bold"))
    else:
        verdict = Content("no step differs")
    title = Content.assemble(_name(told.base), ("  and  ", MUTED), _name(told.other), "\n", verdict)

    def sheet(width: int) -> ListContent:
        heading, lines = layout_table(
            _COLUMNS, [_pair(pair, told.first_difference) for pair in told.steps], width
        )
        rows = [
            _pair_row(pair, line, told.first_difference) for pair, line in zip(told.steps, lines, strict=True)
        ]
        return ListContent(
            [
                *rows,
                *_section("the runs", told.run, width),
                *_section("where they ran", told.environment, width),
            ],
            heading,
        )

    return title, sheet


def frame_rows(step: str, found: Sequence[Difference]) -> tuple[Content, Layout]:
    """The title and the rows of two frames of one step."""
    told = figures.pluralize(len(found), "difference") if found else "same rows, columns, types and bounds"
    title = Content.assemble(("frames of ", MUTED), (show_line(step, 120), "bold"), "\n", told)
    return title, lambda width: ListContent(list(_differences(found, width)))


def _name(run: Run) -> Content:
    mark = marks.RUN[run.status]
    return Content.assemble((f"{mark.symbol} ", mark.style), (show_line(run.id, 80), "bold"))


def _pair(pair: StepPair, first: str | None) -> list[Content]:
    found = [difference.aspect for difference in pair.differences]
    if pair.slowdown is not None:
        found.append(
            f"{pair.slowdown:.1f} times as long"
            if pair.slowdown >= 1
            else f"{1 / pair.slowdown:.1f} times as fast"
        )
    sign = FIRST if pair.step == first else "≠" if pair.differences else "="
    tone = "bold $state-bad" if pair.step == first else "$state-warn" if pair.differences else "$state-good"
    return [
        Content.styled(sign, tone),
        Content.styled(show_line(pair.step, 80), "bold"),
        _outcome(pair.base),
        _outcome(pair.other),
        Content.styled(show_line(", ".join(found) or "same", 400), "" if found else MUTED),
    ]


def _outcome(step: StepState | None) -> Content:
    if step is None:
        return Content.styled("no such step", MUTED)
    mark = marks.STEP[step.status]
    rows = f" {figures.format_rows(step.rows_out)}" if step.rows_out is not None else f" {mark.word}"
    time = f" · {figures.format_duration(step.duration_s)}" if step.duration_s is not None else ""
    return Content.assemble((mark.symbol, mark.style), rows + time)


def _pair_row(pair: StepPair, line: Content, first: str | None) -> StaticRow:
    text = [show_line(pair.step, 120)]
    for difference in pair.differences:
        text += _in_words(difference)
    fields = {"step": pair.step, "differs": bool(pair.differences)}
    is_first = pair.step == first
    return StaticRow(
        line, "\n".join(text), pair.step, fields, is_first, bool(pair.differences) and not is_first
    )


def _in_words(difference: Difference) -> list[str]:
    return [
        "",
        show_line(difference.aspect, 200),
        f"  one    {show_line(difference.base, 2_000)}",
        f"  other  {show_line(difference.other, 2_000)}",
    ]


def _section(name: str, found: Sequence[Difference], width: int) -> Iterator[StaticRow]:
    """Differences that are no step's, under a heading of their own."""
    if found:
        yield StaticRow(Content(""), "")
        yield StaticRow(Content.styled(name, "bold $state-link"), "")
        yield from _differences(found, width)


def _differences(found: Sequence[Difference], width: int) -> Iterator[StaticRow]:
    cells = [
        [
            Content(show_line(difference.aspect, 120)),
            Content(show_line(difference.base, 400)),
            Content(show_line(difference.other, 400)),
        ]
        for difference in found
    ]
    _, lines = layout_table(_CELLS, cells, width)
    for difference, line in zip(found, lines, strict=True):
        yield StaticRow(
            line, "\n".join([show_line(difference.aspect, 120), *_in_words(difference)]), difference.aspect
        )
