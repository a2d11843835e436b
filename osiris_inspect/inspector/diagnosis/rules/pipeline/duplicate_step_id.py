"""Several steps have the same id.

What it finds:
    A manifest that contains an id twice.

Why it matters:
    The steps share one configuration file and one output: the second replaces the first, and the run succeeds
    with wrong data.

How to fix:
    Give each step a unique id.

Example:
    Two steps called `extract`; both read `customers.csv`, and `orders.csv` is never read.
"""

from collections import Counter

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity

NEEDS = ("manifest",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "give each step a unique id")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find ids that more than one step of the manifest has."""
    planned = run.manifest.steps if run.manifest else ()
    for step, count in Counter(planned_step.id for planned_step in planned).items():
        if count > 1:
            message = f"{count} steps had the id {step!r}, so the last configuration applied to all"
            yield TEMPLATE.finding(message, manifest_evidence(run, step), step=step)
