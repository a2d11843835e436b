"""A step's frame did not meet the checks of the step.

What it finds:
    Results of `checks` in the log that are failures, also of a step that only warns of them (`on_failure: warn`).

Why it matters:
    The pipeline says what its rows must be like, and they are not. With `warn` the rows went to the next step.

How to fix:
    Look at the offending rows in `artifacts/<step>/failed_checks.json`. Correct the data or the check; if the rows are
    acceptable, allow this rule for the step.

Example:
    `clean` declares `not_null: [id]`, and 3 of 100 rows had no value in `id`.
"""

from osiris_inspect.base.check_results import describe_failures
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence, Severity

_ARTIFACT = "/failed_checks.json"
NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps whose frames did not meet their checks."""
    for step in run.steps:
        failed = [entry for entry in step.checks if not entry.result.passed]
        if not failed:
            continue
        artifact = next((each.path for each in step.artifacts if each.path.endswith(_ARTIFACT)), None)
        rows = f"look at the rows in {artifact}, then correct" if artifact else "correct"
        is_error = any(entry.result.on_failure == "fail" for entry in failed)
        allowed = "" if is_error else "; if the rows are acceptable, allow this rule for the step"
        yield TEMPLATE.finding(
            describe_failures([entry.result for entry in step.checks]),
            *(Evidence(layout.EVENTS, entry.line, "failed_rows") for entry in failed[:3]),
            step=step.id,
            severity=Severity.ERROR if is_error else None,
            fix=f"{rows} the data or the check{allowed}",
        )
