"""Rows of one word are in several groups, because its spelling varies.

What it finds:
    A query that groups by a column of text, or selects its different values, where some values differ only in case, or
    in spaces at their ends. Codes that mix upper and lower case are not compared.

Why it matters:
    A name has several groups, and the figures of each are too small.

How to fix:
    Group by `lower(trim(column))`. If the values are different, allow this rule for the step.

Example:
    `GROUP BY city`, and the rows have Brno and BRNO.
"""

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("groups-split-by-spelling",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "group by lower(trim(column)); if the values are different, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find groups that differ only in spelling."""
    for found in checks_named(run, "groups-split-by-spelling"):
        groups = found.count("groups")
        name = "value" if groups == 1 else "values"
        yield TEMPLATE.finding(
            f"{found.text('column')!r} has {groups:,} {name} in several spellings (they differ in {' and '.join(found.texts('differ_in'))}), "
            f"so {found.count('rows'):,} rows are in a group of their own",
            found.evidence,
            step=found.step,
        )
