"""The keys of a join are written in different ways.

What it finds:
    A join in which at least a tenth of the rows has no partner, and most of their keys would have one if both sides were
    written alike: in one case, without spaces, leading zeros, punctuation, accents or a time of day.

Why it matters:
    Keys that differ in form do not match. An inner join loses the rows, and a left join leaves the columns of the other
    side empty.

How to fix:
    Convert the keys of both sides to one form before they are compared. If they are different keys, allow this rule for
    the step.

Example:
    In `join-orders` 800 of 1,000 rows of `orders` have no partner; without leading zeros all of their keys do.
"""

from collections.abc import Mapping

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_checks import checks_named
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("join-keys-differ-in-form",)
EXPLAINS = ("column-all-null", "fallback-in-all-rows", "differs-from-earlier-runs", "values-missing-or-new")
LEADS_TO = ("input-without-rows",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", "", Confidence.MEDIUM)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find joins whose keys match only in another form."""
    for join in checks_named(run, "join-keys-differ-in-form"):
        counted = join.facts.get("unmatched_would_match")
        counts = (
            {str(form): as_int(count) or 0 for form, count in counted.items()}
            if isinstance(counted, Mapping)
            else {}
        )
        if not counts:
            continue
        form = max(counts, key=lambda name: counts[name])
        yield TEMPLATE.finding(
            f"{join.count('unmatched'):,} of {join.count('rows'):,} rows of {join.text('table')!r} found no partner in "
            f"{join.text('partner')!r}; {counts[form]:,} of {join.count('keys'):,} keys would match if they did not differ in {form}",
            join.evidence,
            step=join.step,
            fix=f"convert the keys of both sides to one form, they differ in {form}; if they are different keys, allow this rule for the step",
        )
