"""Comparison of two runs or two frames: the first divergence, and the differences that may have caused it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from textual import work
from textual.content import Content

from osiris_inspect.inspector.run.comparison import diff_words as words
from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.comparison.frame_changes import ColumnChange, compare_frames
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.run.comparison.step_outcome import StepOutcome
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_duration, format_rows, pluralize
from osiris_inspect.model import run_layout as layout
from osiris_inspect.tui.drawing.symbols import MUTED, RUN, STEP
from osiris_inspect.tui.screens.list_screen import TitledScreen
from osiris_inspect.tui.screens.text import TextScreen
from osiris_inspect.tui.shared.command_lines import command_line, run_argument
from osiris_inspect.tui.shared.data_source import DataSource
from osiris_inspect.tui.shared.key_bindings import Scope, bindings
from osiris_inspect.tui.widgets.line_list import RowOpened
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, StaticRow, static_row, text_layout
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

FIRST = "▶"
PROVE_NOTE = "D copies the command diff --prove A B, which finds the cause by replays"
_STEP_COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("step", min_width=10, max_width=30),
    TableColumn("A", min_width=10, max_width=40),
    TableColumn("B", min_width=10, max_width=40),
    TableColumn("differences", min_width=10),
)
_RANKED_COLUMNS = (
    TableColumn("", min_width=2),
    TableColumn("likely cause", min_width=16, max_width=44),
    TableColumn("A", min_width=12),
    TableColumn("B", min_width=12),
)
_FRAME_COLUMNS = (
    TableColumn("difference", min_width=10, max_width=40),
    TableColumn("A", min_width=12),
    TableColumn("B", min_width=12),
)


class ComparisonScreen(TitledScreen):
    """Differences between two runs, or between two frames."""

    BINDINGS = bindings("comparison")
    SCOPES: tuple[Scope, ...] = ("screen", "list", "comparison", "app")

    def __init__(
        self,
        compare: Callable[[], tuple[Content, Layout]],
        runs: tuple[Path, Path] | None = None,
        source: DataSource | None = None,
    ) -> None:
        super().__init__()
        self._compare, self._runs, self._source = compare, runs, source
        if runs is None:
            self.SCOPES = TitledScreen.SCOPES

    def action_copy_prove(self) -> None:
        """Copy the command line that finds the cause by replays."""
        if self._runs is None:
            self.notify("Only a comparison of two runs can be proved", markup=False)
            return
        line = command_line("diff --prove", *map(run_argument, self._runs))
        if line is None:
            self.notify("The name of a run has invisible characters: not copied", markup=False)
        else:
            self.main_list.copy_text(line)

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


def run_rows(diff: RunDiff) -> tuple[Content, Layout]:
    """Return the title and the rows of a comparison of two runs."""
    verdict = Content("no step diverges")
    if diff.first:
        steps = ", ".join(show_line(step.step, 80) for step in diff.first)
        verdict = Content.assemble(
            "first divergence: " if diff.is_certain else "perhaps diverges at: ", (steps, "bold")
        )
    elif diff.differs:
        verdict = Content("the runs ended differently, and no step diverges")
    names = Content.assemble(("A ", MUTED), _run_name(diff.base), ("  B ", MUTED), _run_name(diff.other))

    def content(width: int) -> ListContent:
        cells = [_step_cells(step, is_first=step in diff.first) for step in diff.steps]
        heading, lines = layout_table(_STEP_COLUMNS, cells, width)
        rows = [
            *(
                _step_row(step, line, is_first=step in diff.first)
                for step, line in zip(diff.steps, lines, strict=True)
            ),
            *_ranked_rows(diff.ranked, width),
            *_notes(diff),
        ]
        return ListContent(rows, heading)

    return Content.assemble(names, "\n", verdict), content


def frame_rows(step: str, differences: Sequence[ColumnChange]) -> tuple[Content, Layout]:
    """Return the title and the rows of a comparison of two frames of a step."""
    verdict = "same rows, columns, types and bounds"
    if differences:
        verdict = pluralize(len(differences), "difference")
    title = Content.assemble(("frames of ", MUTED), (show_line(step, 120), "bold"), "\n", verdict)
    return title, lambda width: ListContent(list(_column_rows(differences, width)))


def _run_name(run: Run) -> Content:
    symbol = RUN[run.status]
    return Content.assemble((f"{symbol.symbol} ", symbol.style), (show_line(run.id, 80), "bold"))


def _step_cells(step: StepComparison, *, is_first: bool) -> list[Content]:
    sign, style = _SIGNS[step.divergence] if not is_first else (FIRST, "bold $state-bad")
    text = "; ".join(step.outcome.changes) or "same"
    return [
        Content.styled(sign, style),
        Content.styled(show_line(step.step, 80), "bold"),
        _outcome(step.base),
        _outcome(step.other),
        Content.styled(show_line(text, 400), "" if step.outcome.changes else MUTED),
    ]


_SIGNS = {
    "none": ("=", "$state-good"),
    "first": ("≠", "$state-warn"),
    "possible": ("≠", "$state-warn"),
    "later": ("≠", "$state-warn"),
}


def _outcome(outcome: StepOutcome | None) -> Content:
    if outcome is None:
        return Content.styled("no such step", MUTED)
    step = outcome.step
    symbol = STEP[step.status]
    result = format_rows(step.rows_out) if step.rows_out is not None else symbol.word
    time = f" · {format_duration(step.duration_s)}" if step.duration_s is not None else ""
    return Content.assemble((symbol.symbol, symbol.style), f" {result}{time}")


def _step_row(step: StepComparison, line: Content, *, is_first: bool) -> StaticRow:
    changes = [f"  {show_line(change, 2_000)}" for change in step.outcome.changes] or ["  same outcome"]
    errors = [
        f"  {name}  {show_line(side.step.failure.message, 2_000)}"
        for name, side in (("A", step.base), ("B", step.other))
        if side is not None and side.step.failure is not None
    ]
    text = "\n".join([show_line(step.step, 120), "", *changes, *errors])
    differs = step.outcome.verdict != "same"
    fields = {"step": step.step, "differs": differs}
    return StaticRow(line, text, step.step, fields, is_first, differs and not is_first)


def _ranked_rows(ranked: Sequence[RankedDifference], width: int) -> Iterator[StaticRow]:
    """Yield the differences that may have caused the divergence below a heading."""
    if not ranked:
        return
    cells = [
        [
            Content.styled(f"{number}", MUTED),
            Content.assemble(
                show_line(entry.difference.name, 200),
                (" named in the error" if entry.is_named else "", "$state-warn"),
            ),
            Content(show_line(words.shown_values(entry.difference)[0], 400)),
            Content(show_line(words.shown_values(entry.difference)[1], 400)),
        ]
        for number, entry in enumerate(ranked, 1)
    ]
    heading, lines = layout_table(_RANKED_COLUMNS, cells, width)
    yield static_row("")
    yield StaticRow(heading.stylize("bold $state-link"), "")
    for entry, line in zip(ranked, lines, strict=True):
        difference = entry.difference
        text = [
            show_line(difference.name, 200),
            "",
            f"  A  {show_line(difference.base, 2_000)}",
            f"  B  {show_line(difference.other, 2_000)}",
            "",
            f"  score {entry.score}: {entry.position}{', named in the error' if entry.is_named else ''}",
        ]
        yield StaticRow(line, "\n".join(text), f"{difference.kind} {difference.name}")


def _notes(diff: RunDiff) -> Iterator[StaticRow]:
    texts = [text for text in (words.unrelated(diff), *words.notes(diff)) if text]
    if _can_prove(diff):
        texts.append(PROVE_NOTE)
    if texts:
        yield static_row("")
    yield from (static_row(Content.styled(show_line(text, 400), MUTED)) for text in texts)


def _can_prove(diff: RunDiff) -> bool:
    failed = diff.failed_step
    is_ours = diff.base.dialect == diff.other.dialect == "native"
    return is_ours and failed is not None and failed.base is not None


def _column_rows(differences: Sequence[ColumnChange], width: int) -> Iterator[StaticRow]:
    cells = [
        [Content(show_line(text, 400)) for text in (difference.aspect, difference.base, difference.other)]
        for difference in differences
    ]
    _, lines = layout_table(_FRAME_COLUMNS, cells, width)
    for difference, line in zip(differences, lines, strict=True):
        text = [
            show_line(difference.aspect, 200),
            "",
            f"  A  {show_line(difference.base, 2_000)}",
            f"  B  {show_line(difference.other, 2_000)}",
        ]
        yield StaticRow(line, "\n".join(text), difference.aspect)
