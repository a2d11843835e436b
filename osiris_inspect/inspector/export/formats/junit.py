"""JUnit XML: a suite a run, a case a step. A cause fails; a consequence is skipped and names its cause.

So the number of failures is the number of things to mend. A cause in the infrastructure is an error, any other a
failure. Only what the strict schema of Jenkins allows is written; the place in the pipeline file stands in the text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal, TextIO

from osiris_inspect.inspector.export import NO_JOB, Job
from osiris_inspect.inspector.export.shared.annotations import Placed, placed
from osiris_inspect.inspector.export.shared.spans import moment
from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.project.source_location import Checkout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.inspector.run.summary import BAD, STATUS_WORDS
from osiris_inspect.inspector.text.sanitize import cut, escape_ci_commands, plain
from osiris_inspect.model.finding import Severity

LONGEST_BODY: Final = (4000, 400, 100)
"""Characters of a text; the next one is taken where the document would be over the limit."""
MOST_BYTES: Final = 29_000_000
"""GitLab ignores a file over 30 MB."""
_NOT_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    outcome: Outcome
    message: str = ""
    kind: str = ""
    body: str = ""
    seconds: float | None = None


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    job: Job = NO_JOB,
) -> None:
    """Write one document with a suite for each run, with shorter texts where it would be over the limit."""
    del width, color  # for formats that people read
    suites = [(report, _cases(report, job.checkout)) for report in reports]
    text = ""
    for longest in LONGEST_BODY:
        text = "".join(f"{line}\n" for line in _document(suites, longest))
        if len(text.encode()) <= MOST_BYTES:
            break
    out.write(text)


def _document(suites: Sequence[tuple[Report, Sequence[_Case]]], longest: int) -> Iterator[str]:
    totals = _counts([case for _, cases in suites for case in cases])
    counts = _attributes(tests=totals["tests"], failures=totals["failure"], errors=totals["error"])
    pipelines = Counter(report.run.pipeline for report, _ in suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="osiris-inspect"{counts}>'
    for report, cases in suites:
        pipeline, run = report.run.pipeline, report.run.id
        shared = pipeline is None or pipelines[pipeline] > 1
        yield from _suite(report, cases, " ".join(filter(None, (pipeline, run if shared else ""))), longest)
    yield "</testsuites>"


def _cases(report: Report, checkout: Checkout) -> list[_Case]:
    by_step: dict[str | None, list[Placed]] = {}
    for entry in placed([report], checkout):
        by_step.setdefault(entry.finding.step, []).append(entry)
    steps = {step.id for step in report.run.steps}
    causes = {
        finding.step: finding.address
        for finding in reversed(report.findings)
        if finding.because is None and finding.severity is Severity.ERROR
    }
    cases = [_case_of(step, by_step.get(step.id, ()), causes) for step in report.run.steps]
    for step_id, entries in by_step.items():
        if step_id not in steps:
            cases += _outside(entries)
    if report.run.status in BAD and not any(_tells_the_end(case) for case in cases):
        words = STATUS_WORDS[report.run.status]
        cases.append(_Case("(run)", "failure", f"the run {words}", report.run.status))
    return cases


def _tells_the_end(case: _Case) -> bool:
    return case.outcome in ("failure", "error") or case.kind == "known"


def _case_of(step: StepState, entries: Sequence[Placed], causes: Mapping[str | None, str]) -> _Case:
    worst = next((entry for entry in entries if entry.finding.severity is Severity.ERROR), None)
    if worst is not None:
        return _of_error(step.id, worst, entries, step.duration_s)
    body = "\n".join(_told(entry) for entry in entries)
    if step.status == "failed" and step.because is None:
        text = step.failure.message if step.failure is not None else "the step failed"
        return _Case(step.id, "failure", text, "failed", body, step.duration_s)
    if step.status in ("failed", "skipped", "not_started", "running"):
        because = (
            f"caused by {causes.get(step.because, step.because)}"
            if step.because
            else step.status.replace("_", " ")
        )
        return _Case(step.id, "skipped", because, "", body)
    return _Case(step.id, "passed", body=body, seconds=step.duration_s)


def _of_error(name: str, worst: Placed, entries: Sequence[Placed], seconds: float | None) -> _Case:
    finding = worst.finding
    body = "\n\n".join(_told(entry) for entry in entries)
    if finding.known:
        return _Case(name, "skipped", f"known since the baseline: {finding.message}", "known", body, seconds)
    if finding.because is not None:
        return _Case(name, "skipped", f"caused by {finding.because}", "", body, seconds)
    outcome: Outcome = "error" if finding.domain == "infra" else "failure"
    return _Case(name, outcome, finding.message, finding.rule, body, seconds)


def _outside(entries: Sequence[Placed]) -> Iterator[_Case]:
    """Cases for findings about no step: one a stage of the run."""
    by_stage: dict[str, list[Placed]] = {}
    for entry in entries:
        by_stage.setdefault(entry.finding.step or f"({entry.finding.stage})", []).append(entry)
    for stage, group in by_stage.items():
        worst = next((entry for entry in group if entry.finding.severity is Severity.ERROR), None)
        if worst is not None:
            yield _of_error(stage, worst, group, None)
        else:
            yield _Case(stage, "passed", body="\n\n".join(_told(entry) for entry in group))


def _told(entry: Placed) -> str:
    place = f"{entry.file}:{entry.line}\n" if entry.file else ""
    return f"{entry.finding.severity} {entry.title}\n{place}{entry.text(LONGEST_BODY[0])}"


def _suite(report: Report, cases: Sequence[_Case], class_name: str, longest: int) -> Iterator[str]:
    run, counts = report.run, _counts(cases)
    told = _attributes(
        name=run.id,
        tests=counts["tests"],
        failures=counts["failure"],
        errors=counts["error"],
        skipped=counts["skipped"],
        time=_seconds(run.duration_s),
        timestamp=_moment(run.started),
    )
    yield f"  <testsuite{told}>"
    facts = {
        "status": run.status,
        "mode": run.mode,
        "pipeline": run.pipeline,
        "path": mirrors.shown(run.path),
    }
    yield "    <properties>"
    yield from (
        f"      <property{_attributes(name=key, value=value)}/>" for key, value in facts.items() if value
    )
    yield "    </properties>"
    for case in cases:
        yield from _case(case, class_name, longest)
    yield "  </testsuite>"


def _case(case: _Case, class_name: str, longest: int) -> Iterator[str]:
    head = f"    <testcase{_attributes(name=case.name, classname=class_name, time=_seconds(case.seconds))}"
    if case.outcome == "passed" and not case.body:
        yield f"{head}/>"
        return
    body = escape(escape_ci_commands(_NOT_IN_XML.sub("", cut(case.body, longest))), quote=False)
    yield f"{head}>"
    if case.outcome == "passed":
        yield f"      <system-out>{body}</system-out>"
    else:
        told = _attributes(type=case.kind or None, message=cut(plain(case.message), min(longest, 1000)))
        yield f"      <{case.outcome}{told}>{body}</{case.outcome}>"
    yield "    </testcase>"


def _counts(cases: Sequence[_Case]) -> Counter[str]:
    return Counter({"tests": len(cases)}) + Counter(case.outcome for case in cases)


def _attributes(**values: str | int | None) -> str:
    return "".join(
        f' {name}="{escape(_NOT_IN_XML.sub("", plain(str(value))))}"'
        for name, value in values.items()
        if value is not None
    )


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else f"{max(seconds, 0):.3f}"


def _moment(ts: float | None) -> str | None:
    return None if ts is None else moment(ts)[:19]
