"""Something put a link, a pipe or another file in the place of a file of the run.

What it finds:
    An entry of another kind in the place of a file that the host writes: the event log, the metrics, the run card or a
    folder of artifacts. The host renamed it and followed no link.

Why it matters:
    A driver does not need to touch these files. It is a fault of the driver, or an attempt to write on the host.

How to fix:
    Find the step whose code changes the run directory, above all if its driver comes from others.

Example:
    `entry_planted` for `artifacts/_system`, a symbolic link
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Severity

NEEDS = ("events",)
SEARCHES = ("entry_planted",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "infra",
    "check which driver changes the run directory, and whether it can be trusted",
    stage="finish",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the entries that were planted."""
    planted = list(run.events_named("entry_planted"))
    if not planted:
        return
    path, kind = (excerpt(str(planted[0].fields.get(name)), 80) for name in ("path", "kind"))
    what = "was replaced" if kind == "replaced" else f"was in the way as a {kind}"
    more = f", and {len(planted) - 1} more" if len(planted) > 1 else ""
    message = f"{path!r} of the run directory {what}{more}: code of the run changed files of the host"
    yield TEMPLATE.finding(message, event_evidence(planted[0], "path", "kind"))
