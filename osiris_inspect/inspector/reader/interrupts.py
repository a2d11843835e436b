"""Determines whether a signal ended the run: Ctrl-C, SIGTERM, a cancelled job.

A run that records its end with a status says so itself. A run of the original does not; there the error that ended
it, or the last lines of a text log, name the interrupt.
"""

import re
from collections.abc import Sequence
from typing import Final

from osiris_inspect.inspector.reader.raw_run import RawRun
from osiris_inspect.inspector.reader.step_builder import StepBuilder, failure_of
from osiris_inspect.inspector.run.run import StepFailure
from osiris_inspect.model.event import Event
from osiris_inspect.model.failure import RUN_FAILURES

_STATUSES: Final = ("interrupted", "cancelled", "canceled")
_KIND: Final = "interrupted"
_TYPES: Final = ("Interrupted", "KeyboardInterrupt")
_MAX_TEXT: Final = 400
_LAST_LINES: Final = 5
"""Lines at the end of the text logs that may report an interrupt: the process ends after it."""
_TEXT: Final = re.compile(
    r"(?:(?:unexpected error|execution failed|run failed|pipeline failed): {0,3})?"
    r"(?:KeyboardInterrupt(?::[^\n]{0,200})?"
    r"|(?:(?:the )?(?:run|execution|pipeline|job) (?:was |has been )?)?(?:interrupted|cancell?ed)"
    r"(?: by (?:the )?(?:user|signal|SIG(?:INT|TERM|HUP))[^\n]{0,60})?"
    r"|(?:received|caught|got) (?:signal )?(?:SIG(?:INT|TERM|HUP)|2|15)\b[^\n]{0,80})[.!]?",
    re.IGNORECASE,
)
_LOG_PREFIX: Final = re.compile(r"^[^\n]{0,120}?\b(?:CRITICAL|FATAL|ERROR|WARNING|WARN)\b[\])]?[ :-]{0,5}")


def find_interrupt(drafts: Sequence[StepBuilder], material: RawRun) -> StepFailure | None:
    """Return the line that reports the interrupt; None if no signal ended the run."""
    end = next((event for event in reversed(material.events) if event.name == "run_end"), None)
    status = end.fields.get("status") if end is not None else None
    if end is not None and isinstance(status, str):
        return _recorded_end(end, status) if status in _STATUSES else None
    error = _run_error(material.events)
    if error is not None and _reports_interrupt(error):
        return error
    if any(draft.status == "failed" for draft in drafts):
        failures = [
            draft.failure for draft in drafts if draft.status == "failed" and draft.failure is not None
        ]
        return next((failure for failure in failures if _reports_interrupt(failure)), None)
    is_open = error is None and any(draft.status == "running" for draft in drafts)
    return _last_log_line(material) if is_open else None


def mark_interrupted_steps(drafts: Sequence[StepBuilder]) -> None:
    """Set the status of the steps that the interrupt ended; other failed steps stay failed."""
    for draft in drafts:
        ended_by_it = draft.failure is not None and _reports_interrupt(draft.failure)
        if draft.status == "running" or (draft.status == "failed" and ended_by_it):
            draft.status = "interrupted"


def _recorded_end(end: Event, status: str) -> StepFailure:
    failure = failure_of(end)
    return failure._replace(message=failure.info.message if failure.info else status)


def _run_error(events: Sequence[Event]) -> StepFailure | None:
    """Return the error that ended the run, if it ended outside of a step."""
    error = next((event for event in reversed(events) if event.name in RUN_FAILURES and event.error), None)
    return failure_of(error) if error is not None else None


def _reports_interrupt(failure: StepFailure) -> bool:
    if failure.info is not None:
        return failure.info.kind == _KIND
    return failure.type in _TYPES or _TEXT.fullmatch(failure.message.strip()[:_MAX_TEXT]) is not None


def _last_log_line(material: RawRun) -> StepFailure | None:
    for line in reversed(material.log_lines[-_LAST_LINES:]):
        text = _LOG_PREFIX.sub("", line.text[:_MAX_TEXT].strip(), count=1)
        if _TEXT.fullmatch(text):
            return StepFailure(text, file=line.file, line=line.line)
    return None
