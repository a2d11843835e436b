"""The outcome of a step in two runs: how it ended, and what it returned."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.failure.signature import FailureSignature, failure_level, failure_signature
from osiris_inspect.model.run_types import OutputLevel

Ending = Literal["succeeded", "failed", "did not run"]
Verdict = Literal["same", "differs", "unknown"]
"""``unknown``: the fingerprints differ, and the difference may be the order of the rows only."""

SAME_LEVELS: Final[tuple[OutputLevel, ...]] = (
    "identical",
    "same rows, other order",
    "same but for rounding",
)
"""Levels of an output that count as the same; the last one within 4 units in the last place."""
_ENDINGS: Final[Mapping[str, Ending]] = {
    "failed": "failed",
    "interrupted": "failed",
    "running": "failed",
    "skipped": "did not run",
    "not_started": "did not run",
}
_ONE_VECTOR: Final = 2_048
"""Rows of an input that DuckDB processes in one thread."""
_FLOAT_TOLERANCE: Final = 1e-12
_UNORDERED: Final = LazyRegex(
    r"(?i)\b(?:group\s+by|distinct|join|union|intersect|except|limit|qualify|any_value|arbitrary|first|last|"
    r"sum|avg|mean|median|quantile\w*|stddev\w*|var_\w+|string_agg|list|array_agg|histogram|mode|using\s+sample|"
    r"pivot|unnest)\b"
)
_RANDOM: Final = LazyRegex(
    r"(?i)\b(?:random|setseed|uuid|gen_random_uuid|using\s+sample|tablesample|now|current_\w+|today|"
    r"get_current_\w+|transaction_timestamp)\b"
)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The outcome of a step in one run.

    Attributes:
        fingerprint, schema_hash: of its frame; empty if the run does not record them.
        columns: a hash of each column by name; empty if the run does not record them.
        frame: counts of its frame; None if unknown.
        failure: None unless it failed.
    """

    step: StepState
    ending: Ending
    fingerprint: str = ""
    schema_hash: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    frame: FrameFacts | None = None
    failure: FailureSignature | None = None


@dataclass(frozen=True, slots=True)
class OutcomeComparison:
    """The outcomes of a step in two runs, compared.

    Attributes:
        level: how close the outputs are; None if they cannot be compared, as of a step that failed.
        changes: what differs, in words: ``rows 2,000 → 0``.
        columns: the columns that ``changes`` name.
        by_rows_only: True if at least one run records no fingerprint of a frame.
    """

    verdict: Verdict
    level: OutputLevel | None = None
    changes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    by_rows_only: bool = False


def step_outcome(run: Run, step: StepState) -> StepOutcome:
    """Return the outcome of a step."""
    ending = _ENDINGS.get(step.status, "succeeded")
    failure = step.failure if ending == "failed" else None
    stored = run.events_named("output_stored", "step_reused", step=step.id)[-1:]
    fields: Mapping[str, Any] = stored[0].fields if stored else {}
    columns = fields.get("column_fingerprints")
    return StepOutcome(
        step,
        ending,
        _text(fields.get("fingerprint")),
        _text(fields.get("schema_hash")),
        columns if isinstance(columns, Mapping) else {},
        run.frames.get(step.id),
        failure_signature(failure.message, failure.type, failure.traceback) if failure else None,
    )


def compare_outcomes(
    base: StepOutcome,
    other: StepOutcome,
    level: OutputLevel | None = None,
    *,
    is_stable: bool = False,
    is_unstable: bool = False,
) -> OutcomeComparison:
    """Return how two outcomes of one step differ.

    ``level`` is the level of the two frames, if they were compared on disk. ``is_stable`` is True if the step returns its
    rows in the same order each time, ``is_unstable`` if it is known to return other values each time.
    """
    if base.ending != other.ending:
        return OutcomeComparison("differs", changes=(f"{_ending(base)} → {_ending(other)}",))
    if base.ending == "did not run":
        return OutcomeComparison("same")
    if base.failure is not None and other.failure is not None:
        level_of_failure = failure_level(base.failure, other.failure)
        is_other = level_of_failure == "other failure"
        return OutcomeComparison(
            "differs" if is_other else "same", changes=(level_of_failure,) if is_other else ()
        )
    return _compare_outputs(base, other, level, is_stable=is_stable, is_unstable=is_unstable)


