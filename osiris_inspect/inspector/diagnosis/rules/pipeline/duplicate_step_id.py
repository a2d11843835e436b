"""Two steps have one id.

What it finds:
    A manifest in which an id stands twice.

Why it matters:
    The steps share one configuration file and one place for their frame: the second replaces the first, and the run is
    a success with wrong data.

How to fix:
    Give each step its own id.

Example:
    Two steps called `extract`; both read `customers.csv`, and nobody reads `orders.csv`.
"""

from collections import Counter
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("manifest",)
RANK = 13


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Ids that are not the name of one step."""
    counts = Counter(step.id for step in run.manifest.steps) if run.manifest else Counter[str]()
    for step, count in counts.items():
        if count > 1:
            yield Finding(
                rule="duplicate-step-id",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="config",
                message=f"{count} steps are called {step!r}; the configuration of the last one counts for all",
                evidence=(manifest_evidence(run, step),),
                step=step,
                fix="give each step its own id",
            )
