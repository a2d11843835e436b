"""Findings: each cause with its consequences below it, and the evidence of one finding."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from osiris_inspect.inspector.export.shared.deduplicate import decoded_quote
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.sanitize import multi_line, one_line, shorten_middle, show_line
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Evidence, Finding
from osiris_inspect.tui.drawing.symbols import MUTED, SEVERITY
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.panes.step_detail import section
from osiris_inspect.tui.widgets.list_rows import Layout, Row, StaticRow
from osiris_inspect.tui.widgets.table_layout import TableColumn, table_rows

COLUMNS = (
    TableColumn("  finding", min_width=20, middle=True),
    TableColumn("step", min_width=8, max_width=20),
    TableColumn("rule", priority=1),
)


class Findings(ListDetailPane):
    """Findings as a tree of causes and consequences."""

    def build_rows(self, report: Report) -> Layout:
        """Return the layout of the tree."""
        findings = report.findings
        skipped = len(report.skipped_rules_that_matter)
        note = f"; {pluralize(skipped, 'rule')} skipped (not enough data)" if skipped else ""
        return table_rows(
            COLUMNS,
            [_cells(number, findings) for number in range(len(findings))],
            lambda number, line: _row(number, line, findings[number]),
            empty=f"No problems found{note}",
        )

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """Return a finding with its evidence and its fix, or the skipped rules if there are no findings."""
        finding = self.finding(row)
        return list(_describe(report, finding) if finding else section("skipped rules", _skipped(report)))

    def finding(self, row: Row | None) -> Finding | None:
        """Return the finding of a row."""
        if self.report is None or row is None or not isinstance(row.key, int):
            return None
        return self.report.findings[row.key] if row.key < len(self.report.findings) else None


def _cells(number: int, findings: Sequence[Finding]) -> list[Content]:
    finding = findings[number]
    symbol = SEVERITY[finding.severity]
    message = (
        show_line(shorten_middle(one_line(finding.message), 400), 800),
        "bold" if finding.caused_by is None else "",
    )
    return [
        Content.assemble((_branch(number, findings), MUTED), (symbol.symbol, symbol.style), " ", message),
        Content.styled(show_line(finding.step, 60) if finding.step else "the run", MUTED),
        Content.styled(show_line(finding.rule, 60), MUTED),
    ]


def _row(number: int, line: Content, finding: Finding) -> StaticRow:
    severity = finding.severity
    fields = {"step": finding.step, "rule": finding.rule, "severity": str(severity)}
    text = show_line(f"{finding.rule} {finding.step or ''} {finding.message}", 600)
    return StaticRow(line, text, number, fields, severity == "error", severity == "warning")


def _branch(number: int, findings: Sequence[Finding]) -> str:
    """Return the line from a consequence to its cause above."""
    if findings[number].caused_by is None:
        return ""
    is_last = number + 1 == len(findings) or findings[number + 1].caused_by != findings[number].caused_by
    return " └─ " if is_last else " ├─ "


def _describe(report: Report, finding: Finding) -> Iterator[Content]:
    consequences = report.consequences(finding)
    subject = f"step {show_line(finding.step, 120)}" if finding.step else f"stage {finding.stage}"
    yield Content.assemble(SEVERITY[finding.severity].content, "  ", (show_line(finding.rule, 80), "bold"))
    yield Content.styled(f"{subject} · {finding.domain} · {finding.confidence} confidence", MUTED)
    yield Content("")
    yield from map(Content, multi_line(finding.message, 4_000))
    yield from section("evidence", [line for evidence in finding.evidence for line in _evidence(evidence)])
    fix = multi_line(finding.fix, 4_000) if finding.fix else ()
    yield from section("fix", (Content(f"  {line}") for line in fix))
    if finding.caused_by:
        yield Content("")
        yield Content.assemble(("consequence of ", MUTED), show_line(finding.caused_by, 200))
    messages = (Content(f"  {show_line(other.message, 200)}") for other in consequences)
    yield from section(pluralize(len(consequences), "consequence"), messages)
    yield Content("")
    yield Content.styled("x explains the rule", MUTED)


def _evidence(evidence: Evidence) -> Iterator[Content]:
    yield Content.styled(f"  {show_line(str(evidence), 200)}", "$state-link")
    yield from (Content(f"    {line}") for line in multi_line(decoded_quote(evidence.quote)))


def _skipped(report: Report) -> Iterator[Content]:
    for skipped in report.not_checked:
        reason = (f"  {show_line(skipped.reason, 200)}", MUTED)
        yield Content.assemble(f"  {show_line(skipped.rule, 80)}", reason)
