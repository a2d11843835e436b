"""Configuration files of the compiled pipeline are not there.

What it finds:
    A check before the run, or a worker, that misses the configuration of a step; or a step that the worker was told to
    run and that left no trace while the worker went on.

Why it matters:
    The build directory is incomplete or was moved. The original's worker skips such a step without an event, so only
    what comes after it fails.

How to fix:
    Compile again, and run from the directory that was compiled.

Example:
    `Preflight validation failed: Missing required cfg files: cfg/agg-orders.json`
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, WorkerRequest
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity, Stage

NEEDS = ("failures",)
RANK = 18

_BEFORE = LazyRegex(
    r"Missing required cfg files:[^\n]{0,160}"
    r"|Missing configuration files required by manifest[^\n]{0,120}"
    r"|Cannot find source location for cfg files[^\n]{0,120}"
)
_AT_STEP = LazyRegex(
    r"(?:[Cc]onfig(?:uration)? file not found|configuration is not there|[Cc]onfig(?:uration)? (?:file )?is missing): "
    r"\S{0,300}?(?P<step>[^/\s'\"]{1,200})\.json"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Missing configurations, at the step they belong to where it is known."""
    for told, match in matching_errors(run, _BEFORE):
        yield _finding(told, match[0], None, "prepare")
    for told, match in (*matching_errors(run, _AT_STEP), *matching_log_lines(run, _AT_STEP)):
        yield _finding(told, match[0], match["step"], "step")
    for request in _passed_over(run):
        yield Finding(
            rule="config-missing",
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            domain="infra",
            message=f"the worker was told to run {request.step!r} and left no trace of it; "
            "it does so where it does not find the configuration of a step",
            evidence=(Evidence(request.file, request.line, request.step),),
            step=request.step,
            fix="see that the configuration of the step is where its cfg_path says",
        )


def _passed_over(run: Run) -> Iterator[WorkerRequest]:
    """Requests without a trace of their step, where the worker went on to a later one or to its end."""
    seen = {event.step for event in run.key_events if event.step is not None}
    seen |= {name for event in run.events_named("cfg_opened") if (name := _step_of(event.fields.get("path")))}
    went_on = bool(run.events_named("cleanup_start", "cleanup_complete"))
    for request in reversed(run.worker_requests):
        if request.step in seen:
            went_on = True
        elif went_on and seen:
            yield request


def _step_of(path: object) -> str | None:
    match = re.search(r"cfg/(.{1,300})\.json\Z", path) if isinstance(path, str) else None
    return match[1] if match else None


def _finding(told: ErrorText, text: str, step: str | None, stage: Stage) -> Finding:
    return Finding(
        rule="config-missing",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=f"the configuration of {_names(told, step)} is missing",
        evidence=(told.evidence(text[:120]),),
        step=told.step if step is None else step,
        stage=stage,
        fix="compile the pipeline again, and run from the directory that was compiled",
    )


def _names(told: ErrorText, step: str | None) -> str:
    """The steps whose configuration is named as missing."""
    named = re.findall(r"cfg/([^/\s'\"]{1,200})\.json", told.text) if step is None else [step]
    return ", ".join(map(repr, dict.fromkeys(named))) or "a step"
