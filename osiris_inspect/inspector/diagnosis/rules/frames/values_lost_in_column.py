"""A step lost many values of a column.

What it finds:
    A step that returns as many rows as it received, and a column that had values in nearly all rows and has none in many
    of them; without SQL also a column that had many values and has one, that had a few and has one of another type, as
    after `bool('no')`, or that is made of such a column (`is_active` of `active`). With SQL only for conversions that return NULL instead of failing (`TRY_CAST`, `try_strptime`), also if the
    result has another name: the worker counts the values that they do not convert. A few such values are reported if they are numbers or dates
    in another form: with a separator of thousands, a decimal comma, a currency, the day first.

Why it matters:
    A conversion that turns what it cannot read into nothing loses values without an error: numbers with a unit or a
    decimal comma, dates in another format.

How to fix:
    Look at the values of the column in the input and convert all of their forms. If the values are removed on purpose,
    allow this rule for the step.

Example:
    `shape` returns 300 rows; `amount` has a value in 180 of them, and in 300 of its input.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
EXPLAINS = ("operand-without-value",)
MIN_ROWS = 10
MAX_SHARE_BEFORE = 0.05
MIN_SHARE_AFTER = 0.2
MIN_ROWS_OF_ONE = 20
DATE_LENGTH = 10
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "convert all forms of the values; if they are removed on purpose, allow this rule for the step",
    Confidence.MEDIUM,
)

_FORMS = {
    "thousands separator": (
        "a separator of thousands, as in 1,234.50",
        "remove the separators of thousands before the conversion, for example with replace()",
    ),
    "decimal comma": (
        "a decimal comma, as in 12,50",
        "replace the decimal comma by a point before the conversion",
    ),
    "currency": (
        "a currency, as in € 12.50",
        "remove the currency before the conversion, and check that it is one",
    ),
    "percent sign": ("a percent sign", "remove the percent sign before the conversion, and divide by 100"),
    "parentheses": (
        "parentheses, as in (12.50) for -12.50",
        "replace the parentheses by a minus sign before the conversion",
    ),
    "minus sign at the end": (
        "the minus sign at the end, as in 12.50-",
        "move the minus sign before the conversion",
    ),
    "unit": (
        "a unit, as in 12 kg",
        "remove the unit before the conversion, and convert all values to one unit",
    ),
    "day or month first": (
        "the day or the month before the year, as in 31.12.2026",
        "convert them with their own format, for example strptime(value, '%d.%m.%Y')",
    ),
    "year first": (
        "the year first, as in 2026-12-31",
        "convert them with their own format, for example strptime(value, '%Y-%m-%d')",
    ),
    "no separators": (
        "no separators, as in 20261231",
        "convert them with their own format, for example strptime(value, '%Y%m%d')",
    ),
    "name of the month": (
        "the name of the month",
        "convert them with their own format, for example strptime(value, '%d %b %Y')",
    ),
}
"""For the form of the lost values: its text for the message, and the remedy."""
_MADE_OF = LazyRegex(
    r"^(?:is|has|was)_|_(?:flag|bool|boolean|num|numeric|number|int|float|parsed|clean|cleaned|converted|norm)$",
    2,
)
"""Prefixes and suffixes that make the name of a column that of its converted values."""
_HAPPENED = LazyRegex(
    r"(?:^|_)(?:creat|order|join|register|sign|sold|purchas|paid|pay|ship|deliver|invoic|birth|born|start|end|due|hire|book|visit|login|clos|open|occur|event|happen|sent|receiv)",
    2,
)
_UPDATED = LazyRegex(
    r"updat|modif|chang|sync|load|process|extract|ingest|import|export|run|refresh|fetch|scrap|snapshot|as_of|etl|insert|batch|report|valid|export|seen",
    2,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns that lost values in a step with one input."""
    for step, frame in run.successful_frames():
        source = run.frames.get(step.inputs[0].from_step or "") if len(step.inputs) == 1 else None
        lost = next((one for one in frame.checks if one.get("check") == "values-lost"), None)
        if lost is not None:
            is_empty = lost.get("lost") == lost.get("values") and frame.empty_columns
            if not is_empty:  # another rule reports columns without any value
                form, of_form = str(lost.get("form") or ""), as_int(lost.get("of_form")) or 0
                text, remedy = _FORMS.get(form, ("", None))
                yield TEMPLATE.finding(
                    f"converted {as_int(lost.get('lost')) or 0:,} of {as_int(lost.get('values')) or 0:,} values of {str(lost.get('column'))!r} to NULL"
                    + (f"; {of_form:,} of them have {text}" if text and of_form else ""),
                    frame_evidence(frame, "values-lost"),
                    step=step.id,
                    fix=remedy and f"{remedy}; if they are removed on purpose, allow this rule for the step",
                )
            continue
        if source is None or not _may_convert(step):
            continue
        rows = frame.rows or 0
        if rows < MIN_ROWS or rows != source.rows:
            continue
        collapsed = _collapsed_column(step, source, frame)
        if collapsed is not None:
            result, origin = collapsed
            of_input = "in its input" if origin.name == result.name else f"in {origin.name!r} of its input"
            yield TEMPLATE.finding(
                f"{result.name!r} has one value in all {rows:,} rows, and {'many' if origin.distinct == 'many' else 'several'} {of_input}",
                frame_evidence(frame, result.name),
                frame_evidence(source, origin.name),
                step=step.id,
                fix="check what the step does to the column: bool('no') is true, and errors='coerce' with fillna hides what is not converted; if one value is intended, allow this rule for the step",
            )
            continue
        for column in frame.columns:
            before = source.column(column.name)
            if before is None or before.nulls is None or column.nulls is None:
                continue
            if before.nulls <= MAX_SHARE_BEFORE * rows and MIN_SHARE_AFTER * rows <= column.nulls < rows:
                yield TEMPLATE.finding(
                    f"{column.name!r} has a value in {rows - column.nulls:,} of {rows:,} rows, and in {rows - before.nulls:,} of its input",
                    frame_evidence(frame, column.name),
                    frame_evidence(source, column.name),
                    step=step.id,
                )
                break