def _compare_outputs(
    base: StepOutcome, other: StepOutcome, level: OutputLevel | None, *, is_stable: bool, is_unstable: bool
) -> OutcomeComparison:
    has_fingerprints = bool(base.fingerprint and other.fingerprint)
    if has_fingerprints and base.fingerprint == other.fingerprint:
        return OutcomeComparison("same", "identical")
    shape = tuple(_shape_changes(base, other))
    if not has_fingerprints and level is None:
        is_frame = not (base.step.is_writer and other.step.is_writer)
        return _named("differs" if shape else "same", None, shape, by_rows_only=is_frame)
    if (level in SAME_LEVELS or is_unstable) and not shape:
        return OutcomeComparison("same", level or "same shape")
    content = () if is_unstable else tuple(_content_changes(base.frame, other.frame))
    found: OutputLevel = level or ("other" if shape else "same shape")
    if shape or content:
        return _named("differs", found, (*shape, *content))
    if level is not None or is_stable:
        changed = tuple(_changed_columns(base, other))
        words = tuple(f"values of {name!r}" for name in changed) or ("values in the same number of rows",)
        return OutcomeComparison("differs", found, words, changed)
    return OutcomeComparison("unknown", found, ("output differs, order unknown",))


def _changed_columns(base: StepOutcome, other: StepOutcome) -> Iterator[str]:
    for name, fingerprint in base.columns.items():
        if other.columns.get(name, fingerprint) != fingerprint:
            yield name


def is_order_stable(base: StepState, other: StepState, *, has_same_versions: bool) -> bool:
    """Return True if a step with the same inputs returns the same rows in the same order each time.

    Readers of files do. A query does if it only filters and computes, or if its inputs are so small that one thread
    processes them; never one that uses random numbers or the time.
    """
    driver = base.driver or ""
    if driver.startswith("filesystem.") and base.is_source:
        return True
    if driver != "duckdb.processor" or other.driver != driver:
        return False
    queries = [step.config.get("query") for step in (base, other)]
    texts = [query for query in queries if isinstance(query, str)]
    if len(texts) < len(queries) or any(_RANDOM.search(text) for text in texts):
        return False
    inputs = [entry.rows for step in (base, other) for entry in step.inputs]
    is_small = has_same_versions and all(rows is not None and rows <= _ONE_VECTOR for rows in inputs)
    return bool(inputs) and (is_small or not any(_UNORDERED.search(text) for text in texts))


def _named(
    verdict: Verdict,
    level: OutputLevel | None,
    changes: tuple[tuple[str, str], ...],
    *,
    by_rows_only: bool = False,
) -> OutcomeComparison:
    words = tuple(dict.fromkeys(words for words, _ in changes))
    columns = tuple(dict.fromkeys(column for _, column in changes if column))
    return OutcomeComparison(verdict, level, words, columns, by_rows_only)


def _shape_changes(base: StepOutcome, other: StepOutcome) -> Iterator[tuple[str, str]]:
    """Yield the changes of rows, columns and types, each with the column that it names."""
    left, right = base.step.rows_out, other.step.rows_out
    if left is not None and right is not None and left != right:
        yield f"rows {left:,} → {right:,}", ""
    if base.frame is None or other.frame is None or not base.frame.columns or not other.frame.columns:
        return
    before, after = ({column.name: column for column in frame.columns} for frame in (base.frame, other.frame))
    for name in [*before, *after]:
        if name not in after:
            yield f"column {name!r} is gone", name
        elif name not in before:
            yield f"column {name!r} is new", name
        elif before[name].dtype != after[name].dtype:
            yield f"type of {name!r} {before[name].dtype or '?'} → {after[name].dtype or '?'}", name
    if list(before) != list(after) and set(before) == set(after):
        yield "order of columns", ""


def _content_changes(base: FrameFacts | None, other: FrameFacts | None) -> Iterator[tuple[str, str]]:
    """Yield the changes of counts that do not depend on the order of the rows."""
    if base is None or other is None:
        return
    for left in base.columns:
        right = other.column(left.name)
        if right is not None and left.dtype == right.dtype:
            for words in _column_changes(left, right, (base.rows, other.rows)):
                yield f"{words} of {left.name!r}", left.name


def _column_changes(
    left: ColumnFacts, right: ColumnFacts, rows: tuple[int | None, int | None]
) -> Iterator[str]:
    if left.nulls is not None and right.nulls is not None and left.nulls != right.nulls:
        yield f"{pluralize(left.nulls, 'null')} → {right.nulls:,}"
    is_float = kind_of(left.dtype) == "float"
    for noun, before, after in (
        ("smallest value", left.low, right.low),
        ("largest value", left.high, right.high),
    ):
        if before is not None and after is not None and not _is_equal(before, after, is_float=is_float):
            yield noun
    counts = [sum(column.values.values()) + (column.nulls or 0) for column in (left, right)]
    if left.values and right.values and tuple(counts) == rows and left.values != right.values:
        yield "values"


def _is_equal(left: str, right: str, *, is_float: bool) -> bool:
    if left == right or not is_float:
        return left == right
    try:
        return math.isclose(float(left), float(right), rel_tol=_FLOAT_TOLERANCE, abs_tol=0.0)
    except ValueError:
        return False


def _ending(outcome: StepOutcome) -> str:
    rows = outcome.step.rows_out
    if outcome.ending == "succeeded" and rows is not None:
        return f"succeeded ({pluralize(rows, 'row')})"
    return outcome.step.status if outcome.ending == "failed" else outcome.ending


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
