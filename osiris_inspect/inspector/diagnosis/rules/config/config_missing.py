"""Configuration files of the compiled pipeline are missing.

What it finds:
    A check before the run, or a worker, that did not find the configuration of a step; or a step that the
    worker was told to run and that logged nothing while the worker continued.

Why it matters:
    The build directory is incomplete or was moved. The original's worker skips such a step without an event,
    so only later steps fail.

How to fix:
    Compile again and run from the compiled directory.

Example:
    `Preflight validation failed: Missing required cfg files: cfg/agg-orders.json`
"""

import re
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors, matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, WorkerRequest
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Severity

SEARCHES = ("errors", "text logs", "commands")
EXPLAINS = ("file-missing",)
TEMPLATE = FindingTemplate(
    Severity.ERROR, "infra", "compile the pipeline again and run it from the compiled directory"
)
_PREFLIGHT = LazyRegex(
    r"Missing required cfg files:[^\n]{0,160}"
    r"|Missing configuration files required by manifest[^\n]{0,120}"
    r"|Cannot find source location for cfg files[^\n]{0,120}"
)
_AT_STEP = LazyRegex(
    r"(?:[Cc]onfig(?:uration)? file not found|configuration is not there|[Cc]onfig(?:uration)? (?:file )?is missing): "
    r"\S{0,300}?(?P<step>[^/\s'\"]{1,200})\.json"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find missing configuration files and steps that the worker skipped."""
    for error, match in matching_errors(run, _PREFLIGHT):
        steps = dict.fromkeys(re.findall(r"cfg/([^/\s'\"]{1,200})\.json", error.text))
        message = f"the configuration of {', '.join(map(repr, steps)) or 'a step'} was missing"
        yield TEMPLATE.finding(message, error.evidence(match[0][:120]), step=error.step, stage="prepare")
    for error, match in (*matching_errors(run, _AT_STEP), *matching_log_lines(run, _AT_STEP)):
        message = f"the configuration of {match['step']!r} was missing"
        yield TEMPLATE.finding(message, error.evidence(match[0][:120]), step=match["step"])
    for request in _skipped_requests(run):
        yield TEMPLATE.finding(
            f"the worker received the command to run {request.step!r} and logged nothing; "
            "it skips a step whose configuration file is missing",
            Evidence(request.file, request.line, request.step),
            step=request.step,
            confidence=Confidence.MEDIUM,
            fix="check that the configuration file of the step exists at its cfg_path",
        )


def _skipped_requests(run: Run) -> Iterator[WorkerRequest]:
    """Yield the requests without an event of their step, if the worker continued afterwards."""
    opened = [str(event.fields.get("path")) for event in run.events_named("cfg_opened")]
    started = {match[1] for path in opened if (match := re.search(r"cfg/(.{1,300})\.json\Z", path))}
    started |= {event.step for event in run.key_events if event.step is not None}
    continued = bool(run.events_named("cleanup_start", "cleanup_complete"))
    for request in reversed(run.worker_requests):
        if request.step in started:
            continued = True
        elif continued and started:
            yield request
