"""Links of a failure with the warning about an earlier step that caused it.

A rule declares in ``LEADS_TO`` the failures that its finding can cause. The facts of the run must agree: a failure about
an empty input follows only from a step that returned 0 rows, one about a duplicate key only from rows that occur more
than once and that no step between reduces.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.repeated_keys import is_duplicate
from osiris_inspect.inspector.diagnosis.rule import Rule
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import shorten_middle
from osiris_inspect.model.finding import Confidence, Finding, Severity

_MAX_ERROR = 160
"""Characters of the failure in the message of its cause."""
_IF_INTENDED = "; if "
"""Before the part of a remedy for data that is as intended, which a failure excludes."""

Group = tuple[Finding, ...]


def link_upstream_warnings(
    groups: Iterable[Sequence[Finding]], rules: Iterable[Rule], run: Run, lineage: Lineage
) -> list[Group]:
    """Return groups of a cause and its consequences in which a failure follows the warning that led to it."""
    linked = [tuple(group) for group in groups]
    effects = {rule.id: frozenset(rule.leads_to) for rule in rules if rule.leads_to}
    warnings = [
        group
        for group in linked
        if group[0].severity == Severity.WARNING and group[0].step and group[0].rule in effects
    ]
    for group in warnings:
        caused = [
            each
            for each in linked
            if each[0].severity == Severity.ERROR
            and each[0].rule in effects[group[0].rule]
            and _leads_to(group[0], each[0], run, lineage)
        ]
        if caused:
            place = linked.index(caused[0])
            linked[place] = _joined(group, caused)
            linked = [each for each in linked if each is not group and each not in caused[1:]]
    return linked


def _joined(group: Group, caused: Sequence[Group]) -> Group:
    """Return the group of a warning that became the cause of failures."""
    warning, error = group[0], caused[0][0]
    short = shorten_middle(error.message, _MAX_ERROR)
    message = f"{warning.message}; this led to the failure of step {error.step!r}: {short}"
    if error.step == warning.step:
        message = f"{warning.message}; this led to the failure: {short}"
    confidence = max(warning.confidence, Confidence.MEDIUM, key=lambda each: each.rank)
    cause = replace(
        warning,
        severity=Severity.ERROR,
        message=message,
        confidence=confidence,
        evidence=tuple(dict.fromkeys((*warning.evidence, *error.evidence))),
        fix=(warning.fix or "").partition(_IF_INTENDED)[0] or None,
    )
    effects = (*chain.from_iterable(caused), *group[1:])
    return (cause, *(replace(each, caused_by=cause.id) for each in effects))


def _leads_to(warning: Finding, error: Finding, run: Run, lineage: Lineage) -> bool:
    """Return True if the facts of the run agree that the warning led to the failure."""
    if error.step is None or warning.step is None:
        return False
    upstream = lineage.upstream(error.step)
    return (warning.step == error.step or warning.step in upstream) and _CONDITIONS[error.rule](
        warning.step, error, run, lineage
    )


def _returned_no_rows(step: str, _error: Finding, run: Run, _lineage: Lineage) -> bool:
    state = run.step(step)
    return state is not None and state.rows_out == 0


def _returned_more_rows(step: str, error: Finding, run: Run, lineage: Lineage) -> bool:
    """Return True if a step returned more rows than each of its inputs has, and no step reduces them on the way."""
    rows = [edge.rows_out for edge in lineage.edges_to(step)]
    state = run.step(step)
    if state is None or state.rows_out is None or state.rows_out <= max((n or 0 for n in rows), default=0):
        return False
    if error.step is None or not is_duplicate(error.message):
        return False
    between = set(lineage.upstream(error.step)) & set(lineage.downstream(step))
    queries = [query_of(each.config) for each in run.steps if each.id in between]
    return not any(query is not None and query.reduces for query in queries)


_CONDITIONS: Mapping[str, Callable[[str, Finding, Run, Lineage], bool]] = {
    "input-without-rows": _returned_no_rows,
    "constraint-violated": _returned_more_rows,
    "duplicate-keys": _returned_more_rows,
}
"""Failure to the facts without which a warning did not lead to it."""
