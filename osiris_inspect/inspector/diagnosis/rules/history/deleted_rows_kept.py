"""Rows that are no longer in the source stay in the target of an upsert.

What it finds:
    A source that returned nearly equally many rows in the last runs and now 5 % fewer or more, but not less than half, and a
    writer that takes its rows and only inserts and updates. A source that reads a period or changes is not reported. At least
    three earlier runs with the same settings are needed.

Why it matters:
    An upsert never deletes: the target keeps rows that were deleted at the source.

How to fix:
    Delete the rows in the target that are not in the source, or write with replace. If the target is to keep them, allow
    this rule for the step.

Example:
    `load` upserts the 240 rows of `assets`, which returned 300 in each of the last 3 runs; 60 rows stay in the table.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import config_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    without_dates,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_key
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity
from osiris_inspect.model.run_layout import is_safe_name

NEEDS = ("configuration",)
MIN_RUNS = 3
MIN_ROWS = 20
MAX_SPREAD = 1.02
"""Earlier runs read all rows if the largest of their counts is at most this many times the smallest."""
MIN_PART, MAX_PART = 0.5, 0.95
"""Part of the usual rows; fewer than half of them are reported by another rule."""
_PERIOD = LazyRegex(
    r"\b(?:since|watermark|incremental|interval|now|current_date|current_timestamp|today|where|limit|cursor|delta)\b|_(?:at|ts)\b",
    2,
)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "delete the rows in the target that the source no longer has; if it is to keep them, allow this rule for the step",
    Confidence.LOW,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find upserts of sources that have lost rows."""
    comparable = ComparableRuns(run, lineage)
    for writer in run.steps:
        mode = str(writer.config.get("write_mode") or writer.config.get("mode") or "").lower()
        source = run.step(writer.inputs[0].from_step or "") if len(writer.inputs) == 1 else None
        if source is None or mode not in ("upsert", "merge") or not is_safe_name(writer.id):
            continue
        if writer.status != "succeeded" or not source.rows_out or not _reads_all(source):
            continue
        before = [each.rows.get(source.id) or 0 for each in comparable.for_step(source.id)]
        if len(before) < MIN_RUNS or min(before) < MIN_ROWS or max(before) > MAX_SPREAD * min(before):
            continue
        if MIN_PART * min(before) < source.rows_out <= MAX_PART * min(before):
            usual = f"{before[0]:,}" if min(before) == max(before) else f"{min(before):,} to {max(before):,}"
            yield TEMPLATE.finding(
                f"upserted the {source.rows_out:,} rows of {source.id!r}, which returned {usual} in the last {len(before)} runs: "
                f"if rows were deleted at the source, about {before[0] - source.rows_out:,} stay in the target",
                config_evidence(writer.id, "write_mode" if "write_mode" in writer.config else "mode"),
                *rows_out_evidence(run, source),
                step=writer.id,
            )


def _reads_all(source: StepState) -> bool:
    """Return True if a source does not seem to read a period or the changed rows."""
    query = source.config.get(query_key(source.config))
    text = query[:2000] if isinstance(query, str) else ""
    return source.is_source and without_dates(text) == text and not _PERIOD.search(text)
