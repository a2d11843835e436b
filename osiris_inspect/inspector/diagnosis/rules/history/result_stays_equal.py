"""The result of a step stays the same, while its input grows with each run.

What it finds:
    A step that returned equal rows, value by value, in this run and the last ones, at least three, although the rows of all
    its inputs increased each time, by so many that some more rows were to be expected. Of a step without a query it
    reports also a round number of rows. Groups, distinct values and short lists of a query are not reported.

Why it matters:
    A date that is hard coded, a window that does not move, or a limit in the code of a step leaves all new rows out.

How to fix:
    Check the step for a fixed date, a window or a limit. If the result is meant to stay, allow this rule for the step.

Example:
    `recent` returned the same 4,200 rows in the last 5 runs, while its input grew from 9,800 to 11,200 rows.
"""

from collections.abc import Sequence
from itertools import takewhile

from osiris_inspect.inspector.diagnosis.evidence.citations import input_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 3
MIN_EXPECTED = 8
"""Rows by which the result would have grown in proportion to its input; fewer may be missing by chance."""
MIN_PART = 0.5
"""Part of the input from which the rows of a step without a query are probably no groups."""
ROUND = 100
MIN_LISTED = 50
"""Rows of an ordered list from which new rows would get into it."""
_CONSTANT = (
    "group",
    "distinct",
    "having",
    "qualify",
    "pivot",
    "top",
    "intersect",
    "except",
    "sample",
    "min",
    "max",
)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the step for a fixed date, a window or a limit; if the result is meant to stay, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps whose result does not grow with their inputs."""
    comparable = ComparableRuns(run, lineage)
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or not step.inputs or not step.rows_out:
            continue
        grown = _grown(step, comparable.for_step(step.id))
        if len(grown) < MIN_RUNS:
            continue
        same = _equal(run, step, grown)
        is_equal = len(same) >= MIN_RUNS and _should_grow(step)
        if not is_equal and not (query_of(step.config) is None and step.rows_out % ROUND == 0):
            continue
        runs = same if is_equal else grown
        before, now = _input_rows(step, runs[-1]), sum(entry.rows or 0 for entry in step.inputs)
        if step.rows_out * (now / before - 1) < MIN_EXPECTED:
            continue
        yield TEMPLATE.finding(
            f"returned {'the same' if is_equal else 'exactly'} {step.rows_out:,} rows as in the last {len(runs)} runs, "
            f"while its input grew from {before:,} to {now:,} rows",
            *rows_out_evidence(run, step),
            *input_evidence(*step.inputs[:1]),
            step=step.id,
        )


def _grown(step: StepState, earlier: Sequence[EarlierRun]) -> list[EarlierRun]:
    """Return the last runs with as many rows as this one in which each input had fewer rows than in the run after."""
    grown: list[EarlierRun] = []
    after = [entry.rows or 0 for entry in step.inputs]
    for each in earlier:
        rows = [each.rows.get(entry.from_step or "") or 0 for entry in step.inputs]
        is_less = all(0 < one < other for one, other in zip(rows, after, strict=True))
        if each.rows.get(step.id) != step.rows_out or not is_less:
            break
        grown.append(each)
        after = rows
    return grown


def _equal(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> list[EarlierRun]:
    """Return the last runs in which a step returned the same rows as in this one."""
    frame = run.frames.get(step.id)
    own = frame.fingerprint if frame is not None else ""
    frames = ((each, each.frames.get(step.id)) for each in earlier)
    same = takewhile(lambda one: bool(own) and one[1] is not None and one[1].fingerprint == own, frames)
    return [each for each, _ in same]


def _should_grow(step: StepState) -> bool:
    """Return True unless a result may stay although its input grows: groups, distinct values, a top list."""
    query = query_of(step.config)
    if query is None:
        return (step.rows_out or 0) >= MIN_PART * sum(entry.rows or 0 for entry in step.inputs)
    if query.limit is not None and (not query.limit.is_ordered or query.limit.rows < MIN_LISTED):
        return False  # a top list; a limit without an order has a rule of its own
    return not query.has(*_CONSTANT) and not query.aggregates


def _input_rows(step: StepState, earlier: EarlierRun) -> int:
    return sum(earlier.rows.get(entry.from_step or "") or 0 for entry in step.inputs)
