"""The status file and the log disagree.

What it finds:
    A run that succeeded in the log and whose `status.json` reports a failure.

Why it matters:
    Since 0.4 the original reports a missing event log for each successful local run, because it searches the
    log at the path of an older version. The status file then raises a false alarm for each run.

How to fix:
    Trust the log; the pipeline needs no change.

Example:
    `status.json` has `"ok": false` beside an event log that reports success
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("events", "status file")
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "trust the log", stage="finish")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful runs whose status file reports a failure."""
    if run.status == "success" and run.status_file is not None and run.status_file.ok is False:
        yield TEMPLATE.finding(
            f"status.json reported a failure ({run.status_file.reason}), but the log a success",
            *status_evidence(run, "ok"),
            *status_evidence(run, "reason"),
        )
