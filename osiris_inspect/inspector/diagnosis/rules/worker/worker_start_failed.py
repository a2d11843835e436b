"""The worker of a remote run did not start.

What it finds:
    A remote run without any step, whose worker ended before it was ready.

Why it matters:
    The original's host ignores the last output of the worker and waits for its whole time limit, so the error
    reports a timeout and only the text log contains the cause.

How to fix:
    Install or upload what the worker could not find: a module, a package, a command file.

Example:
    `Worker error (fatal): import_error - No module named 'osiris.components'`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Evidence, Severity

NEEDS = ("events",)
EXPLAINS = ("step-timeout", "run-truncated")
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "infra",
    "install or upload what the worker could not find; the time limit is not the cause",
    stage="prepare",
)
_FATAL = LazyRegex(
    r"Worker error \(fatal\): (?P<why>[^\n]{1,200})|\bfatal\b.{0,40}(?:import_error|worker_init_failed|commands_not_found)"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find remote runs that ended before their first step."""
    if run.failed_stage != "prepare" or run.status != "failed" or run.mode not in ("e2b", "sandbox"):
        return
    errors = [line.evidence(excerpt_of(match, 200)) for line, match in matching_log_lines(run, _FATAL)]
    lost = run.status_file is not None and run.status_file.written_by_fallback
    if run.failure is not None and (errors or (lost and "timed out" in run.failure.message)):
        yield TEMPLATE.finding(
            f"the worker never became ready: {excerpt(errors[0].quote if errors else run.failure.message, 160)}",
            *errors[:2],
            Evidence(run.failure.file, run.failure.line, run.failure.message[:120]),
            *status_evidence(run, "reason"),
            confidence=Confidence.HIGH if errors else Confidence.MEDIUM,
        )
