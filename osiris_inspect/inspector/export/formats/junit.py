"""JUnit XML: one suite per run, one case per step. A cause fails; a consequence is skipped and names its cause.

So the number of failures is the number of problems to fix. A cause in the infrastructure is an error, any other one a
failure. The document follows the strict schema of Jenkins; source locations are in the text.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final, Literal, TextIO

from osiris_inspect.base.text.terminal_text import break_ci_commands
from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations
from osiris_inspect.inspector.export.shared.spans import iso_timestamp
from osiris_inspect.inspector.files.remote_registry import display_name
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepFailure, StepState
from osiris_inspect.inspector.run.summary import FAILED_STATUSES, STATUS_WORDS
from osiris_inspect.inspector.text.sanitize import NOT_IN_XML, one_line, truncate
from osiris_inspect.model.finding import Severity

BODY_LIMITS: Final = (4000, 400, 100)
"""Maximum characters of a text; the next limit is used if the document is too large."""
MAX_BYTES: Final = 29_000_000
"""GitLab ignores files over 30 MB."""

CaseOutcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class _TestCase:
    name: str
    outcome: CaseOutcome
    message: str = ""
    kind: str = ""
    body: str = ""
    seconds: float | None = None
    retry_errors: Sequence[StepFailure] = ()
    """Errors of the attempts before the last one: flaky failures of a case that passed."""


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write one document with a suite per run; texts are shortened if it is too large."""
    suites = [(report, _cases(report, ci.checkout)) for report in reports]
    text = ""
    for limit in BODY_LIMITS:
        text = "".join(f"{line}\n" for line in _document(suites, limit))
        if len(text.encode()) <= MAX_BYTES:
            break
    out.write(text)


