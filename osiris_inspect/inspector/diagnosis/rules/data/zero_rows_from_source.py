"""A source produced 0 rows.

What it finds:
    A source that completed with 0 rows, unless the query of a later step makes that input optional (a union, an outer
    join, NOT IN) and has rows.

Why it matters:
    The run succeeds with an empty result, and a writer that replaces has emptied its target.

How to fix:
    Check the query or the file: a filter, a date, an empty export. If empty is normal, suppress this rule for
    the step.

Example:
    `extract-movies` completes, and `inputs_resolved` of the next step reports `rows: 0`.
"""

from collections.abc import Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import row_count_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.missing_input import resolved_inputs
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import DriverMessage, messages_of_successful_steps
from osiris_inspect.inspector.files.unreached_sources import unreached_sources
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
MIN_RUNS = 3
"""Earlier runs with rows after which an empty source is reported, although the result does not need its rows."""
MIN_WORDS = 4
"""Words of a name of a column that is rather a sentence."""
_ABOUT_CODE = LazyRegex(r"\b[A-Z]\w{2,40}Warning\b|\bdeprecat|\bInsecureRequest", 0)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "check the query or file that the step reads; if it may be empty, allow this rule for the step",
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps without inputs that completed with 0 rows; those that did so in an earlier run are worth a note."""
    messages = messages_of_successful_steps(run)
    for step in run.steps:
        if step.status != "succeeded" or step.is_writer or step.rows_out != 0:
            continue
        if not step.is_source and (lineage.upstream(step.id) or step.needs or resolved_inputs(step)):
            continue
        evidence = row_count_evidence(run, step, 0)
        after = _steps_after(step, run, lineage)
        if not evidence:
            continue
        empty_before, runs = ComparableRuns(run, lineage).count_empty(step.id)
        if _is_optional(step, after) and (empty_before or runs < MIN_RUNS):
            continue
        lines = messages[step.id][1] if step.id in messages else []
        logged = next(unreached_sources(lines), None)
        warning = _last_warning(lines) if logged is None else None
        yield TEMPLATE.finding(
            _message(after)
            + (f"; in {empty_before} of the last {runs} runs, too" if empty_before else "")
            + (f"; its text log says why: {logged.quote}" if logged is not None else "")
            + (f"; its text log warns: {warning.quote}" if warning is not None else "")
            + _only_column(run.frames.get(step.id)),
            *(message.evidence for message in (logged.messages if logged is not None else ())),
            *((warning.evidence,) if warning is not None else ()),
            *evidence,
            step=step.id,
            severity=Severity.NOTE if empty_before and logged is None else None,
        )


def _last_warning(messages: Sequence[DriverMessage]) -> DriverMessage | None:
    """Return the last warning or error that a driver logged; None if it logged none but those about code."""
    warnings = [
        message
        for message in messages
        if message.line.level in ("WARNING", "ERROR", "CRITICAL") and not _ABOUT_CODE.search(message.text)
    ]
    return warnings[-1] if warnings else None


def _only_column(frame: FrameFacts | None) -> str:
    """Describe the only column of a frame if its name is a sentence: a message in place of the data."""
    names = [column.name for column in frame.columns] if frame is not None else []
    is_sentence = len(names) == 1 and len(names[0][:200].split()) >= MIN_WORDS
    return f"; its only column is named {excerpt(names[0], 80)!r}" if is_sentence else ""


def _message(after: Sequence[StepState]) -> str:
    empty = [repr(step.id) for step in after if step.rows_out == 0]
    others = [repr(step.id) for step in after if step.rows_out]
    message = "produced 0 rows" + (f", and so did {_join(empty)} after it" if empty else "")
    return message + (
        f"; {_join(others)} {'has' if len(others) == 1 else 'have'} rows nevertheless" if others else ""
    )


def _steps_after(step: StepState, run: Run, lineage: Lineage) -> list[StepState]:
    """Return the steps that took the rows, directly or not; a source takes none, whatever its needs say."""
    after: list[str] = [step.id]
    for other in run.steps:
        takes = {edge.producer for edge in lineage.edges if edge.consumer == other.id}
        if not other.is_source and takes & set(after):
            after.append(other.id)
    return [other for other in run.steps if other.id in after[1:]]


def _is_optional(source: StepState, after: Sequence[StepState]) -> bool:
    """Return True if a later step has rows, and its query says that it needs none from this source."""
    empty = {source.id, *(step.id for step in after if not step.rows_out)}
    for step in after:
        query = query_of(step.config)
        takes_nothing = bool({entry.from_step for entry in step.inputs} & empty)
        if step.rows_out and takes_nothing and query is not None and query.keeps_rows_without_partner:
            return True
    return False


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
