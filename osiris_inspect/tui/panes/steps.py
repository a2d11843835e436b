"""Steps: a table of all of them, and all that is known of one."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import Split
from osiris_inspect.tui.panes.step_detail import describe, frame_place
from osiris_inspect.tui.widgets.list_rows import Layout, MadeRow, Row, Sheet
from osiris_inspect.tui.widgets.table_layout import Column, lay_out

COLUMNS = (
    Column("", least=1),
    Column("step", least=12),
    Column("driver", rank=3),
    Column("status", least=6),
    Column("rows in → out", right=True),
    Column("time", right=True, rank=1),
    Column("frame", rank=2),
    Column("needs", rank=4),
)


class Steps(Split):
    """The steps of the run."""

    def layout_of(self, report: Report) -> Layout:
        """A table of the steps."""

        def sheet(width: int) -> Sheet:
            heading, lines = lay_out(COLUMNS, [_cells(step) for step in report.run.steps], width)
            return Sheet([_row(*pair) for pair in zip(report.run.steps, lines, strict=True)], heading)

        return sheet

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """All that is known of a step."""
        step = report.run.step(str(row.key))
        return describe(report, step) if step is not None else []


def _cells(step: StepState) -> list[Content]:
    mark = marks.STEP[step.status]
    flow = f"{figures.count(step.rows_in)} → {figures.count(step.rows_out)}"
    return [
        Content.styled(mark.sign, mark.style),
        Content.styled(show_line(step.id, 80), "bold"),
        Content.styled(show_line(step.driver or figures.UNKNOWN, 60), MUTED),
        Content.styled(mark.word, mark.style),
        Content(flow),
        Content(figures.duration(step.duration_s)),
        frame_place(step),
        Content.styled(show_line(", ".join(step.needs), 80), MUTED),
    ]


def _row(step: StepState, line: Content) -> MadeRow:
    fields = {"step": step.id, "status": step.status, "driver": step.driver or "", "frame": step.storage}
    return MadeRow(line, line.plain, step.id, fields, step.status == "failed")
