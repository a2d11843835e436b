"""A column has no value in any row.

What it finds:
    A column of a step's result without a value in any row, although the step received it with values or creates it.
    Null counts come from the log, or from the Parquet footer of a spilled frame. Blank text, which is empty or only
    spaces, is no value. A column that a source leaves empty is a warning if a next step joins, filters or sums by it, or
    writes it as a key, else a note.

Why it matters:
    A join without matches or a conversion that failed silently creates such a column, and the target receives
    no values.

How to fix:
    Check the join key or the cast that creates the column. A column that is NULL on purpose (`NULL AS x`), or that
    was already empty in the input, is not reported, nor the result of DESCRIBE. Otherwise allow this rule for the step.

Example:
    `shape` returns 300 rows, and `TRY_CAST(email AS DOUBLE) AS amount` has a value in none of them.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.column_uses import (
    ColumnUse,
    find_column_use,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import (
    QUERY_KEYS,
    defines_null,
    query_of,
    renames,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import InputState, Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("empty columns",)
MAX_COLUMNS = 8
MIN_ROWS_IN_USE = 10
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the join key or the cast that creates the column; if it is empty on purpose, allow this rule for the step",
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns without values, at the first step that has them."""
    explained: set[str] = set()
    for step, frame in run.successful_frames():
        if not frame.empty_columns or step.is_masking:
            continue
        query = query_of(step.config)
        if step.id in explained or (query is not None and query.describes):
            continue
        inputs = [run.frames[name] for name in map(_producer, step.inputs) if name in run.frames]
        before = {name for source in inputs for name in _columns_without_values(source)}
        empty = [name for name in frame.empty_columns if not _is_expected(name, step, before)]
        lost = [name for name in empty if any(_has_values(source, name) for source in inputs)]
        if not empty or (frame.rows == 1 and len(frame.empty_columns) < len(frame.columns)):
            continue
        is_new = not lost and (step.is_source or not step.inputs)
        use = _first_use(run, step, empty) if is_new and (frame.rows or 0) >= MIN_ROWS_IN_USE else None
        if use is not None:
            column, (consumer, purpose) = use
            explained.add(consumer.id)
            yield TEMPLATE.finding(
                f"{_message([column], frame, was_lost=False)}, and {consumer.id!r} {purpose}",
                frame_evidence(frame, column),
                step=step.id,
                confidence=Confidence.MEDIUM,
                fix="check the name of the field at the source; if it has no values there, remove it from the next step, or allow this rule for the step",
            )
            continue
        if is_new:  # many sources have a column that is not in use; a column of the type null is worth a note
            empty = [name for name in empty if _type(frame, name) == "null" or _is_blank(frame, name)]
        if not empty:
            continue
        yield TEMPLATE.finding(
            _message(lost or empty, frame, was_lost=bool(lost)),
            frame_evidence(frame, (lost or empty)[0]),
            *(frame_evidence(source, lost[0]) for source in inputs[:2] if lost),
            step=step.id,
            severity=Severity.NOTE if is_new else None,
            confidence=None if lost or is_new else Confidence.MEDIUM,
            fix="check the source; if the column is always empty, leave it out" if is_new else None,
        )


def _first_use(run: Run, step: StepState, columns: Sequence[str]) -> tuple[str, ColumnUse] | None:
    """Return a column that a next step needs, and its use."""
    uses = ((name, find_column_use(run, step, name)) for name in columns[:MAX_COLUMNS])
    return next(((name, use) for name, use in uses if use is not None), None)


def _producer(entry: InputState) -> str:
    return entry.from_step or ""


def _has_values(frame: FrameFacts, name: str) -> bool:
    return frame.column(name) is not None and name not in _columns_without_values(frame)


def _type(frame: FrameFacts, name: str) -> str:
    column = frame.column(name)
    return column.dtype if column is not None else ""


def _is_blank(frame: FrameFacts, name: str) -> bool:
    column = frame.column(name)
    return column is not None and column.is_blank


def _columns_without_values(frame: FrameFacts) -> tuple[str, ...]:
    return frame.empty_columns if frame.rows else tuple(column.name for column in frame.columns)


def _is_expected(name: str, step: StepState, before: set[str]) -> bool:
    """Return True if the column was empty in an input, or is NULL by the query."""
    if name in before:
        return True
    queries = [step.config[key] for key in QUERY_KEYS if isinstance(step.config.get(key), str)]
    return any(
        defines_null(query, name) or any(renames(query, column, name) for column in before)
        for query in queries
    )


def _message(names: Sequence[str], frame: FrameFacts, *, was_lost: bool) -> str:
    columns = ", ".join(map(repr, names[:MAX_COLUMNS]))
    more = f" and {len(names) - MAX_COLUMNS} more columns" if len(names) > MAX_COLUMNS else ""
    reason = ", although the input had some" if was_lost else ""
    rows = frame.rows or 0
    nothing = "only blank text in all" if _is_blank(frame, names[0]) else "no values in any"
    return f"{columns}{more} had {nothing} of {rows:,} row{'s' if rows != 1 else ''}{reason}"
