"""The names of two steps become one word in SQL.

What it finds:
    Step ids that differ in signs only which a table name cannot have, such as `-`, `.` and `_`.

Why it matters:
    Each frame is a table `df_<step>`. Where two have one name the original adds a suffix nobody expects, and older versions
    keep one of the two.

How to fix:
    Rename one of the steps.

Example:
    `load-orders` and `load_orders` are both `df_load_orders`.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity
from osiris_inspect.model.manifest import input_name

NEEDS = ("manifest",)
RANK = 17


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Ids of the manifest that share a table name."""
    by_table: dict[str, list[str]] = {}
    for step in run.manifest.steps if run.manifest else ():
        ids = by_table.setdefault(input_name(step.id), [])
        ids += [step.id] if step.id not in ids else []
    for table, ids in by_table.items():
        if len(ids) > 1:
            yield Finding(
                rule="step-ids-collide",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="config",
                message=f"the frames of {' and '.join(map(repr, ids))} would both be the table {table!r}",
                evidence=tuple(manifest_evidence(run, step) for step in ids[:3]),
                step=ids[1],
                fix="rename one of the steps",
            )
