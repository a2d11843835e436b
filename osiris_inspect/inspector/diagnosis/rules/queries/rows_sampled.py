"""A query reads only some rows of its inputs.

What it finds:
    A query with a sample (`USING SAMPLE 10 PERCENT`), or with a LIMIT without an order in a subquery or in WITH, unless
    the name of the step says that it makes a sample, a preview or a test.

Why it matters:
    A sample that made a query fast while it was written stays in it, and all figures above it are too small.

How to fix:
    Remove it. If the step is meant to read a sample, allow this rule for the step.

Example:
    `WITH src AS (SELECT * FROM df_flights LIMIT 200) SELECT carrier, count(*) FROM src GROUP BY carrier`
"""

from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("rows-sampled",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "remove it; if the step is meant to read a sample, allow this rule for the step",
    Confidence.MEDIUM,
)
_MEANT: Final = LazyRegex(r"(?i:sampl|preview|peek|head|check|test|example|debug|(?:^|[_-])qa(?:[_-]|$))")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find queries that read a sample of their inputs."""
    for part in checks_named(run, "rows-sampled"):
        if not _MEANT.search(part.step):
            yield TEMPLATE.finding(
                f"its query reads only some of the rows: {part.text('part')!r}",
                part.evidence,
                step=part.step,
            )
