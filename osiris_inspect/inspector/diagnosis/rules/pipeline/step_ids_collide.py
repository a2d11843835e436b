"""Two step ids produce the same table name.

What it finds:
    Step ids that differ only in characters that a table name cannot contain, such as `-`, `.` and `_`.

Why it matters:
    Each output is a table `df_<step>`. For equal names the original adds an unexpected suffix, and older
    versions keep only one of them.

How to fix:
    Rename one of the steps.

Example:
    `load-orders` and `load_orders` are both `df_load_orders`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.manifest import input_name

NEEDS = ("manifest",)
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "rename one of the steps")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find ids of the manifest that share a table name."""
    ids = dict.fromkeys(step.id for step in run.manifest.steps) if run.manifest else {}
    by_table: dict[str, list[str]] = {}
    for step in ids:
        by_table.setdefault(input_name(step), []).append(step)
    for table, steps in by_table.items():
        if len(steps) > 1:
            yield TEMPLATE.finding(
                f"the outputs of {' and '.join(map(repr, steps))} had the same table name {table!r}",
                *(manifest_evidence(run, step) for step in steps[:3]),
                step=steps[1],
            )
