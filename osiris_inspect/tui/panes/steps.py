"""Steps: a table of all steps and the details of one."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import UNKNOWN, format_duration, format_int
from osiris_inspect.tui.drawing.symbols import MUTED, STEP
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import describe, storage_label
from osiris_inspect.tui.widgets.list_rows import Layout, Row, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, table_rows

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
    """Steps of the run."""

    def build_rows(self, report: Report) -> Layout:
        """Return the layout of the table."""
        steps = report.run.steps
        return table_rows(COLUMNS, list(map(_cells, steps)), lambda number, line: _row(steps[number], line))

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return the details of a step."""
        step = report.run.step(str(row.key))
        return describe(report, step) if step is not None else []


def _cells(step: StepState) -> list[Content]:
    symbol = STEP[step.status]
    return [
        Content.styled(symbol.symbol, symbol.style),
        Content.styled(show_line(step.id, 80), "bold"),
        Content.styled(show_line(step.driver or UNKNOWN, 60), MUTED),
        Content.styled(symbol.word + (f" ({step.retries + 1})" if step.retries else ""), symbol.style),
        Content(f"{format_int(step.rows_in)} → {format_int(step.rows_out)}"),
        Content(format_duration(step.duration_s)),
        storage_label(step),
        Content.styled(
            show_line(", ".join((*step.needs, *(f"after {name}" for name in step.after))), 80), MUTED
        ),
    ]


def _row(step: StepState, line: Content) -> StaticRow:
    fields = {"step": step.id, "status": step.status, "driver": step.driver or "", "frame": step.storage}
    return StaticRow(line, line.plain, step.id, fields, step.status == "failed")
