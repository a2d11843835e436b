"""A query filters by a column of which the step before has two.

What it finds:
    A join with `SELECT *` of two tables that have a column with the same name, and a next query whose WHERE names this
    column and keeps all rows or none. A filter that has an effect is not reported, nor columns that seem equal.

Why it matters:
    The second column gets another name without a message, so the next query reads that of the first table, which may be the
    other one.

How to fix:
    Name the columns of the join, each with its own alias. If the first column is meant, allow this rule for the step.

Example:
    `both` joins requests and permits, both have a column `state`, and `open-ones` filters by the state of the request.
"""

from collections import Counter

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_key, query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("output_stored",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "name the columns of the join, each with its own alias; if the first column is meant, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find filters without effect by a column of which their input has two."""
    for step in run.steps:
        query = query_of(step.config)
        if step.status != "succeeded" or query is None or len(step.inputs) != 1 or not is_safe_name(step.id):
            continue
        before = run.frames.get(step.inputs[0].from_step or "")
        if before is None or step.rows_out not in (0, before.rows) or not query.has("where"):
            continue
        condition = query.words[query.words.index("where") :]
        name = next((one for one in _repeated_names(before) if one.lower() in condition), None)
        if name is not None:
            yield TEMPLATE.finding(
                f"the query filters by {name!r} and keeps {'all' if step.rows_out else 'none'} of {before.rows or 0:,} rows; "
                f"{before.step!r} has two columns with this name, and the query reads the first one",
                config_evidence(step.id, query_key(step.config)),
                frame_evidence(before, name),
                step=step.id,
            )


def _repeated_names(frame: FrameFacts) -> list[str]:
    """Return the names that columns with different values share."""
    counts = Counter(column.name for column in frame.columns)
    repeated = [name for name, count in counts.items() if count > 1]
    return [
        name
        for name in repeated
        if len(
            {
                (one.distinct, one.nulls, one.low, one.high, one.dtype)
                for one in frame.columns
                if one.name == name
            }
        )
        > 1
    ]
