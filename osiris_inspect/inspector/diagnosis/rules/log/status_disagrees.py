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

from osiris_inspect.inspector.diagnosis.evidence.citations import status_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("events", "status file")
TEMPLATE = FindingTemplate(Severity.NOTE, "code", "believe the log", stage="finish")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful runs whose status file reports a failure."""
    if run.status == "success" and run.status_file is not None and run.status_file.ok is False:
        yield TEMPLATE.finding(
            f"status.json says that the run is not ok ({run.status_file.reason}); its log says that it is",
            *status_evidence(run, "ok"),
            *status_evidence(run, "reason"),
        )
