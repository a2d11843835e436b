"""The rows of a source grew with each run and stop at a round number.

What it finds:
    A source that returned exactly 1,000, 5,000, 10,000, 50,000 or 100,000 rows, while the runs before had fewer, more in
    each run, and the last of them nearly as many. At least three earlier runs with the same settings are needed.

Why it matters:
    Services return at most so many rows and do not say that there are more.

How to fix:
    Read the source in pages or in smaller periods. If it really has so many rows, allow this rule for the step.

Example:
    `contacts` returned 10,000 rows in this run and in the last one, and 9,412 and 9,806 in the runs before.
"""

from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
MIN_RUNS = 3
MIN_PART = 0.9
"""Part of the round number that the last run before it had."""
ROUND_NUMBERS = frozenset({1000, 5000, 10_000, 50_000, 100_000})
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "read the source in pages or in smaller periods; if it really has so many rows, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources whose rows stopped growing at a round number."""
    comparable = ComparableRuns(run, lineage)
    for step in run.steps:
        rows = step.rows_out
        if step.status != "succeeded" or not step.is_source or rows not in ROUND_NUMBERS:
            continue
        query = query_of(step.config)
        if query is not None and query.limits:
            continue  # another rule reports a limit of the query
        earlier = [each.rows.get(step.id) or 0 for each in comparable.for_step(step.id)]
        same = next((number for number, count in enumerate(earlier) if count != rows), len(earlier))
        before = earlier[same:]
        has_grown = len(before) > 1 and all(new > old > 0 for new, old in pairwise(before))
        if len(earlier) >= MIN_RUNS and has_grown and MIN_PART * rows <= before[0] < rows:
            runs = f"in this run and in the last {same} runs" if same > 1 else "in this run"
            runs = "in this run and in the last one" if same == 1 else runs
            yield TEMPLATE.finding(
                f"returned exactly {rows:,} rows {runs}, and {before[1]:,} and {before[0]:,} in the runs before: "
                "the source probably returns no more than that",
                *rows_out_evidence(run, step),
                step=step.id,
            )
