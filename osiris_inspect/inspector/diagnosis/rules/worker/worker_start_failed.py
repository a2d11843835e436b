"""The worker of a remote run did not come up.

What it finds:
    A remote run without any step, whose worker ended before it was ready.

Why it matters:
    The host of the original does not listen to the worker's last words and waits for its whole time limit, so the error
    speaks of time and the cause stands in the text log.

How to fix:
    Repair what the worker misses: a module that was not uploaded, a package, a file of commands.

Example:
    `Worker error (fatal): import_error - No module named 'osiris.components'`
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_log_lines
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("events",)
RANK = 36

_LAST_WORDS = LazyRegex(
    r"Worker error \(fatal\): (?P<why>[^\n]{1,200})|\bfatal\b.{0,40}(?:import_error|worker_init_failed|commands_not_found)"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Remote runs that ended before their first step."""
    if run.failed_stage != "prepare" or run.status != "failed" or run.mode not in ("e2b", "sandbox"):
        return
    words = [told.evidence(excerpt_of(match, 200)) for told, match in matching_log_lines(run, _LAST_WORDS)]
    lost = run.status_file is not None and run.status_file.written_by_fallback
    if run.failure is None or not (words or (lost and "timed out" in run.failure.message)):
        return
    why = words[0].quote if words else run.failure.message
    yield Finding(
        rule="worker-start-failed",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH if words else Confidence.MEDIUM,
        domain="infra",
        message=f"the worker never became ready: {excerpt(why, 160)}",
        evidence=(
            *words[:2],
            Evidence(run.failure.file, run.failure.line, run.failure.message[:120]),
            *status_evidence(run, "reason"),
        ),
        stage="prepare",
        fix="repair what the worker misses; the time limit is not the cause",
    )
