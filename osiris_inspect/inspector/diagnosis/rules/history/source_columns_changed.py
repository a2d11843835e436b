"""A source lost a column that all earlier runs had, or a column has another kind of values.

What it finds:
    A column that a source returned in each earlier run with the same settings, at least two, and that is missing now, or
    that has another kind of type: text instead of numbers, fractions instead of whole numbers. A type of another width,
    one that allows nulls, and new columns are not reported. Of a file without a header it says if the columns have the types of
    their left or right neighbours, so that they are shifted by one.

Why it matters:
    Steps that do not use the column by name go on without it, and a column of another type compares, joins and sorts
    differently, without an error.

How to fix:
    Compare the source with that of the last run, and adapt the steps after it. The warning ends when all runs that are
    compared have the new columns; until then allow this rule for the step if the change is intended.

Example:
    `extract-orders` has no column `amount`, which the last 5 runs had; `customer_id` is text and was integer.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
EXPLAINS = ("column-all-null", "values-missing-or-new")
MIN_RUNS = 2
EXCHANGED = 2
"""Columns of which each has the kind of the other."""
MAX_NAMED = 4
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the columns of the source with those of the last run; if the change is intended, allow this rule for the step",
    Confidence.MEDIUM,
)

_NUMBERED = LazyRegex(r"(?i:c|col|column|field|f|_c|unnamed: )?_?\d{1,4}")
"""Names that columns without a header get."""
Change = tuple[ColumnFacts, str, str]
"""A column, the kind it had, and the kind it has."""


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources whose columns are not those of the earlier runs."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if not frame.rows or not frame.columns or not step.is_source:
            continue
        earlier = (each.frames.get(step.id) for each in comparable.for_step(step.id))
        before = [other for other in earlier if other is not None and other.rows and other.columns]
        if len(before) < MIN_RUNS:
            continue
        missing, changed = _missing(frame, before), _changed(step, frame, before)
        if missing or changed:
            cited = [column.name for column, *_ in changed[:1]] or [frame.columns[0].name]
            yield TEMPLATE.finding(
                _message(frame, before, missing, changed),
                frame_evidence(frame, cited[0]),
                *any_evidence(run, step),
                step=step.id,
            )


def _message(
    frame: FrameFacts, before: Sequence[FrameFacts], missing: Sequence[str], changed: Sequence[Change]
) -> str:
    new = [column.name for column in frame.columns if before[0].column(column.name) is None]
    parts = [f"{column.name!r} is {kind} and was {old}" for column, old, kind in changed[:MAX_NAMED]]
    if missing:
        parts.insert(0, f"has no column {_join(missing)}" + (f" but a new one, {_join(new)}" if new else ""))
    message = f"{'; '.join(parts)}, unlike in the last {len(before)} runs"
    is_exchanged = len(changed) == EXCHANGED and changed[0][1:] == changed[1][:0:-1]
    shift = _shift(frame, before)
    if shift:
        return f"{message}; {shift}"
    return message + ("; their values seem to be exchanged (swapped columns)" if is_exchanged else "")


def _shift(frame: FrameFacts, before: Sequence[FrameFacts]) -> str:
    """Describe columns without names that all have the types of their neighbours in the runs before; empty if there are none."""
    is_numbered = all(_NUMBERED.fullmatch(column.name[:50]) for column in frame.columns)
    differences = {len(frame.columns) - len(other.columns) for other in before}
    if not is_numbered or differences not in ({1}, {-1}):
        return ""
    new, old = (_loose_kinds(one) for one in (frame, before[0]))
    longer, shorter = (new, old) if len(new) > len(old) else (old, new)
    for position in range(len(longer) - 1, -1, -1):
        if [*longer[:position], *longer[position + 1 :]] == shorter and shorter != longer[:-1]:
            change = "there is a new column" if longer is new else "a column is gone"
            return f"{change}, and the columns from number {position + 1} on, or from before it, are shifted by one"
    return ""


def _loose_kinds(frame: FrameFacts) -> list[str]:
    """Return the kinds of a frame's columns; whole numbers and fractions are one kind in a text file."""
    kinds = (_kind(frame, column) for column in frame.columns)
    return ["number" if kind in ("integer", "float") else kind for kind in kinds]


def _missing(frame: FrameFacts, before: Sequence[FrameFacts]) -> list[str]:
    return [
        column.name
        for column in before[0].columns
        if frame.column(column.name) is None and all(other.column(column.name) for other in before)
    ]


def _changed(step: StepState, frame: FrameFacts, before: Sequence[FrameFacts]) -> list[Change]:
    """Return the columns with another kind of type than in every earlier run, with the old and the new kind."""
    changed, expected = [], []
    for column in frame.columns:
        others = [(other, found) for other in before if (found := other.column(column.name)) is not None]
        kinds = {_kind(other, found) for other, found in others}
        old, new = next(iter(kinds), ""), _kind(frame, column)
        if len(others) < len(before) or len(kinds) != 1 or not old or not new or old == new:
            continue
        before_nulls = any(found.nulls for _, found in others)
        if not _is_expected(step, (old, new), column, [found for _, found in others]):
            changed.append((column, old, new))
        elif bool(column.nulls) == before_nulls:
            expected.append((column, old, new))
    is_exchanged = len(expected) == EXCHANGED and expected[0][1:] == expected[1][:0:-1]
    return [*changed, *(expected if is_exchanged else ())]


def _kind(frame: FrameFacts, column: ColumnFacts) -> str:
    """Return the kind of a column; empty if no row has a value, because its type then says nothing."""
    return "" if column.nulls == frame.rows else kind_of(column.dtype)


def _is_expected(
    step: StepState, kinds: tuple[str, str], column: ColumnFacts, others: Sequence[ColumnFacts]
) -> bool:
    """Return True if another kind follows from nulls, or from whole numbers in a column of a text file."""
    has_nulls, had_nulls = bool(column.nulls), any(other.nulls for other in others)
    if has_nulls != had_nulls and (
        {*kinds} == {"integer", "float"} or ("boolean" in kinds and column.dtype in ("object", "bool"))
    ):
        return True  # pandas has no nulls in columns of integers and booleans
    is_file = (step.driver or "").startswith("filesystem.")
    return is_file and {*kinds} == {"float", "integer"}


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MAX_NAMED]))
    return shown + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
