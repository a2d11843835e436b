"""The status file says something else than the log.

What it finds:
    A run whose log shows a success and whose `status.json` says that it is not ok.

Why it matters:
    Since 0.4 the original writes `missing_events_jsonl` for each good local run, because it looks for the log in a
    place of an older version. Who believes the file gets an alarm a run.

How to fix:
    Nothing in the pipeline. Believe the log.

Example:
    `"ok": false, "reason": "missing_events_jsonl"` beside an `events.jsonl` that ends well
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("events", "status file")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Successes that the status file denies."""
    if run.status == "success" and run.status_file is not None and run.status_file.ok is False:
        yield Finding(
            rule="status-disagrees",
            severity=Severity.NOTE,
            confidence=Confidence.HIGH,
            domain="code",
            message=f"status.json says that the run is not ok ({run.status_file.reason}); its log says that it is",
            evidence=(*status_evidence(run, "ok"), *status_evidence(run, "reason")),
            stage="finish",
            fix="believe the log",
        )
