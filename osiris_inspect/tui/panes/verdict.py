"""The verdict: what the eye meets first. The cause in a sentence, the line that proves it, what to do."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.report import Report
from osiris_inspect.inspector.summary import rows_of
from osiris_inspect.model.finding import Finding
from osiris_inspect.tui import figures, inert, marks

_TONES = ("-good", "-bad", "-open")
_LINES = {"cause": "", "evidence": "at", "fix": "fix", "after": ""}


class Verdict(Vertical):
    """A cause with its evidence, its fix and its consequences; for a run that went well, one calm line."""

    DEFAULT_CSS = """
    Verdict { height: auto; padding: 0 1; border-left: outer $foreground 30%; }
    Verdict.-bad { border-left: outer $error; background: $verdict-bad; }
    Verdict.-good { border-left: outer $success; }
    Verdict.-open { border-left: outer $accent; }
    Verdict > Horizontal { height: auto; max-height: 3; }
    Verdict .name { width: 5; color: $state-beside; }
    Verdict .words { width: 1fr; height: auto; }
    Verdict #evidence .words, Verdict #after .words { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Verdict.-short .name { width: 2; }
    Verdict .-empty { display: none; }
    """

    def compose(self) -> ComposeResult:
        """One line a thought."""
        for name, shown in _LINES.items():
            with Horizontal(id=name):
                yield Static(Content(shown), classes="name", markup=False)
                yield Static(classes="words", markup=False)

    def show(self, report: Report) -> None:
        """Show the verdict on this run."""
        cause = report.root_cause
        tone = (
            "-good"
            if report.run.status == "success"
            else "-open"
            if report.run.status == "running"
            else "-bad"
        )
        for name in _TONES:
            self.set_class(name == tone, name)
        self.set_class(cause is None, "-short")
        self.query_one("#cause .name", Static).update(_sign(report))
        lines = _of_cause(report, cause) if cause else _without_cause(report)
        for name in _LINES:
            line = lines.get(name)
            self.query_one(f"#{name}").set_class(line is None, "-empty")
            self.query_one(f"#{name} .words", Static).update(line or Content(""))


def _sign(report: Report) -> Content:
    mark = marks.RUN[report.run.status]
    return Content.styled(mark.sign, mark.style)


def _of_cause(report: Report, cause: Finding) -> dict[str, Content | None]:
    place = cause.evidence[0]
    return {
        "cause": Content.assemble((_subject(cause), "$state-link"), (inert.line(cause.message, 600), "bold")),
        "evidence": Content.assemble(
            (inert.line(str(place), 120), "$state-link"), "  ", (inert.line(place.quote, 400), marks.MUTED)
        ),
        "fix": Content(inert.line(cause.fix, 600)) if cause.fix else None,
        "after": _after(report, cause),
    }


def _subject(cause: Finding) -> str:
    """The step a cause is about, where its sentence does not name it."""
    named = cause.step is None or cause.step in cause.message
    return "" if named else f"{inert.line(cause.step or '', 80)}: "


def _after(report: Report, cause: Finding) -> Content | None:
    """How much follows from the cause, and what else was found."""
    consequences = len(report.consequences(cause))
    others = len(report.findings) - consequences - 1
    parts = [
        *([figures.plural(consequences, "consequence")] if consequences else []),
        *([f"{figures.plural(others, 'other finding')}"] if others else []),
        *([f"rule {inert.line(cause.rule, 60)}, {cause.confidence} confidence"]),
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
    of_all = f"{done} of {figures.plural(len(run.steps), 'step')}"
    if run.status == "success":
        rows = rows_of(report)
        return f"{of_all} succeeded" + (f", {figures.rows(rows)}" if rows is not None else "")
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
            parts.append(Content.styled(f"{mark.sign} {figures.plural(number, mark.word)}", mark.style))
    return Content(" · ").join(parts) + Content.styled("  under 4 Findings", marks.MUTED)
