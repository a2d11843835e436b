"""A step failed because its input has no rows.

What it finds:
    A step whose error says that there was nothing to take a value from (`single positional indexer is out-of-bounds`,
    `list index out of range`, `zero-size array`), and whose input has 0 rows.

Why it matters:
    The step before it lost all rows, or its source is empty; the step that failed shows only the effect.

How to fix:
    Check the source, the filter or the join of the step that returned 0 rows. If 0 rows are possible, let the step that
    failed accept them.

Example:
    `IndexError: single positional indexer is out-of-bounds`, and `recent` returned 0 rows.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("errors",)
EXPLAINS = ("driver-raised", "value-not-convertible", "all-rows-lost", "zero-rows-from-source")
TEMPLATE = FindingTemplate(Severity.ERROR, "data", confidence=Confidence.MEDIUM)
_NOTHING_TO_TAKE = LazyRegex(
    r"single positional indexer is out-of-bounds|\bindex(?:er)? (?:out of range|is out of bounds)|list index out of range"
    r"|index \d{1,9} is out of bounds for axis|zero-size array|(?:max|min|arg\w{3})(?:imum|imum)?\(?\)? (?:arg|iterable argument) is (?:an )?empty"
    r"|\bempty (?:sequence|range|frame|DataFrame|Series|iterable|list)\b|attempt to get arg\w{3} of an empty"
    r"|No objects to concatenate|\bStopIteration\b|ZeroDivisionError|division by zero|mean requires at least one data point"
    r"|Found array with 0 sample|KeyError: 0\b"
    r"|\b(?i:no|0|zero|without(?: any)?) (?:input )?(?:rows|records|results|items|entries|samples)\b|\b(?i:no data (?:to|for) )"
    r"|\b(?:[Ff]rame|[Ii]nput|[Dd]ata|DataFrame|[Rr]esult|[Tt]able) (?:is|was) empty\b"
    r"|\b(?i:at least|expected) (?:1|one|some) (?:row|record|value|sample|entry)"
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find failed steps that had nothing to take a value from."""
    seen: set[str] = set()
    for error, match in matching_errors(run, _NOTHING_TO_TAKE):
        step = run.step(error.step or "")
        empty = None if step is None or step.id in seen else _empty_input(run, lineage, step)
        if step is None or step.failure is None or empty is None:
            continue
        seen.add(step.id)
        source = empty.id if empty.is_source else None
        yield TEMPLATE.finding(
            f"{error_headline(step.failure.message)}{SEPARATOR}the input of step {step.id!r} has 0 rows, from step {empty.id!r}",
            error.evidence(match[0]),
            *error_evidence(step),
            *row_count_evidence(run, empty, 0),
            step=empty.id,
            fix=("check the source" if source else "check the filter or the join")
            + f" of step {empty.id!r}; if 0 rows are possible, let step {step.id!r} accept them",
        )


def _empty_input(run: Run, lineage: Lineage, step: StepState) -> StepState | None:
    """Return the first step upstream that returned 0 rows and gave them to a step; None if its inputs have rows."""
    for edge in lineage.edges_to(step.id):
        producer = run.step(edge.producer)
        if producer is not None and producer.status == "succeeded" and producer.rows_out == 0:
            return _empty_input(run, lineage, producer) or producer
    return None
