"""Differences from the last successful run, for failures that no rule explains."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from osiris_inspect.inspector.diagnosis.engine import FALLBACK_RULE
from osiris_inspect.inspector.reader.counts.earlier_runs import last_successful_run
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.finding import Finding

_MAX_DIFFERENCES: Final = 3
_MAX_WORDS: Final = 120


def with_last_success(run: Run, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Add to the first unexplained failure what was different in the last successful run beside it."""
    position = next((at for at, finding in enumerate(findings) if finding.rule == FALLBACK_RULE), None)
    path = last_successful_run(run) if position is not None else None
    if position is None or path is None:
        return tuple(findings)
    from osiris_inspect.inspector.analysis.diff import diff_runs  # few runs need it
    from osiris_inspect.inspector.run.comparison.diff_words import difference_name, difference_words

    try:
        diff = diff_runs(load(path), run)
    except RunNotReadable:  # it was removed meanwhile
        return tuple(findings)
    changes = [
        f"{difference_name(ranked)}: {difference_words(ranked, _MAX_WORDS)}"
        for ranked in diff.ranked[:_MAX_DIFFERENCES]
    ]
    what = "; ".join(changes) if changes else "the same steps, configuration, rows and versions"
    finding = findings[position]
    fix = f"{finding.fix}; compare with {path.name}, the last run that succeeded: {what}"
    return (*findings[:position], replace(finding, fix=fix), *findings[position + 1 :])
