"""A step received a DataFrame without columns.

What it finds:
    An error in which a DataFrame without columns cannot be used. If exactly one source upstream returned no rows, the
    finding is reported there.

Why it matters:
    An empty file became an empty DataFrame upstream, and the failure appears only here.

How to fix:
    Check the source: the file has 0 bytes or only blank lines.

Example:
    `Need a DataFrame with at least one column`
"""

from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState

SEARCHES = ("errors",)
EXPLAINS = ("query-failed", "column-missing")
_PATTERN = ErrorPattern(
    pattern=(
        r"Need a DataFrame with at least one column"
        r"|No columns to parse from file"
        r"|EmptyDataError[^\n]{0,60}"
        r"|\bis empty; there is not even a header"
    ),
    message="the input had no columns",
    fix="check that the source file is not empty",
    domain="data",
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find frames without columns, at the source that returned them."""
    for finding in _PATTERN.find_all(run):
        source = _empty_source(run, lineage, finding.step or "")
        if source is None:
            yield finding
            continue
        error = finding.message.rpartition(SEPARATOR)[0]
        yield replace(
            finding,
            step=source.id,
            message=f"{error}{SEPARATOR}step {source.id!r}, on which {finding.step!r} depends, returned no rows",
            fix=f"check that the source of step {source.id!r} is not empty",
        )


def _empty_source(run: Run, lineage: Lineage, step: str) -> StepState | None:
    """Return the only step upstream that has no inputs and returned no rows."""
    sources = [
        other
        for other in map(run.step, lineage.upstream(step))
        if other is not None and other.rows_out == 0 and other.status == "succeeded" and not other.inputs
    ]
    return sources[0] if len(sources) == 1 else None
