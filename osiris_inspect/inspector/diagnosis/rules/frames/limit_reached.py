"""A step returned exactly as many rows as its limit allows.

What it finds:
    A query with a LIMIT, TOP or FETCH FIRST, or a step with a key such as `limit` or `max_rows`, that returned exactly
    that number of rows; and a source that returned 65,535, 65,536, 1,048,575 or 1,048,576 rows, the most rows of a sheet; and a
    step without a query that returned the first 100 of numbered rows, or another round number. A short ordered list (`ORDER BY … LIMIT 10`) is not reported, nor a step or target named `preview` or `sample`.

Why it matters:
    A limit that was set for a test cuts off the other rows, and the run succeeds.

How to fix:
    Remove the limit. If the step is meant to take only so many rows, allow this rule for the step.

Example:
    `SELECT * FROM records LIMIT 1000` returned 1,000 rows.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import (
    LIMIT_KEYS,
    QueryText,
    RowLimit,
    query_key,
    query_of,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
PAGE_SIZES = frozenset({1000, 5000, 10_000, 50_000, 100_000})
"""Usual limits of queries and of the answers of services; PostgREST returns at most 1,000 rows by default."""
HEAD_SIZES = PAGE_SIZES | {10, 50, 100, 200, 500}
SHEET_SIZES = frozenset({65_535, 65_536, 1_048_575, 1_048_576})
"""The most rows of a sheet of a spreadsheet, of old and of new files, with and without the header."""
MAX_TOP_LIST = 500
"""A shorter list that is ordered has a limit on purpose."""
_WHOLE = LazyRegex(r"\d{1,18}")
_MEANT = LazyRegex(r"(?i:top|sampl|preview|peek|head|first|best|largest|limit|page|latest|recent|newest)")
_PART = LazyRegex(
    r"(?:^|[-_ ./@])(?:top(?:[-_ ]?\d{1,6})?|sampled?|samples|previews?|teaser|excerpt|examples?|first[-_ ]?\d{1,6})(?:[-_ .\d]|$)",
    2,
)
"""A name of a part of the rows."""
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "remove the limit; if the step is meant to take only so many rows, allow this rule for it",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that returned exactly as many rows as they may."""
    for step in run.steps:
        if _may_be_page(run, step):
            yield TEMPLATE.finding(
                f"returned exactly {step.rows_out:,} rows, a usual limit of queries; the run does not record its query",
                *rows_out_evidence(run, step),
                step=step.id,
                confidence=Confidence.LOW,
                fix="check the query of the step for a limit; if there is none, allow this rule for the step",
            )
        if step.is_source and step.status == "succeeded" and step.rows_out in SHEET_SIZES:
            yield TEMPLATE.finding(
                f"returned exactly {step.rows_out:,} rows, the most that a sheet of a spreadsheet can have",
                *rows_out_evidence(run, step),
                step=step.id,
                fix="check whether the source has more rows, and export it as CSV; else allow this rule for the step",
            )
            continue
        if _may_be_head(run, step):
            yield TEMPLATE.finding(
                f"returned the first {step.rows_out:,} of {step.rows_in or 0:,} rows",
                *rows_out_evidence(run, step),
                step=step.id,
                confidence=Confidence.LOW,
                fix="check the step for head() or sample(); if it is meant to take only so many rows, allow this rule for it",
            )
            continue
        key, limit = _limit(step)
        if step.status != "succeeded" or step.is_writer or not limit or step.rows_out != limit:
            continue
        if _is_named_part(run, step):
            continue
        if (
            any(entry.rows is not None and entry.rows <= limit for entry in step.inputs)
            and not step.is_source
        ):
            continue
        if is_safe_name(step.id):
            yield TEMPLATE.finding(
                f"returned {limit:,} rows, exactly its limit, so rows of the source are probably missing",
                config_evidence(step.id, key),
                *rows_out_evidence(run, step),
                step=step.id,
            )


def _may_be_page(run: Run, step: StepState) -> bool:
    """Return True if a query of unknown text returned a usual limit of rows; a file may have any number of lines."""
    is_file = (step.driver or "").startswith("filesystem.")
    is_query = step.is_source and not is_file and run.dialect == "native"
    return is_query and not step.config and step.status == "succeeded" and step.rows_out in PAGE_SIZES


def _may_be_head(run: Run, step: StepState) -> bool:
    """Return True if a step without a query took the first rows of its input, and a round number of them.

    The rows are numbered: a column counts those of the input, and its first numbers are in the result.
    """
    frame, sources = run.frames.get(step.id), run.input_frames(step)
    if frame is None or len(sources) != 1 or query_of(step.config) is not None or step.status != "succeeded":
        return False
    is_round = step.rows_out in HEAD_SIZES and not step.is_writer and not _MEANT.search(step.id[:100])
    if not is_round or [one.name for one in frame.columns] != [one.name for one in sources[0].columns]:
        return False
    pairs = zip(frame.columns, sources[0].columns, strict=True)
    return any(
        _counts_rows(before, sources[0].rows) and _counts_rows(one, frame.rows) and one.low == before.low
        for one, before in pairs
    )


def _counts_rows(column: ColumnFacts, rows: int | None) -> bool:
    """Return True if a column has as many whole numbers between its ends as there are rows, such as 1 to 240."""
    low, high = column.low or "", column.high or ""
    is_whole = _WHOLE.fullmatch(low) is not None and _WHOLE.fullmatch(high) is not None
    return is_whole and bool(rows) and int(high) - int(low) + 1 == rows


def _is_named_part(run: Run, step: StepState) -> bool:
    """Return True if a step, or each file or table that takes its rows, is named after a part of the rows."""
    if _PART.search(step.id[:100]):
        return True
    next_steps = [other for other in run.steps if any(entry.from_step == step.id for entry in other.inputs)]
    targets = [
        str(next((other.config[key] for key in ("path", "table") if key in other.config), other.id))
        for other in next_steps
    ]
    return bool(targets) and all(_PART.search(target.rsplit("/", 1)[-1][:100]) for target in targets)


def _limit(step: StepState) -> tuple[str, int | None]:
    """Return the key and the limit of a step's rows; None if it has none, or a short list on purpose."""
    query = query_of(step.config)
    limit = query.limit or _inner_limit(query, step) if query is not None else None
    if limit is not None:
        is_top_list = limit.is_ordered and limit.rows <= MAX_TOP_LIST
        return query_key(step.config), None if is_top_list or limit.rows == 1 else limit.rows
    keys = [key for key in LIMIT_KEYS if as_int(step.config.get(key)) is not None]
    return (keys[0], as_int(step.config[keys[0]])) if keys else ("", None)


def _inner_limit(query: QueryText, step: StepState) -> RowLimit | None:
    """Return the limit of the only rows that an extractor reads, in WITH or a subquery, if it has the step's rows."""
    if not step.is_source or query.has("join"):
        return None
    return next((limit for limit in query.limits if limit.rows == step.rows_out), None)