def _document(suites: Sequence[tuple[Report, Sequence[_TestCase]]], limit: int) -> Iterator[str]:
    totals = _counts([case for _, cases in suites for case in cases])
    counts = _attributes(tests=totals["tests"], failures=totals["failure"], errors=totals["error"])
    pipelines = Counter(report.run.pipeline for report, _ in suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="osiris-inspect"{counts}>'
    for report, cases in suites:
        pipeline, run = report.run.pipeline, report.run.id
        shared = pipeline is None or pipelines[pipeline] > 1
        yield from _suite(report, cases, " ".join(filter(None, (pipeline, run if shared else ""))), limit)
    yield "</testsuites>"


def _cases(report: Report, checkout: RepositoryCheckout) -> list[_TestCase]:
    by_step: dict[str | None, list[Annotation]] = {}
    for entry in annotations([report], checkout):
        by_step.setdefault(entry.finding.step, []).append(entry)
    steps = {step.id for step in report.run.steps}
    causes = {
        finding.step: finding.id
        for finding in reversed(report.findings)
        if finding.caused_by is None and finding.severity is Severity.ERROR
    }
    cases = [
        replace(_case_of(step, by_step.get(step.id, ()), causes), retry_errors=step.retry_errors)
        for step in report.run.steps
    ]
    for step_id, entries in by_step.items():
        if step_id not in steps:
            cases += _run_level_cases(entries)
    if report.run.status == "interrupted":
        text = report.run.failure.message if report.run.failure is not None else "the run was interrupted"
        cases.append(_TestCase("(run)", "error", text, "interrupted"))
    elif report.run.status in FAILED_STATUSES and not any(_is_run_end(case) for case in cases):
        words = STATUS_WORDS[report.run.status]
        cases.append(_TestCase("(run)", "failure", f"the run {words}", report.run.status))
    return cases


def _is_run_end(case: _TestCase) -> bool:
    return case.outcome in ("failure", "error") or case.kind == "known"


def _case_of(step: StepState, entries: Sequence[Annotation], causes: Mapping[str | None, str]) -> _TestCase:
    worst = next((entry for entry in entries if entry.finding.severity is Severity.ERROR), None)
    if worst is not None:
        return _error_case(step.id, worst, entries, step.duration_s)
    body = "\n".join(_case_text(entry) for entry in entries)
    if step.status == "failed" and step.skipped_because is None:
        text = step.failure.message if step.failure is not None else "the step failed"
        return _TestCase(step.id, "failure", text, "failed", body, step.duration_s)
    if step.status in ("failed", "interrupted", "skipped", "not_started", "running"):
        because = (
            f"caused by {causes.get(step.skipped_because, step.skipped_because)}"
            if step.skipped_because
            else step.status.replace("_", " ")
        )
        return _TestCase(step.id, "skipped", because, "", body)
    if step.status == "reused":
        return _TestCase(step.id, "skipped", f"reused from {step.reused_from or 'an earlier run'}", "", body)
    return _TestCase(step.id, "passed", body=body, seconds=step.duration_s)


def _error_case(
    name: str, worst: Annotation, entries: Sequence[Annotation], seconds: float | None
) -> _TestCase:
    finding = worst.finding
    body = "\n\n".join(_case_text(entry) for entry in entries)
    if finding.in_baseline:
        return _TestCase(
            name, "skipped", f"known (in the baseline): {finding.message}", "known", body, seconds
        )
    if finding.caused_by is not None:
        return _TestCase(name, "skipped", f"caused by {finding.caused_by}", "", body, seconds)
    outcome: CaseOutcome = "error" if finding.domain == "infra" else "failure"
    return _TestCase(name, outcome, finding.message, finding.rule, body, seconds)


def _run_level_cases(entries: Sequence[Annotation]) -> Iterator[_TestCase]:
    """Yield cases for findings without a step, one per stage of the run."""
    by_stage: dict[str, list[Annotation]] = {}
    for entry in entries:
        by_stage.setdefault(entry.finding.step or f"({entry.finding.stage})", []).append(entry)
    for stage, group in by_stage.items():
        worst = next((entry for entry in group if entry.finding.severity is Severity.ERROR), None)
        if worst is not None:
            yield _error_case(stage, worst, group, None)
        else:
            yield _TestCase(stage, "passed", body="\n\n".join(_case_text(entry) for entry in group))


def _case_text(entry: Annotation) -> str:
    position = f"{entry.file}:{entry.line}\n" if entry.file else ""
    return f"{entry.finding.severity} {entry.title}\n{position}{entry.text(BODY_LIMITS[0])}"


def _suite(report: Report, cases: Sequence[_TestCase], class_name: str, limit: int) -> Iterator[str]:
    run, counts = report.run, _counts(cases)
    attributes = _attributes(
        name=run.id,
        tests=counts["tests"],
        failures=counts["failure"],
        errors=counts["error"],
        skipped=counts["skipped"],
        time=_seconds(run.duration_s),
        timestamp=_moment(run.started),
    )
    yield f"  <testsuite{attributes}>"
    properties = {
        "status": run.status,
        "mode": run.mode,
        "pipeline": run.pipeline,
        "path": display_name(run.path),
    }
    yield "    <properties>"
    yield from (
        f"      <property{_attributes(name=key, value=value)}/>" for key, value in properties.items() if value
    )
    yield "    </properties>"
    for case in cases:
        yield from _case(case, class_name, limit)
    yield "  </testsuite>"


def _case(case: _TestCase, class_name: str, limit: int) -> Iterator[str]:
    head = f"    <testcase{_attributes(name=case.name, classname=class_name, time=_seconds(case.seconds))}"
    if case.outcome == "passed" and not case.body and not case.retry_errors:
        yield f"{head}/>"
        return
    body = escape(break_ci_commands(NOT_IN_XML.sub("", truncate(case.body, limit))), quote=False)
    yield f"{head}>"
    if case.outcome == "passed":
        yield from _earlier_failures(case, limit)
        if body:
            yield f"      <system-out>{body}</system-out>"
    else:
        attributes = _attributes(
            type=case.kind or None, message=truncate(one_line(case.message), min(limit, 1000))
        )
        yield f"      <{case.outcome}{attributes}>{body}</{case.outcome}>"
        yield from _earlier_failures(case, limit)
    yield "    </testcase>"


def _earlier_failures(case: _TestCase, limit: int) -> Iterator[str]:
    """Yield the errors of the attempts before the last one; a skipped case has none."""
    element = {"passed": "flakyFailure", "failure": "rerunFailure", "error": "rerunError"}.get(case.outcome)
    for failure in case.retry_errors if element else ():
        message = truncate(one_line(failure.message), min(limit, 1000))
        yield f"      <{element}{_attributes(type=failure.type or 'error', message=message)}/>"


def _counts(cases: Sequence[_TestCase]) -> Counter[str]:
    return Counter({"tests": len(cases)}) + Counter(case.outcome for case in cases)


def _attributes(**values: str | int | None) -> str:
    return "".join(
        f' {name}="{escape(NOT_IN_XML.sub("", one_line(str(value))))}"'
        for name, value in values.items()
        if value is not None
    )


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{max(seconds, 0):.3f}"


def _moment(ts: float | None) -> str | None:
    return None if ts is None else iso_timestamp(ts)[:19]
