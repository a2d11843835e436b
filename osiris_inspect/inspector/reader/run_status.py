"""How a run ended: its status, whether it is over, and what stopped it outside of any step.

The log outweighs ``status.json``, which the original writes wrongly for every local run since 0.4.0. Where there is no
log, the status file, the run card and the exit code among the metrics are asked, in this order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osiris_inspect.inspector.reader.raw_run import RawRun
from osiris_inspect.inspector.reader.step_builder import StepBuilder, failure_of
from osiris_inspect.inspector.run.run import StepFailure
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.failure import RUN_FAILURES
from osiris_inspect.model.finding import Stage
from osiris_inspect.model.run_types import RunMode, RunStatus

RUNNING_TIMEOUT_S = 60
"""Seconds after its last line in which an unfinished run counts as still going on, where no lock tells.

Our own runs send a heartbeat every few seconds. A run of the original may be silent for longer inside one step; it is
then shown as cut off until its next line, which is kinder than calling a dead run alive.
"""

_MODES: dict[str, RunMode] = {
    "local": "local",
    "in_process": "local",
    "in-process": "local",
    "inprocess": "local",
    "stdio": "sandbox",
    "sandbox": "sandbox",
    "e2b": "e2b",
    "worker": "worker",
}
_ENDS = ("run_end", "run_complete", "cleanup_complete")
_FIRST = 10
"""Events in which a log says what it is."""


@dataclass(frozen=True, slots=True)
class RunEnding:
    """What is known of the end of a run."""

    status: RunStatus
    finished: bool
    failure: StepFailure | None = None
    stage: Stage | None = None


def run_mode(material: RawRun) -> RunMode | None:
    """Where the run's steps ran; None where nothing tells."""
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
    """Give the steps that began and never ended the end that the rest of the log implies.

    An error that leaves a local runner, or a connection that could not be resolved, ends a step of the original
    without an event of its own.
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
    """How the run ended."""
    if not material.events:
        return _without_log(drafts, material)
    broken = _compile_failure(material.events)
    if broken is not None:
        return RunEnding("compile_failed", finished=True, failure=broken, stage="compile")
    return _of_steps(drafts, material, now)


def _of_steps(drafts: Sequence[StepBuilder], material: RawRun, now: float | None) -> RunEnding:
    """How a run ended that was compiled: its steps are asked first, then the run's own errors, then its end."""
    ended = _has_ended(material.events)
    error = _run_failure(material.events)
    if any(draft.status == "running" for draft in drafts):
        return _cut_off(material, now, ended=ended, error=error)
    if any(draft.status == "failed" and _is_reliable(draft, material) for draft in drafts):
        return RunEnding("failed", finished=ended or _all_steps_ended(drafts))
    if error is not None:
        begun = any(draft.was_started for draft in drafts)
        return RunEnding("failed", finished=ended, failure=error, stage="finish" if begun else "prepare")
    if not ended and _all_steps_ended(drafts) and material.events[-1].dialect == "document":
        return RunEnding("success", finished=True)  # this form has no event for the end of a run
    return _succeeded(drafts, material) if ended else _cut_off(material, now, ended=False, error=None)


def _is_reliable(draft: StepBuilder, material: RawRun) -> bool:
    """Whether a failed step tells of the run.

    One that only the run card knows was asked for before the run began, where the status file counts the run as
    complete without it.
    """
    return draft.first_line > 0 or material.status is None or material.status.ok is not True


def _cut_off(material: RawRun, now: float | None, *, ended: bool, error: StepFailure | None) -> RunEnding:
    if not ended and now is not None and is_still_running(material, now):
        return RunEnding("running", finished=False)
    return RunEnding("truncated", finished=False, failure=error)


def is_still_running(material: RawRun, now: float) -> bool:
    """Whether somebody still writes: the lock on the log tells, and where there is none the age of its last line.

    Only a log that says it is locked while it is written is known to be over by its lock. Others never had one, and a
    copy that is gathered from elsewhere has none either.
    """
    held = material.disk.is_locked(layout.EVENTS)
    if held is False and any(event.fields.get("locked") is True for event in material.events[:_FIRST]):
        return False
    return bool(held) or now - _last_activity(material) < RUNNING_TIMEOUT_S


def _last_activity(material: RawRun) -> float:
    times = [event.ts for event in material.events[-50:] if event.ts is not None]
    return max(times) if times else material.disk.modified(layout.EVENTS) or 0.0


def _has_ended(events: Sequence[Event]) -> bool:
    """Whether the end was logged by whoever writes last: the host where there is one, else the worker.

    The runner of a local run and the forwarded worker say that they are done before their host has collected anything.
    """
    last = events[-200:]
    if any(event.dialect in ("host", "native") for event in last):
        return any(event.name == "run_end" or _is_last_word(event) for event in last)
    return any(event.name in _ENDS for event in last)


def _is_last_word(event: Event) -> bool:
    return event.name == "run_complete" and "total_duration" in event.fields


def _all_steps_ended(drafts: Sequence[StepBuilder]) -> bool:
    return bool(drafts) and all(draft.status not in ("running", "not_started") for draft in drafts)


def _succeeded(drafts: Sequence[StepBuilder], material: RawRun) -> RunEnding:
    said = next((event for event in reversed(material.events) if event.name == "run_end"), None)
    if said is not None and said.fields.get("status") in ("failed", "error", "cancelled", "interrupted"):
        return RunEnding("failed", finished=True, failure=failure_of(said), stage="finish")
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
    """The error that ended the run: the first that is told closest to its origin and carries a text."""
    for name in RUN_FAILURES:
        found = [event for event in events if event.name == name]
        told = next((event for event in found if event.error), None)
        if told is not None:
            return failure_of(told)
    silent = next((event for event in events if event.name == "run_error"), None)
    return failure_of(silent) if silent is not None else None


def _without_log(drafts: Sequence[StepBuilder], material: RawRun) -> RunEnding:
    status, card = material.status, material.card
    if status is not None and status.ok is not None:
        if status.ok or status.is_upstream_false_alarm:
            return RunEnding("success", finished=True)
        text = status.reason or "status.json says that the run is not ok"
        return RunEnding("failed", True, StepFailure(text, file=layout.STATUS), "finish")
    if card is not None and card.steps:
        failed = any(draft.status == "failed" for draft in drafts)
        done = all(draft.status in ("succeeded", "skipped", "failed") for draft in drafts)
        return RunEnding("failed" if failed else "success" if done else "truncated", finished=done or failed)
    code = next((metric.value for metric in material.metrics if metric.name == "adapter_exit_code"), None)
    if code is not None:
        return RunEnding("failed" if code else "success", finished=True)
    if (
        material.disk.exists(layout.COMPILED_MANIFEST)
        and not material.metrics
        and material.manifest is not None
    ):
        return RunEnding("success", finished=True)  # a compile leaves nothing but its manifest
    return RunEnding("truncated", finished=False)
