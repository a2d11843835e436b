"""A step received rows and produced none.

What it finds:
    A step that received rows and completed with 0: a step in the middle of a pipeline, or a writer that
    counted 0 rows itself. As a note: a query for the rows without a partner, or for duplicates, and a
    step that had no rows in an earlier run either. The original logs 0 for every writer in a sandbox, so those are
    ignored, and so are writers that are set not to write (`dry_run: true`, `if_exists: skip`) or logged that the rows
    are unchanged.

Why it matters:
    The run succeeds with an empty result.

How to fix:
    Check the conditions of the query: a filter that matches no row, or a join without matching keys. For a
    writer, check the target.

Example:
    `join-orders` receives 500 and 40 rows and returns 0.
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    event_evidence,
    has_own_row_count,
    row_count_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import SoughtRows, query_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import (
    leaves_out_duplicates,
    writes_nothing,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import messages_of_successful_steps
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Evidence, Severity

NEEDS = ("steps",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "check the filter or the join of the step")
_SOUGHT: Mapping[SoughtRows, tuple[str, str]] = {
    "differences": (
        "rows that differ",
        "nothing, if the rows are meant to agree; otherwise check the columns of both sides",
    ),
    "without partner": (
        "rows without a partner",
        "nothing, if each row is meant to have one; otherwise check the keys of both sides",
    ),
    "duplicates": (
        "keys that occur more than once",
        "nothing, if the keys are meant to be unique; otherwise check the columns of GROUP BY",
    ),
}
"""Rows that are not in good data: what they are, and what to do if there are none."""

_TRUE_FOR_NONE = frozenset(("not-in-with-null", "comparison-with-null"))
_WRITTEN_BEFORE = LazyRegex(
    r"\b(?:unchanged|up[ -]to[ -]date|already|no (?:new |further )?changes?|not (?:modified|changed)|duplicates?|identical|nothing (?:new|to)|no new|dry[ -]?run|exists)\b",
    2,
)
"""A writer logged that its target has the rows, or that it does not write."""


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that received rows and completed with 0; those that did so in an earlier run are worth a note."""
    writers_with_reason: set[str] | None = None
    compared = ComparableRuns(run, lineage)
    for step in run.steps:
        rows_in = step.rows_in or sum(edge.rows_out or 0 for edge in lineage.edges_to(step.id))
        if step.status != "succeeded" or step.rows_out != 0 or not rows_in or _is_explained(run, step):
            continue
        evidence = row_count_evidence(run, step, 0)
        if step.is_writer:
            evidence = evidence or _returned_evidence(run, step)
            if writers_with_reason is None:
                writers_with_reason = _writers_with_reason(run)
            if step.id in writers_with_reason or not _has_counted_only_0(run, step):
                continue
        if evidence:
            message = f"received {rows_in:,} rows and {'wrote' if step.is_writer else 'produced'} 0"
            query = query_of(step.config)
            sought = query.sought_rows if query is not None else None
            if sought is not None:
                text, remedy = _SOUGHT[sought]
                yield TEMPLATE.finding(
                    f"{message}: the query returns only {text}, and there were none",
                    *evidence,
                    step=step.id,
                    severity=Severity.NOTE,
                    fix=remedy,
                )
                continue
            empty_before, runs = (0, 0) if step.is_writer else compared.count_empty(step.id)
            yield TEMPLATE.finding(
                message + (f"; in {empty_before} of the last {runs} runs, too" if empty_before else ""),
                *evidence,
                step=step.id,
                severity=Severity.NOTE if empty_before else None,
                fix="check the target, then the driver" if step.is_writer else None,
            )


def _is_explained(run: Run, step: StepState) -> bool:
    """Return True if a check of the query says that its condition is true for no row."""
    frame = run.frames.get(step.id)
    return frame is not None and any(check.get("check") in _TRUE_FOR_NONE for check in frame.checks)


def _returned_evidence(run: Run, step: StepState) -> tuple[Evidence, ...]:
    """Cite the count that a writer returned, in the event of its end."""
    ends = run.events_named("step_complete", step=step.id)
    if not ends or as_int(ends[-1].fields.get("rows_written")) != 0:
        return ()
    return (event_evidence(ends[-1], "rows_written"),)


def _has_counted_only_0(run: Run, step: StepState) -> bool:
    """Return True if a writer counts its rows itself, and no count of a part of them is above 0."""
    counts = [metric.value or 0 for metric in run.metrics_named("rows_written", step.id)]
    events = run.events_named("step_complete", "write.complete", step=step.id)
    counts += [as_int(event.fields.get("rows_written")) or 0 for event in events]
    return has_own_row_count(run) and not any(counts)


def _writers_with_reason(run: Run) -> set[str]:
    """Return the writers that are configured not to write, or logged why they did not."""
    configured = {
        step.id for step in run.steps if writes_nothing(step.config) or leaves_out_duplicates(step.config)
    }
    logged = {
        step.id
        for step, messages in messages_of_successful_steps(run).values()
        if any(_WRITTEN_BEFORE.search(message.claims) for message in messages)
    }
    return configured | logged
