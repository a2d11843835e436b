"""A step reads a file that a later step of the same run writes.

What it finds:
    A source that read a file before another step replaced it in the same run, if neither of the steps waits for the other.

Why it matters:
    The source reads the file of the last run, so its rows are one run late, and the run succeeds.

How to fix:
    Write `after: [<the writer>]` at the source, or pass the frame. If the result of the last run is meant, write
    `after: [<the source>]` at the writer, or allow this rule for the step.

Example:
    `mapped` reads `out/stage.csv`, and `stage` writes it afterwards.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import replaces_target, writer_target
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "add the writer to `after` of this step; if it is meant to read the file of the last run, allow this rule for it",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources that read a file which a later step of the run replaced."""
    succeeded = [step for step in run.steps if step.status == "succeeded" and is_safe_name(step.id)]
    for step in succeeded:
        key, path = writer_target(step.config) if step.is_source else ("", None)
        if path is None or path[0] != "file":
            continue
        for writer in succeeded:
            is_later = writer.line_range[0] > step.line_range[1]
            if not writer.is_writer or not is_later or writer_target(writer.config)[1] != path:
                continue
            before = {*lineage.predecessors(writer.id), *writer.upstream}
            if step.id not in before and replaces_target(writer.config, is_file=True):
                yield TEMPLATE.finding(
                    f"read {step.config[key]!r} before {writer.id!r} wrote it in the same run, and does not wait for that step: "
                    "it read the file of an earlier run",
                    config_evidence(step.id, key),
                    config_evidence(writer.id, writer_target(writer.config)[0]),
                    *any_evidence(run, step),
                    step=step.id,
                )
                break
