"""The verdict: what the eye meets first. The cause in a sentence, the line that proves it, what to do."""

from collections.abc import Mapping
from types import MappingProxyType

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import output_rows
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import show_line
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui.drawing import symbols as marks

_TONES = ("-good", "-bad", "-open")
_TONE = {"success": "-good", "running": "-open"}
_NAMES = {"evidence": "at", "fix": "fix"}
_FOLDED = ("cause", "fix")
"""The thoughts that are folded where they are too long; the others are cut."""

_TALLEST = 3
"""Lines that one thought may take."""


class RootCauseBanner(Widget):
    """A cause with its evidence, its fix and its consequences; for a run that went well, one calm line.

    One widget, not one a word: it stands on the first screen, and each widget there is a part of the wait.
    """

    DEFAULT_CSS = """
    RootCauseBanner { height: auto; padding: 0 1; border-left: outer $foreground 30%; text-wrap: nowrap; }
    RootCauseBanner.-bad { border-left: outer $error; background: $verdict-bad; }
    RootCauseBanner.-good { border-left: outer $success; }
    RootCauseBanner.-open { border-left: outer $accent; }
    """

    _lines_by_label: Mapping[str, Content | None] = MappingProxyType({})
    _sign = Content("")

    def show(self, report: Report) -> None:
        """Show the verdict on this run."""
        cause, mark = report.root_cause, marks.RUN[report.run.status]
        tone = _TONE.get(report.run.status, "-bad")
        for name in _TONES:
            self.set_class(name == tone, name)
        self._sign = Content.styled(mark.symbol, mark.style)
        self._lines_by_label = _cause_lines(report, cause) if cause else _without_cause(report)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        del container, viewport
        return len(self._lines(width))

    def render(self) -> Content:
        """One thought under the other, each behind its name."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        margin = 5 if "evidence" in self._lines_by_label else 2
        return [
            (self._label(name) if number == 0 else Content("")).truncate(margin, pad=True) + line
            for name, thought in self._lines_by_label.items()
            if thought is not None
            for number, line in enumerate(_fitted(name, thought, max(8, width - margin)))
        ]

    def _label(self, thought: str) -> Content:
        return self._sign if thought == "cause" else Content.styled(_NAMES.get(thought, ""), "$state-beside")


def _fitted(name: str, thought: Content, width: int) -> list[Content]:
    """The lines of a thought."""
    if name not in _FOLDED:
        return [thought.truncate(width, ellipsis=True)]
    lines = thought.wrap(width)
    if len(lines) <= _TALLEST:
        return lines
    last = (lines[_TALLEST - 1] + Content(" …")).truncate(width, ellipsis=True)
    return [*lines[: _TALLEST - 1], last]


def _cause_lines(report: Report, cause: Finding) -> dict[str, Content | None]:
    place = cause.evidence[0]
    return {
        "cause": Content.assemble((_subject(cause), "$state-link"), (show_line(cause.message, 600), "bold")),
        "evidence": Content.assemble(
            (show_line(str(place), 120), "$state-link"), "  ", (show_line(place.quote, 400), marks.MUTED)
        ),
        "fix": Content(show_line(cause.fix, 600)) if cause.fix else None,
        "after": _consequences(report, cause),
    }


def _subject(cause: Finding) -> str:
    """The step a cause is about, where its sentence does not name it."""
    named = cause.step is None or cause.step in cause.message
    return "" if named else f"{show_line(cause.step or '', 80)}: "


def _consequences(report: Report, cause: Finding) -> Content | None:
    """How much follows from the cause, and what else was found."""
    consequences = len(report.consequences(cause))
    others = len(report.findings) - consequences - 1
    parts = [
        *([figures.pluralize(consequences, "consequence")] if consequences else []),
        *([f"{figures.pluralize(others, 'other finding')}"] if others else []),
        *([f"rule {show_line(cause.rule, 60)}, {cause.confidence} confidence"]),
    ]
    return Content.styled(" · ".join(parts), marks.MUTED)


def _without_cause(report: Report) -> dict[str, Content | None]:
    return {
        "cause": Content.styled(_sentence(report), "bold"),
        "after": _found(report),
    }


def _sentence(report: Report) -> str:
    run = report.run
    done = sum(step.status == "succeeded" for step in run.steps)
    of_all = f"{done} of {figures.pluralize(len(run.steps), 'step')}"
    if run.status == "success":
        rows = output_rows(report)
        return f"{of_all} succeeded" + (f", {figures.format_rows(rows)}" if rows is not None else "")
    if run.status == "running":
        return f"running: {of_all} done"
    return f"{marks.RUN[run.status].word}: {of_all} succeeded; no rule names a cause"


def _found(report: Report) -> Content | None:
    """The warnings and notes, counted; None where there is nothing to say."""
    if not report.findings:
        return None
    parts = []
    for severity, mark in marks.SEVERITY.items():
        number = sum(finding.severity == severity for finding in report.findings)
        if number:
            parts.append(Content.styled(f"{mark.symbol} {figures.pluralize(number, mark.word)}", mark.style))
    return Content(" · ").join(parts) + Content.styled("  under 4 Findings", marks.MUTED)
