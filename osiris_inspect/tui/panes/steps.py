"""Steps: a table of all of them, and all that is known of one."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import describe, frame_place
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

COLUMNS = (
    TableColumn("", min_width=1),
    TableColumn("step", min_width=12),
    TableColumn("driver", priority=3),
    TableColumn("status", min_width=6),
    TableColumn("rows in → out", right=True),
    TableColumn("time", right=True, priority=1),
    TableColumn("frame", priority=2),
    TableColumn("needs", priority=4),
)


class Steps(ListDetailPane):
    """The steps of the run."""

    def build_rows(self, report: Report) -> Layout:
        """A table of the steps."""

        def sheet(width: int) -> ListContent:
            heading, lines = layout_table(COLUMNS, [_cells(step) for step in report.run.steps], width)
            return ListContent([_row(*pair) for pair in zip(report.run.steps, lines, strict=True)], heading)

        return sheet

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """All that is known of a step."""
        step = report.run.step(str(row.key))
        return describe(report, step) if step is not None else []


def _cells(step: StepState) -> list[Content]:
    mark = marks.STEP[step.status]
    flow = f"{figures.format_int(step.rows_in)} → {figures.format_int(step.rows_out)}"
    return [
        Content.styled(mark.symbol, mark.style),
        Content.styled(show_line(step.id, 80), "bold"),
        Content.styled(show_line(step.driver or figures.UNKNOWN, 60), MUTED),
        Content.styled(mark.word, mark.style),
        Content(flow),
        Content(figures.format_duration(step.duration_s)),
        frame_place(step),
        Content.styled(show_line(", ".join(step.needs), 80), MUTED),
    ]


def _row(step: StepState, line: Content) -> StaticRow:
    fields = {"step": step.id, "status": step.status, "driver": step.driver or "", "frame": step.storage}
    return StaticRow(line, line.plain, step.id, fields, step.status == "failed")
