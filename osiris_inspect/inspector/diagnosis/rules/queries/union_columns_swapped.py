"""A union puts values into the wrong columns.

What it finds:
    UNION, EXCEPT or INTERSECT of two queries that have the same columns in another order.

Why it matters:
    SQL joins them by position and takes the names from the first, so the values of one column get the name of another.

How to fix:
    Write UNION ALL BY NAME, or list the columns of both queries in one order.

Example:
    `all-orders` unites `id, amount, fee` and `id, fee, amount`.
"""

from collections.abc import Sequence
from functools import partial

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_key, query_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.union_columns import swapped_columns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Severity
from osiris_inspect.model.manifest import input_name
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("steps",)
MAX_COLUMNS = 4
TEMPLATE = FindingTemplate(
    Severity.WARNING, "data", "write UNION ALL BY NAME, or list the columns of both queries in one order"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unions of columns in another order."""
    checked = set()
    for union in checks_named(run, "union-columns-swapped"):
        checked.add(union.step)
        pairs = list(zip(union.texts("into"), union.texts("values_of"), strict=False))
        yield TEMPLATE.finding(_message(pairs), union.evidence, step=union.step)
    for step in run.steps:
        query = query_of(step.config) if step.id not in checked and is_safe_name(step.id) else None
        if query is None or step.status != "succeeded" or not query.has("union"):
            continue
        swapped = swapped_columns(query, partial(_columns_of, run, step))
        if swapped:
            evidence = config_evidence(step.id, query_key(step.config))
            yield TEMPLATE.finding(_message(swapped), evidence, step=step.id)


def _message(pairs: Sequence[tuple[str, str]]) -> str:
    swapped = " and ".join(f"{other!r} in {one!r}" for one, other in pairs[:MAX_COLUMNS])
    return f"the union takes columns by position, and their order differs: it puts the values of {swapped}"


def _columns_of(run: Run, step: StepState, table: str) -> list[str]:
    """Return the columns of an input by its table name; nothing if they are unknown."""
    for entry in step.inputs:
        names = {entry.name, input_name(entry.from_step) if entry.from_step else ""}
        names |= {"df", "input_df"} if len(step.inputs) == 1 else set()
        if table.lower() in {name.lower() for name in names if name}:
            frame = run.frames.get(entry.from_step or "")
            return [column.name for column in frame.columns] if frame is not None else []
    return []
