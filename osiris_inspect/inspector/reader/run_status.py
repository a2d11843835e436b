"""Determines how a run ended: its status, whether it is finished, and an error outside of any step.

The log overrides ``status.json``, which the original writes wrongly for local runs since 0.4.0. Without a log
the status file, the run card and the exit code in the metrics are used, in this order.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from osiris_inspect.inspector.reader.raw_run import RawRun
from osiris_inspect.inspector.reader.step_builder import StepBuilder, failure_of
from osiris_inspect.inspector.run.error_phrases import MAX_INTERRUPT_TEXT, reports_interrupt
from osiris_inspect.inspector.run.run import StepFailure
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.failure import RUN_FAILURES
from osiris_inspect.model.finding import Stage
from osiris_inspect.model.run_types import RunMode, RunStatus

RUNNING_TIMEOUT_S = 60
"""Seconds after its last line in which an unfinished run without a lock counts as running.

Native runs log a heartbeat every few seconds. A run of the original may log nothing for longer; it is then
shown as truncated until its next line.
"""

_MODES: dict[str, RunMode] = {
    "local": "local",
    "in_process": "local",
    "in-process": "local",
    "inprocess": "local",
    "stdio": "sandbox",
    "sandbox": "sandbox",
    "e2b": "e2b",
    "dask": "dask",
    "worker": "worker",
}
_ENDS = ("run_end", "run_complete", "cleanup_complete")
_LOCK_NOTICE_EVENTS = 10
"""Events in which a log reports its lock."""
_INTERRUPT_STATUSES: Final = ("interrupted", "cancelled", "canceled")
_INTERRUPT_KIND: Final = "interrupted"
_INTERRUPT_TYPES: Final = ("Interrupted", "KeyboardInterrupt")
_LAST_LINES: Final = 5
"""Lines at the end of the text logs that may report an interrupt: the process ends after it."""
_LOG_PREFIX: Final = re.compile(r"^[^\n]{0,120}?\b(?:CRITICAL|FATAL|ERROR|WARNING|WARN)\b[\])]?[ :-]{0,5}")


class RunEnding(NamedTuple):
    """How a run ended."""

    status: RunStatus
    finished: bool
    failure: StepFailure | None = None
    stage: Stage | None = None


def run_mode(material: RawRun) -> RunMode | None:
    """Return where the steps ran; None if unknown."""
    for event in material.events:
        if event.name in ("adapter_selected", "execute_start", "run_start", "plan", "environment"):
            for key in ("mode", "transport", "adapter", "on"):
                mode = _MODES.get(str(event.fields.get(key)))
                if mode:
                    return mode
    if any(event.dialect == "worker" for event in material.events):
        return "worker"
    return None


def finish_running_steps(drafts: Iterable[StepBuilder], material: RawRun, mode: RunMode | None) -> None:
    """Set the end of steps without an end event from the rest of the log.

    The original logs no end of a step for an error that leaves its local runner or an unresolved connection.
    """
    errors = [event for event in material.events if event.name in ("run_error", "execute_error")]
    for draft in drafts:
        if draft.status != "running":
            continue
        later = next((event for event in errors if event.line > draft.start_line and event.error), None)
        if draft.unresolved_connection is not None:
            draft.status, draft.failure = "failed", draft.unresolved_connection
        elif later is not None and mode == "local":
            draft.status, draft.failure, draft.ended = "failed", failure_of(later), later.ts


def determine_ending(drafts: Sequence[StepBuilder], material: RawRun, *, now: float | None) -> RunEnding:
    """Return how the run ended."""
    if not material.events:
        return _ending_without_log(drafts, material)
    broken = _compile_failure(material.events)
    if broken is not None:
        return RunEnding("compile_failed", finished=True, failure=broken, stage="compile")
    return _ending_of_steps(drafts, material, now)


def _ending_of_steps(drafts: Sequence[StepBuilder], material: RawRun, now: float | None) -> RunEnding:
    """Return how a compiled run ended, judging by its steps, its errors, and its end event."""
    ended = has_ended(material.events)
    error = _run_failure(material.events)
    if any(draft.status == "running" for draft in drafts):
        return _unfinished(material, now, ended=ended, error=error)
    if any(draft.status == "failed" and _is_reliable(draft, material) for draft in drafts):
        return RunEnding("failed", finished=ended or _all_steps_ended(drafts))
    if error is not None:
        begun = any(draft.was_started for draft in drafts)
        return RunEnding("failed", finished=ended, failure=error, stage="finish" if begun else "prepare")
    if not ended and _all_steps_ended(drafts) and material.events[-1].dialect == "document":
        return RunEnding("success", finished=True)  # this dialect has no end event
    return _succeeded(drafts, material) if ended else _unfinished(material, now, ended=False, error=None)


def _is_reliable(draft: StepBuilder, material: RawRun) -> bool:
    """Return False for a failed step that only the run card has, if the status file reports success."""
    return draft.first_line > 0 or material.status is None or material.status.ok is not True


def _unfinished(material: RawRun, now: float | None, *, ended: bool, error: StepFailure | None) -> RunEnding:
    if not ended and now is not None and is_still_running(material, now):
        return RunEnding("running", finished=False)
    return RunEnding("truncated", finished=False, failure=error)


def is_still_running(material: RawRun, now: float) -> bool:
    """Return True if the log is still being written, judging by its lock, or else the age of its last line.

    A free lock proves the end only of a log that reports its lock.
    """
    held = material.disk.is_locked(layout.EVENTS)
    if held is False and any(
        event.fields.get("locked") is True for event in material.events[:_LOCK_NOTICE_EVENTS]
    ):
        return False
    return bool(held) or now - _last_activity(material) < RUNNING_TIMEOUT_S


def _last_activity(material: RawRun) -> float:
    times = [event.ts for event in material.events[-50:] if event.ts is not None]
    return max(times) if times else material.disk.modified(layout.EVENTS) or 0.0


def has_ended(events: Sequence[Event]) -> bool:
    """Return True if the last writer logged the end of the run: the host, or the worker if there is no host.

    A local runner and a forwarded worker report their end before the host has collected anything.
    """
    last = events[-200:]
    if any(event.dialect in ("host", "native") for event in last):
        return any(
            event.name == "run_end" or (event.name == "run_complete" and "total_duration" in event.fields)
            for event in last
        )
    return any(event.name in _ENDS for event in last)


def _all_steps_ended(drafts: Sequence[StepBuilder]) -> bool:
    return bool(drafts) and all(draft.status not in ("running", "not_started") for draft in drafts)


def _succeeded(drafts: Sequence[StepBuilder], material: RawRun) -> RunEnding:
    end = next((event for event in reversed(material.events) if event.name == "run_end"), None)
    if end is not None and end.fields.get("status") in ("failed", "error"):
        return RunEnding("failed", finished=True, failure=failure_of(end), stage="finish")
    status = material.status
    fell_short = (
        status is not None
        and status.ok is False
        and status.steps_completed is not None
        and status.steps_total is not None
        and status.steps_completed < status.steps_total
        and any(draft.was_started for draft in drafts)
    )
    if fell_short and status is not None:
        text = status.reason or "fewer steps were completed than planned"
        return RunEnding("failed", True, StepFailure(text, file=layout.STATUS), "finish")
    return RunEnding("success", finished=True)


def _compile_failure(events: Sequence[Event]) -> StepFailure | None:
    compiling = False
    for event in events:
        if event.name == "compile_error":
            return failure_of(event)
        if event.name == "compile_start":
            compiling = True
        elif event.name in ("compile_complete", "adapter_selected", "step_start"):
            compiling = False
        elif compiling and event.name == "run_error":
            return failure_of(event)
    return None


def _run_failure(events: Sequence[Event]) -> StepFailure | None:
    """Return the error that ended the run: the first with a text, closest to its origin.

    A native run records its parts in ``run_end``.
    """
    failure = _first_run_error(events)
    if failure is None or failure.info is not None:
        return failure
    end = next((event for event in reversed(events) if event.name == "run_end"), None)
    return failure._replace(info=failure_of(end).info) if end is not None else failure


def _first_run_error(events: Sequence[Event]) -> StepFailure | None:
    for name in RUN_FAILURES:
        failures = [event for event in events if event.name == name]
        failure = next((event for event in failures if event.error), None)
        if failure is not None:
            return failure_of(failure)
    silent = next((event for event in events if event.name == "run_error"), None)
    return failure_of(silent) if silent is not None else None


def _ending_without_log(drafts: Sequence[StepBuilder], material: RawRun) -> RunEnding:
    status, card = material.status, material.card
    if status is not None and status.ok is not None:
        if status.ok or status.is_upstream_false_alarm:
            return RunEnding("success", finished=True)
        text = status.reason or "status.json reports that the run failed"
        return RunEnding("failed", True, StepFailure(text, file=layout.STATUS), "finish")
    if card is not None and card.steps:
        failed = any(draft.status == "failed" for draft in drafts)
        done = all(draft.status in ("succeeded", "reused", "skipped", "failed") for draft in drafts)
        return RunEnding("failed" if failed else "success" if done else "truncated", finished=done or failed)
    code = next((metric.value for metric in material.metrics if metric.name == "adapter_exit_code"), None)
    if code is not None:
        return RunEnding("failed" if code else "success", finished=True)
    if (
        material.disk.exists(layout.COMPILED_MANIFEST)
        and not material.metrics
        and material.manifest is not None
    ):
        return RunEnding("success", finished=True)  # a compile writes only its manifest
    return RunEnding("truncated", finished=False)


# --- interrupts


def find_interrupt(drafts: Sequence[StepBuilder], material: RawRun) -> StepFailure | None:
    """Return the line that reports the interrupt; None if no signal ended the run."""
    end = next((event for event in reversed(material.events) if event.name == "run_end"), None)
    status = end.fields.get("status") if end is not None else None
    if end is not None and isinstance(status, str):
        return _recorded_end(end, status) if status in _INTERRUPT_STATUSES else None
    error = _run_error(material.events)
    if error is not None and _is_interrupt(error):
        return error
    failed = [draft.failure for draft in drafts if draft.status == "failed" and draft.failure is not None]
    if failed:
        return failed[-1] if _is_interrupt(failed[-1]) else None
    is_open = error is None and any(draft.status == "running" for draft in drafts)
    return _last_log_line(material) if is_open else None


def mark_interrupted_steps(drafts: Sequence[StepBuilder]) -> None:
    """Set the status of the steps that the interrupt ended; other failed steps stay failed."""
    for draft in drafts:
        ended_by_it = draft.failure is not None and _is_interrupt(draft.failure)
        if draft.status == "running" or (draft.status == "failed" and ended_by_it):
            draft.status = "interrupted"


def _recorded_end(end: Event, status: str) -> StepFailure:
    failure = failure_of(end)
    return failure._replace(message=failure.info.message if failure.info else status)


def _run_error(events: Sequence[Event]) -> StepFailure | None:
    """Return the error that ended the run, if it ended outside of a step."""
    error = next((event for event in reversed(events) if event.name in RUN_FAILURES and event.error), None)
    return failure_of(error) if error is not None else None


def _is_interrupt(failure: StepFailure) -> bool:
    if failure.info is not None:
        return failure.info.kind == _INTERRUPT_KIND
    return failure.type in _INTERRUPT_TYPES or reports_interrupt(failure.message)


def _last_log_line(material: RawRun) -> StepFailure | None:
    for line in reversed(material.log_lines[-_LAST_LINES:]):
        text = _LOG_PREFIX.sub("", line.text[:MAX_INTERRUPT_TEXT].strip(), count=1)
        if reports_interrupt(text):
            return StepFailure(text, file=line.file, line=line.line)
    return None