def _collapsed_column(
    step: StepState, source: FrameFacts, frame: FrameFacts
) -> tuple[ColumnFacts, ColumnFacts] | None:
    """Return a column to which a driver gave one value, and the column of several values that it was made of.

    None if there is none, or the step masks values.
    """
    is_query = query_of(step.config) is not None
    if is_query or (frame.rows or 0) < MIN_ROWS_OF_ONE or step.is_masking:
        return None
    for column in frame.columns if any(column.distinct == 1 for column in frame.columns) else ():
        before = source.column(column.name) or source.column(
            _MADE_OF.sub(lambda _match: "", column.name[:100])
        )
        if column.distinct == 1 and before is not None and _has_collapsed(before, column):
            return column, before
    return None


def _has_collapsed(before: ColumnFacts, after: ColumnFacts) -> bool:
    """Return True if a column of several values has one value, not the time of the run or a constant of its type."""
    kinds = kind_of(before.dtype), kind_of(after.dtype)
    if kinds[1] == "time":
        is_event = (
            _HAPPENED.search(after.name[:100]) is not None and _UPDATED.search(after.name[:100]) is None
        )
        is_period = before.low is not None and before.high is not None and before.low[:10] != before.high[:10]
        is_now = after.low is not None and not after.low.endswith("00:00:00") and len(after.low) > DATE_LENGTH
        is_varied = before.distinct in ("few", "many") and kinds[0] in ("time", "text")
        return is_event and is_varied and (is_period or is_now)
    if before.name == after.name and before.distinct == "many":
        return True
    is_converted = kinds[0] in ("text", "integer", "float") and kinds[1] in ("boolean", "integer", "float")
    return before.distinct in ("few", "many") and is_converted and kinds[0] != kinds[1]


def _may_convert(step: StepState) -> bool:
    query = query_of(step.config)
    return query is None or query.has("try_cast", "try_strptime", "try")
