"""A writer with several inputs wrote the first of them only.

What it finds:
    A writer that got several frames and wrote as many rows as the first has.

Why it matters:
    The other frames are nowhere, and the run is a success.

How to fix:
    Use one writer for each frame, or unite them in a step before.

Example:
    `write-both` gets 500 and 40 rows and writes 500.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("inputs_resolved",)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Writers whose rows are those of their first input."""
    for step in run.steps:
        got = [entry for entry in step.inputs if entry.location != "unresolved" and entry.rows is not None]
        if not step.is_writer or step.status != "succeeded" or len(got) < 2 or step.rows_out is None:
            continue
        total = sum(entry.rows or 0 for entry in got)
        if step.rows_out == got[0].rows and step.rows_out != total:
            dropped = ", ".join(repr(entry.from_step) for entry in got[1:])
            yield Finding(
                rule="writer-took-first-input",
                severity=Severity.WARNING,
                confidence=Confidence.HIGH,
                domain="data",
                message=f"the writer wrote {step.rows_out:,} of {total:,} rows: those of {dropped} were dropped",
                evidence=(
                    *row_count_evidence(run, step, step.rows_out),
                    *(Evidence("events.jsonl", entry.line, "rows") for entry in got if entry.line),
                ),
                step=step.id,
                fix="use one writer for each frame, or unite them before",
            )
