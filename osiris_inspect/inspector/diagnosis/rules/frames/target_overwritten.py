"""Two writers of a run have one target, and the second destroyed the rows of the first.

What it finds:
    Two successful writers with the same file, or with the same table and connection where the second replaces it.

Why it matters:
    Only the rows of the second writer are left, and the run succeeds.

How to fix:
    Give each writer a target of its own, or append the frames in one step and write them once.

Example:
    `save` writes 200 rows to `out/o.csv`, then `save2` writes 50 rows to the same file.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import (
    Target,
    replaces_target,
    writer_target,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING, "config", "give each writer its own target, or append the frames and write them once"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writers that replaced the target of an earlier writer."""
    earlier: dict[Target, tuple[StepState, str]] = {}
    writers = [step for step in run.steps if step.is_writer and step.status == "succeeded"]
    for step in sorted(writers, key=lambda step: step.line_range[1]):
        key, target = writer_target(step.config)
        if target is None:
            continue
        first = earlier.get(target)
        earlier[target] = (step, key)
        if first is None or not replaces_target(step.config, is_file=target[0] == "file"):
            continue
        yield TEMPLATE.finding(
            f"wrote {_rows(step)} to {step.config[key]!r}, which destroyed the {_rows(first[0])} that {first[0].id!r} had written",
            *(config_evidence(each.id, name) for each, name in ((step, key), first) if is_safe_name(each.id)),
            *any_evidence(run, step),
            step=step.id,
        )


def _rows(step: StepState) -> str:
    return "rows" if step.rows_out is None else f"{step.rows_out:,} rows"
