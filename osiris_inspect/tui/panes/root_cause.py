"""Root cause banner: the cause in one sentence, its evidence and its fix."""

from collections.abc import Mapping
from types import MappingProxyType

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from osiris_inspect.inspector.export.shared.deduplicate import additional_text
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import output_rows
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.inspector.text.units import format_rows, pluralize
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui.drawing.symbols import MUTED, RUN, SEVERITY

_CLASSES = {"success": "-good", "running": "-open", "interrupted": "-open"}
_LABELS = {"evidence": "at", "fix": "fix"}
_WRAPPED = ("cause", "fix")
"""Entries that are wrapped if they are too long; the others are truncated."""

_MAX_LINES = 3
"""Lines of one entry at most."""

_FOLDED_BELOW = 20
"""Lines of a terminal below which the banner is one line until the user unfolds it."""


class RootCauseBanner(Widget):
    """Cause with evidence, fix and consequences; one line for a successful run.

    It is one widget because each widget delays the first paint.
    """

    DEFAULT_CSS = """
    RootCauseBanner { height: auto; padding: 0 1; border-left: outer $foreground 30%; text-wrap: nowrap; }
    RootCauseBanner.-bad { border-left: outer $error; background: $verdict-bad; }
    RootCauseBanner.-good { border-left: outer $success; }
    RootCauseBanner.-open { border-left: outer $accent; }
    """

    _entries: Mapping[str, Content | None] = MappingProxyType({})
    _symbol = Content("")
    _is_folded: bool | None = None

    def show(self, report: Report) -> None:
        """Show the cause of a run's failure, or its status."""
        cause, symbol = report.root_cause, RUN[report.run.status]
        css_class = _CLASSES.get(report.run.status, "-bad")
        for name in ("-good", "-bad", "-open"):
            self.set_class(name == css_class, name)
        self._symbol = Content.styled(symbol.symbol, symbol.style)
        self._entries = _cause_entries(report, cause) if cause else _status_entries(report)
        self.refresh(layout=True)

    @property
    def is_folded(self) -> bool:
        """True if only the first line is shown: by choice, or on a small terminal."""
        return self.app.size.height < _FOLDED_BELOW if self._is_folded is None else self._is_folded

    def fold(self) -> None:
        """Show only the first line, or all lines again."""
        self._is_folded = not self.is_folded
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines."""
        del container, viewport
        return len(self._lines(width))

    def render(self) -> Content:
        """Return the entries, each after its label."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        margin = 5 if "evidence" in self._entries else 2
        cause = self._entries.get("cause")
        if self.is_folded and cause is not None:
            return [self._symbol.truncate(2, pad=True) + cause.truncate(max(8, width - 2), ellipsis=True)]
        return [
            (self._label(name) if number == 0 else Content("")).truncate(margin, pad=True) + line
            for name, entry in self._entries.items()
            if entry is not None
            for number, line in enumerate(_fitted(name, entry, max(8, width - margin)))
        ]

    def _label(self, name: str) -> Content:
        return self._symbol if name == "cause" else Content.styled(_LABELS.get(name, ""), "$state-beside")


def _fitted(name: str, entry: Content, width: int) -> list[Content]:
    """Return the lines of an entry."""
    if name not in _WRAPPED:
        return [entry.truncate(width, ellipsis=True)]
    lines = entry.wrap(width)
    if len(lines) <= _MAX_LINES:
        return lines
    last = (lines[_MAX_LINES - 1] + Content(" …")).truncate(width, ellipsis=True)
    return [*lines[: _MAX_LINES - 1], last]


def _cause_entries(report: Report, cause: Finding) -> dict[str, Content | None]:
    evidence = cause.evidence[0]
    is_named = cause.step is None or cause.step in cause.message
    subject = "" if is_named else f"{show_line(cause.step or '', 80)}: "
    consequences = len(report.consequences(cause))
    quote = additional_text(evidence.quote, cause.message)
    others = len(report.findings) - consequences - 1
    summary = [
        *([pluralize(consequences, "consequence")] if consequences else []),
        *([pluralize(others, "other finding")] if others else []),
        f"rule {show_line(cause.rule, 60)}, {cause.confidence} confidence",
    ]
    return {
        "cause": Content.assemble((subject, "$state-link"), (show_line(cause.message, 600), "bold")),
        "evidence": Content.assemble(
            (show_line(str(evidence), 120), "$state-link"), "  ", (show_line(quote, 400), MUTED)
        ),
        "fix": Content(show_line(cause.fix, 600)) if cause.fix else None,
        "summary": Content.styled(" · ".join(summary), MUTED),
    }


def _status_entries(report: Report) -> dict[str, Content | None]:
    return {"cause": Content.styled(_status_sentence(report), "bold"), "summary": _finding_counts(report)}


def _status_sentence(report: Report) -> str:
    run = report.run
    succeeded = sum(step.status == "succeeded" for step in run.steps)
    reused = sum(step.status == "reused" for step in run.steps)
    steps = f"{succeeded} of {pluralize(len(run.steps), 'step')}"
    steps = f"{reused} reused, {steps}" if reused else steps
    if run.status == "success":
        rows = output_rows(report)
        return f"{steps} succeeded" + (f", {format_rows(rows)}" if rows is not None else "")
    if run.status == "running":
        return f"running: {steps} done"
    if run.status == "interrupted":
        return f"interrupted: {steps} succeeded"
    return f"{RUN[run.status].word}: {steps} succeeded; no cause found"


def _finding_counts(report: Report) -> Content | None:
    """Return the number of findings by severity; None if there are none."""
    counts = []
    for severity, symbol in SEVERITY.items():
        number = sum(finding.severity == severity for finding in report.findings)
        if number:
            counts.append(Content.styled(f"{symbol.symbol} {pluralize(number, symbol.word)}", symbol.style))
    return Content(" · ").join(counts) + Content.styled("  press 4 to see them", MUTED) if counts else None
