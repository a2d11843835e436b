"""Comparison of two runs or two frames: what differs, and the first step that differs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from textual import work
from textual.content import Content

from osiris_inspect.inspector.run.compare import Comparison, Difference, StepPair, compare_frames
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_duration, format_rows, pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.tui.drawing.symbols import MUTED, RUN, STEP
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow, static_row, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

FIRST = "▶"
_STEP_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("step", min_width=10, max_width=30),
    TableColumn("left", min_width=10, max_width=40),
    TableColumn("right", min_width=10, max_width=40),
    TableColumn("differences", min_width=10),
)
_DIFFERENCE_COLUMNS = (
    TableColumn("difference", min_width=10, max_width=40),
    TableColumn("left", min_width=12),
    TableColumn("right", min_width=12),
)


class ComparisonScreen(TitledScreen):
    """Differences between two runs, or between two frames."""

    def __init__(
        self,
        compare: Callable[[], tuple[Content, Layout]],
        runs: tuple[Path, Path] | None = None,
        source: DataSource | None = None,
    ) -> None:
        super().__init__()
        self._compare, self._runs, self._source = compare, runs, source

    def start(self) -> None:
        """Start reading both sides."""
        self.set_title(Content.styled("comparing …\n", MUTED))
        self.main_list.focus()
        self._load()

    @work(thread=True)
    def _load(self) -> None:
        try:
            title, rows = self._compare()
        except Exception as error:  # noqa: BLE001  foreign runs; the error is shown
            text = show_line(f"{type(error).__name__}: {error}", 400)
            title, rows = Content("Cannot compare"), text_layout([Content.styled(f"✗ {text}", "$state-bad")])
        self.app.call_from_thread(self._show, title, rows)

    def _show(self, title: Content, rows: Layout) -> None:
        self.set_title(title)
        self.main_list.show(rows)
        self.main_list.move_to(lambda row: row.is_failure)

    def action_preview(self) -> None:
        """Compare the frames of the current step."""
        row, source = self.main_list.row, self._source
        if row is None or self._runs is None or source is None or "step" not in row.fields:
            super().action_preview()
            return
        step, paths = str(row.key), [run / layout.spill_path(str(row.key)) for run in self._runs]

        def compare() -> tuple[Content, Layout]:
            with source.frame(paths[0]) as left, source.frame(paths[1]) as right:
                return frame_rows(step, compare_frames(left.info, right.info))

        self.app.push_screen(ComparisonScreen(compare))

    def on_row_opened(self, message: RowOpened) -> None:
        """Show a difference in full."""
        message.stop()
        row = message.lines.row
        if row is not None and row.text:
            title, *lines = row.text.split("\n")
            self.app.push_screen(TextScreen(title, list(map(Content, lines))))


def run_rows(comparison: Comparison) -> tuple[Content, Layout]:
    """Return the title and the rows of a comparison of two runs."""
    first = comparison.first_difference
    verdict = Content("no step differs")
    if first is not None:
        verdict = Content.assemble("first difference: ", (show_line(first, 80), "bold"))
    names = _run_name(comparison.base), ("  and  ", MUTED), _run_name(comparison.other)

    def content(width: int) -> ListContent:
        cells = [_step_cells(pair, is_first=pair.step == first) for pair in comparison.steps]
        heading, lines = layout_table(_STEP_COLUMNS, cells, width)
        rows = [
            *(_step_row(pair, line, first) for pair, line in zip(comparison.steps, lines, strict=True)),
            *_section("run", comparison.run, width),
            *_section("environment", comparison.environment, width),
        ]
        return ListContent(rows, heading)

    return Content.assemble(*names, "\n", verdict), content


def frame_rows(step: str, differences: Sequence[Difference]) -> tuple[Content, Layout]:
    """Return the title and the rows of a comparison of two frames of a step."""
    verdict = "same rows, columns, types and bounds"
    if differences:
        verdict = pluralize(len(differences), "difference")
    title = Content.assemble(("frames of ", MUTED), (show_line(step, 120), "bold"), "\n", verdict)
    return title, lambda width: ListContent(list(_difference_rows(differences, width)))


def _run_name(run: Run) -> Content:
    symbol = RUN[run.status]
    return Content.assemble((f"{symbol.symbol} ", symbol.style), (show_line(run.id, 80), "bold"))


def _step_cells(pair: StepPair, *, is_first: bool) -> list[Content]:
    aspects = [difference.aspect for difference in pair.differences]
    if pair.slowdown is not None:
        is_slower = pair.slowdown >= 1
        aspects.append(
            f"{pair.slowdown:.1f} times slower" if is_slower else f"{1 / pair.slowdown:.1f} times faster"
        )
    sign, style = ("≠", "$state-warn") if pair.differences else ("=", "$state-good")
    return [
        Content.styled(FIRST, "bold $state-bad") if is_first else Content.styled(sign, style),
        Content.styled(show_line(pair.step, 80), "bold"),
        _outcome(pair.base),
        _outcome(pair.other),
        Content.styled(show_line(", ".join(aspects) or "same", 400), "" if aspects else MUTED),
    ]


def _outcome(step: StepState | None) -> Content:
    if step is None:
        return Content.styled("no such step", MUTED)
    symbol = STEP[step.status]
    result = format_rows(step.rows_out) if step.rows_out is not None else symbol.word
    time = f" · {format_duration(step.duration_s)}" if step.duration_s is not None else ""
    return Content.assemble((symbol.symbol, symbol.style), f" {result}{time}")


def _step_row(pair: StepPair, line: Content, first: str | None) -> StaticRow:
    text = [show_line(pair.step, 120)]
    for difference in pair.differences:
        text += _difference_text(difference)
    fields = {"step": pair.step, "differs": bool(pair.differences)}
    is_first = pair.step == first
    is_warning = bool(pair.differences) and not is_first
    return StaticRow(line, "\n".join(text), pair.step, fields, is_first, is_warning)


def _difference_text(difference: Difference) -> list[str]:
    return [
        "",
        show_line(difference.aspect, 200),
        f"  left   {show_line(difference.base, 2_000)}",
        f"  right  {show_line(difference.other, 2_000)}",
    ]


def _section(name: str, differences: Sequence[Difference], width: int) -> Iterator[StaticRow]:
    """Yield differences of the whole run below a heading."""
    if differences:
        yield static_row("")
        yield StaticRow(Content.styled(name, "bold $state-link"), "")
        yield from _difference_rows(differences, width)


def _difference_rows(differences: Sequence[Difference], width: int) -> Iterator[StaticRow]:
    cells = [
        [Content(show_line(text, 400)) for text in (difference.aspect, difference.base, difference.other)]
        for difference in differences
    ]
    _, lines = layout_table(_DIFFERENCE_COLUMNS, cells, width)
    for difference, line in zip(differences, lines, strict=True):
        text = "\n".join([show_line(difference.aspect, 120), *_difference_text(difference)])
        yield StaticRow(line, text, difference.aspect)
