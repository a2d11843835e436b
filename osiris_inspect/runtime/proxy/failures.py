"""Failures of the host as data: the field ``error_info`` of its events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import OsirisError, ProtocolError, RunError, SettingsError, WorkerLost
from osiris_inspect.runtime.files.memory_limit import size_text
from osiris_inspect.runtime.pipeline.step_compiler import MEMORY_NOT_LIMITED
from osiris_inspect.runtime.protocol.error_report import build_error_info, kind_of, os_error_facts
from osiris_inspect.runtime.protocol.messages import ErrorResponse

_FIXES_BY_SIGNAL: Final[Mapping[str, str]] = {
    "SIGKILL": (
        "check the memory first, because the system sends SIGKILL when it runs out: process less data at once, spill DataFrames, "
        "or raise the memory limit; then find out whether a person or an orchestrator ended the process"
    ),
    "SIGXCPU": "raise the limit of CPU time (ulimit -t), or process less data in the step",
    "SIGXFSZ": "raise the limit of file sizes (ulimit -f), or write smaller files",
    "SIGTERM": "find out what ended the process: a person, the scheduler or the time limit of a job",
}
"""Signal that ended the worker to what to do."""


def error_response(
    error_type: str, message: str, info: Mapping[str, Any], traceback: str | None = None
) -> ErrorResponse:
    """Return the answer that a worker would give for an error of the host."""
    fields = {"type": error_type, "message": message, "error_info": info}
    return ErrorResponse(None, {**fields, "traceback": traceback} if traceback else fields)


def info_of(
    error: OsirisError, error_type: str | None = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the parts of an error with further facts; those that are None are left out."""
    info = build_error_info(error)
    known = {name: value for name, value in (facts or {}).items() if value is not None}
    return replace(info, type=error_type or info.type, facts={**info.facts, **known}).to_dict()


def with_step(info: Mapping[str, Any], step: str) -> dict[str, Any]:
    """Return the parts of a step's error with the step."""
    facts = info.get("facts")
    return {**info, "facts": {**(facts if isinstance(facts, Mapping) else {}), "step": step}}


def write_failure(error: OSError | OsirisError) -> tuple[str, dict[str, Any]]:
    """Return the message and the parts of an error of a write into the run directory."""
    info = build_error_info(error)
    if isinstance(error, OSError):
        kind = kind_of(error, "run-directory-not-writable")
        info = replace(info, kind=kind, message=f"cannot write the run directory: {error}")
    info = replace(info, fix="free disk space, or choose another folder with --logs")
    return info.message, info.to_dict()


def cannot_create_run(logs: Path, error: OSError) -> RunError:
    """Return the error for a run directory that cannot be created."""
    return RunError(
        f"cannot create a run directory in {str(logs)!r}: {error.strerror or error}",
        kind=kind_of(error, "run-directory-not-writable"),
        fix="choose another folder with --logs",
        **{"path": str(logs), **os_error_facts(error)},
    )


def memory_not_limited(step: str, mode: str) -> SettingsError:
    """Return the error of a step with a limit of memory where it has no process of its own."""
    return SettingsError(
        f"step {step!r} has a limit of memory, which --on {mode} cannot apply: {MEMORY_NOT_LIMITED[mode]}",
        fix="use --on sandbox, or remove memory from the step",
        step=step,
        option="--on",
    )


def memory_above_run(step: str, step_bytes: int, run_bytes: int) -> SettingsError:
    """Return the error of a step with a limit of memory above that of the run."""
    return SettingsError(
        f"memory of step {step!r} is {size_text(step_bytes)}, but --memory-limit of the run is {size_text(run_bytes)}",
        fix="raise --memory-limit, or lower memory of the step",
        step=step,
        option="--memory-limit",
        limit_bytes=run_bytes,
    )


def internal_error(error: Exception) -> tuple[str, dict[str, Any]]:
    """Return the message and the parts of an error that the runtime itself did not expect."""
    info = build_error_info(error)
    if not isinstance(error, OsirisError):
        info = replace(info, kind="internal-error")
    return f"internal error: {info.type}: {info.message}", info.to_dict()


@dataclass(frozen=True, slots=True)
class WorkerLoss:
    """Why the worker ended before its time: in words, and as data."""

    reason: str
    info: Mapping[str, Any]


def lost_worker(error: WorkerLost, heartbeat: Mapping[str, Any], details: Mapping[str, Any]) -> WorkerLoss:
    """Return the loss of a worker that ended by itself, with the memory that it used.

    ``heartbeat`` has the fields of its last heartbeat, ``details`` those of its transport.
    """
    memory = {
        "rss_bytes": heartbeat.get("rss_bytes"),
        "peak_rss_bytes": heartbeat.get("peak_rss_bytes"),
        "memory_limit_bytes": details.get("memory_limit_bytes"),
    }
    fix = _FIXES_BY_SIGNAL.get(str(error.facts.get("signal")), f"read the end of {layout.WORKER_LOG}")
    info = {**info_of(error, facts=memory), "fix": fix}
    return WorkerLoss(str(error), info)


def step_timeout(step: str, limit_s: float | None, *, is_of_step: bool = False) -> WorkerLoss:
    """Return the loss of a worker that was killed because a step took too long.

    ``is_of_step`` is true if the step itself has this time limit in the pipeline.
    """
    where = "the timeout of the step" if is_of_step else "--step-timeout (E2B_STEP_TIMEOUT)"
    return _timed_out(
        RunError(
            f"step {step!r} took longer than {limit_s:g} s",
            kind="step-timeout",
            fix=f"raise {where}, process less data, or end what the step waited for, such as a lock",
            step=step,
            limit_s=limit_s,
        )
    )


def prepare_timeout(limit_s: float | None) -> WorkerLoss:
    """Return the loss of a worker that was killed because it did not become ready in time."""
    return _timed_out(
        ProtocolError(
            "the worker did not prepare in time",
            kind="worker-start-failed",
            fix=f"read the end of {layout.WORKER_LOG}",
            limit_s=limit_s,
        )
    )


def _timed_out(error: OsirisError) -> WorkerLoss:
    return WorkerLoss(error.message, info_of(error, "StepTimeout"))


def upstream_failed(step: str) -> dict[str, Any]:
    """Return the parts of the reason of a step that needs a failed step."""
    error = RunError(f"step {step!r} failed", kind="upstream-failed", fix=None, step=step)
    return info_of(error)


def frame_not_on_disk(step: str) -> dict[str, Any]:
    """Return the parts of the reason of a step whose worker may not be the one that has its frame in memory."""
    error = RunError(
        f"the frame of step {step!r} could not be written to disk for a worker with other rights",
        kind="spill-write-failed",
        fix="free disk space, or run the steps on one worker with --jobs 1",
        step=step,
    )
    return info_of(error)


def run_stopped(step: str) -> dict[str, Any]:
    """Return the parts of the reason of a step after the failed step that ended the run."""
    message = f"the run ends at its first failed step, which is {step!r}"
    return info_of(RunError(message, kind="run-stopped", fix=None, step=step))
