"""The same rows are in a result twice, because two inputs are equal.

What it finds:
    A union of two inputs of ten or more rows with equal values, or two writers that append frames with equal values to
    one target.

Why it matters:
    Two extractors read the same file or table, because a path or a name was copied. The rows of one are in the result
    twice, and those of the other are missing.

How to fix:
    Correct the path, the table or the query of one of the extractors. If the inputs are equal on purpose, allow this
    rule for the step.

Example:
    `january` and `february` return the same 300 rows, and `all-orders` unites them.
"""

from collections.abc import Iterator
from itertools import combinations

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import (
    adds_rows,
    leaves_out_duplicates,
    writer_target,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("inputs_resolved",)
MIN_ROWS = 10
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "correct the path, the table or the query of one of them; if they are equal on purpose, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find equal frames that a step unites or that writers append to one target."""
    found = set()
    for one, other, reason in (*_united(run), *_appended(run)):
        pair = _sources(run, lineage, one, other)
        frames = [run.frames[name] for name in pair]
        if pair not in found:
            found.add(pair)
            yield TEMPLATE.finding(
                f"returned the same {frames[1].rows:,} rows as {pair[0]!r}; {reason}",
                *(frame_evidence(frame, frame.fingerprint) for frame in frames),
                step=pair[1],
            )


def _united(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield the equal inputs of each step that unites its inputs."""
    for step in run.steps:
        if step.status == "succeeded" and not step.is_writer and _unites(step):
            origins = list(dict.fromkeys(entry.from_step for entry in step.inputs if entry.from_step))
            for one, other in combinations(origins, 2):
                if _are_equal(run, one, other):
                    yield one, other, f"{step.id!r} unites both, so these rows are in its result twice"


def _unites(step: StepState) -> bool:
    query = query_of(step.config)
    return query is not None and query.has("union") and not query.has("join", "except", "intersect", "minus")


def _appended(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield the equal frames that two writers append to one target."""
    writers = [step for step in run.steps if step.is_writer and step.status == "succeeded"]
    writers = [step for step in writers if adds_rows(step.config) and not leaves_out_duplicates(step.config)]
    for first, second in combinations(writers, 2):
        target = writer_target(first.config)[1]
        if target is None or target != writer_target(second.config)[1]:
            continue
        for one in first.inputs:
            for other in second.inputs:
                if (
                    one.from_step
                    and other.from_step
                    and one.from_step != other.from_step
                    and _are_equal(run, one.from_step, other.from_step)
                ):
                    reason = f"{first.id!r} and {second.id!r} append both to {target[-1]!r}"
                    yield one.from_step, other.from_step, reason


def _are_equal(run: Run, one: str, other: str) -> bool:
    first, second = run.frames.get(one), run.frames.get(other)
    if first is None or second is None or (first.rows or 0) < MIN_ROWS:
        return False
    return bool(first.fingerprint) and first.fingerprint == second.fingerprint


def _sources(run: Run, lineage: Lineage, one: str, other: str) -> tuple[str, str]:
    """Return the extractors that made two equal frames if theirs are equal too, else the steps themselves."""
    for first in (one, *lineage.upstream(one)):
        for second in (other, *lineage.upstream(other)):
            steps = run.step(first), run.step(second)
            are_sources = all(step is not None and step.is_source for step in steps)
            if first != second and are_sources and _are_equal(run, first, second):
                return first, second
    return one, other
