"""Differences from the last successful run, for failures that no rule explains."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from osiris_inspect.inspector.diagnosis.engine import FALLBACK_RULE
from osiris_inspect.inspector.reader.counts.earlier_runs import last_successful_run
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import shorten_middle
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.finding import Finding

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.compare import Comparison, Difference

_MAX_DIFFERENCES: Final = 3
_MAX_VALUE: Final = 60
_EFFECTS: Final = frozenset({"status", "error", "events", "storage", "presence", "verdict"})
"""Aspects that differ because one of the runs failed."""


def with_last_success(run: Run, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Add to the first unexplained failure what was different in the last successful run beside it."""
    position = next((at for at, finding in enumerate(findings) if finding.rule == FALLBACK_RULE), None)
    path = last_successful_run(run) if position is not None else None
    if position is None or path is None:
        return tuple(findings)
    from osiris_inspect.inspector.run.compare import compare  # few runs need it

    try:
        comparison = compare(load(path), run)
    except RunNotReadable:  # it was removed meanwhile
        return tuple(findings)
    changes = [_words(subject, change) for subject, change in islice(_changes(comparison), _MAX_DIFFERENCES)]
    what = "; ".join(changes) if changes else "the same steps, configuration, rows and versions"
    finding = findings[position]
    fix = f"{finding.fix}; compare with {path.name}, the last run that succeeded: {what}"
    return (*findings[:position], replace(finding, fix=fix), *findings[position + 1 :])


def _changes(comparison: "Comparison") -> Iterator[tuple[str, "Difference"]]:
    """Yield what may have caused the failure: first the steps, then the run and its environment."""
    for pair in comparison.steps:
        ran = pair.other is not None and pair.other.status == "succeeded"
        for change in pair.differences:
            is_effect = change.aspect in _EFFECTS or (change.aspect in ("rows out", "schema") and not ran)
            if not is_effect and (ran or (pair.other is not None and pair.other.status == "failed")):
                yield f"step {pair.step!r}, ", change
    for change in (*comparison.run, *comparison.environment):
        if change.aspect not in _EFFECTS:
            yield "", change


def _words(subject: str, change: "Difference") -> str:
    before, now = (shorten_middle(value, _MAX_VALUE) for value in (change.base, change.other))
    return f"{subject}{change.aspect} was {before}, now {now}"
