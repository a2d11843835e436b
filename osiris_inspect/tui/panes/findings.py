"""Findings: each cause with its consequences under it, and the evidence of one."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import multi_line, show_line
from osiris_inspect.model.finding import Evidence, Finding
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import title
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, layout_table

COLUMNS = (
    TableColumn("  found", min_width=20),
    TableColumn("step", min_width=8, max_width=20),
    TableColumn("rule", priority=1),
)


class Findings(ListDetailPane):
    """What the rules found, as a tree."""

    def build_rows(self, report: Report) -> Layout:
        """Causes, each with what it explains."""

        def sheet(width: int) -> ListContent:
            cells = [_cells(number, report.findings) for number in range(len(report.findings))]
            heading, lines = layout_table(COLUMNS, cells, width)
            rows = [_row(*numbered, report.findings) for numbered in enumerate(lines)]
            return ListContent(rows, heading) if rows else ListContent([_nothing(report)])

        return sheet

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """A finding with its evidence and its fix."""
        finding = self.finding(row)
        return list(_describe(report, finding)) if finding else list(_not_checked(report))

    def finding(self, row: Row | None) -> Finding | None:
        """The finding of a row."""
        if self.report is None or row is None or not isinstance(row.key, int):
            return None
        return self.report.findings[row.key] if row.key < len(self.report.findings) else None


def _nothing(report: Report) -> StaticRow:
    text = f"nothing found; {figures.pluralize(len(report.not_checked), 'rule')} could not be asked"
    return StaticRow(Content.styled(text, MUTED), text)


def _cells(number: int, findings: Sequence[Finding]) -> list[Content]:
    finding = findings[number]
    mark = marks.SEVERITY[finding.severity]
    message = (show_line(finding.message, 400), "bold" if finding.caused_by is None else "")
    return [
        Content.assemble((_branch(number, findings), MUTED), (mark.symbol, mark.style), " ", message),
        Content.styled(show_line(finding.step, 60) if finding.step else "the run", MUTED),
        Content.styled(show_line(finding.rule, 60), MUTED),
    ]


def _row(number: int, line: Content, findings: Sequence[Finding]) -> StaticRow:
    finding = findings[number]
    fields = {"step": finding.step, "rule": finding.rule, "severity": str(finding.severity)}
    text = show_line(f"{finding.rule} {finding.step or ''} {finding.message}", 600)
    severity = finding.severity
    return StaticRow(line, text, number, fields, severity == "error", severity == "warning")


def _branch(number: int, findings: Sequence[Finding]) -> str:
    """The line that ties a consequence to its cause above it."""
    if findings[number].caused_by is None:
        return ""
    is_last = number + 1 == len(findings) or findings[number + 1].caused_by != findings[number].caused_by
    return " └─ " if is_last else " ├─ "


def _describe(report: Report, finding: Finding) -> Iterator[Content]:
    mark = marks.SEVERITY[finding.severity]
    yield Content.assemble(mark.content, "  ", (show_line(finding.rule, 80), "bold"))
    where = f"step {show_line(finding.step, 120)}" if finding.step else f"stage {finding.stage}"
    yield Content.styled(f"{where} · {finding.domain} · {finding.confidence} confidence", MUTED)
    yield Content("")
    yield from (Content(line) for line in multi_line(finding.message, 4_000))
    yield Content("")
    yield title("evidence")
    for evidence in finding.evidence:
        yield from _evidence(evidence)
    if finding.fix:
        yield Content("")
        yield title("fix")
        yield from (Content(f"  {line}") for line in multi_line(finding.fix, 4_000))
    yield from _ties(report, finding)
    yield Content("")
    yield Content.styled("x explains the rule", MUTED)


def _evidence(evidence: Evidence) -> Iterator[Content]:
    yield Content.styled(f"  {show_line(str(evidence), 200)}", "$state-link")
    yield Content(f"    {show_line(evidence.quote)}")


def _ties(report: Report, finding: Finding) -> Iterator[Content]:
    if finding.caused_by:
        yield Content("")
        yield Content.assemble(("a consequence of ", MUTED), show_line(finding.caused_by, 200))
    explained = report.consequences(finding)
    if explained:
        yield Content("")
        yield title(figures.pluralize(len(explained), "consequence"))
        yield from (Content(f"  {show_line(other.message, 200)}") for other in explained)


def _not_checked(report: Report) -> Iterator[Content]:
    yield title("rules that could not be asked")
    for entry in report.not_checked:
        yield Content.assemble(f"  {show_line(entry.rule, 80)}", (f"  {show_line(entry.reason, 200)}", MUTED))
