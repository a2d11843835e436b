"""A query, a file or a target lacks a column.

What it finds:
    An error in which a column is asked for that is not there.

Why it matters:
    Either a name is misspelt, or the source has changed its schema.

How to fix:
    Use the name the source has, or adapt the pipeline to the new schema.

Example:
    `Binder Error: Referenced column "custommer_id" not found in FROM clause!`
"""

import re
from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS: Final = ("failures",)
RANK: Final = 44

_KEY = LazyRegex(r"\bKeyError: (?P<key>['\"][^'\"\n]{1,200}['\"]|\d{1,12})$", re.MULTILINE)

SIGNATURE: Final = ErrorPattern(
    rule="column-missing",
    pattern=LazyRegex(
        r"Unknown column '(?P<c1>[^'\n]{1,120})'"
        r"|Referenced column \"(?P<c2>[^\"\n]{1,120})\" not found"
        r"|column \"?(?P<c3>[^\"\s\n]{1,120})\"? (?:of relation \S{1,80} )?does not exist"
        r"|Usecols do not match columns, columns expected but not found: (?P<c4>[^\n]{1,120})"
        r"|Could not find the '(?P<c5>[^'\n]{1,120})' column of"
        r"|Table \"[^\"]{1,80}\" does not have a column named \"(?P<c6>[^\"\n]{1,120})\""
        r"|(?P<c8>\[[^\]\n]{1,160}\]) not (?:found in axis|in index)"
        r"|None of \[[^\[\n]{0,40}\(?(?P<c10>\[[^\]\n]{1,160}\])[^\n]{0,60}\] are in the \[(?:columns|index)\]"
        r"|column '(?P<c9>[^'\n]{1,120})' (?:is )?(?:not (?:there|found|in)|missing|unknown)"
        r"|no such column: (?P<c11>[\w.]{1,120})",
        error_class="no column",
    ),
    message="column {column} does not exist",
    fix="use a name that the source has",
    domain="config",
    name_group="column",
    suggestion_pattern=LazyRegex(
        r"(?:Candidate (?:bindings|tables)|Did you mean)[: ]+(?P<hint>[^\s:?][^\n?]{0,159})"
    ),
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so, and a key that the code of a step missed: a step without an input lacks no column."""
    yield from SIGNATURE.find_all(run)
    for told, match in matching_errors(run, _KEY):
        step = run.step(told.step or "")
        if step is not None and _may_be_a_column(step, told):
            yield _of_key(run, step, told, match)


def _may_be_a_column(step: StepState, told: ErrorText) -> bool:
    """Whether a missed key can be one of a frame: pandas missed it, or the step was given frames to look into."""
    asked_for_variable = "environ" in told.traceback[-2000:]
    return "pandas" in told.traceback or (bool(step.inputs or step.needs) and not asked_for_variable)


def _of_key(run: Run, step: StepState, told: ErrorText, match: re.Match[str]) -> Finding:
    """The finding of a key that was missed. Where pandas missed it, it was a column."""
    of_pandas = "pandas" in told.traceback
    return Finding(
        rule="column-missing",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH if of_pandas else Confidence.MEDIUM,
        domain="code",
        message=f"the driver asked for {match['key']}, and there is no such {'column' if of_pandas else 'key'}",
        evidence=(told.evidence(match[0]), *_columns(run, step)),
        step=step.id,
        fix="use a name that its input has" + _there_are(run, step),
    )


def _given(run: Run, step: StepState) -> list[Event]:
    """The events that tell the columns of a step's inputs."""
    givers = [entry.from_step for entry in step.inputs]
    return [
        event
        for event in run.events_named("output_stored")
        if event.step in givers and event.fields.get("columns")
    ]


def _columns(run: Run, step: StepState) -> tuple[Evidence, ...]:
    return tuple(event_evidence(event, "columns") for event in _given(run, step)[:2])


def _there_are(run: Run, step: StepState) -> str:
    names = [str(name) for event in _given(run, step) for name in event.fields["columns"]]
    return f": {', '.join(names[:12])}" if names else ""
