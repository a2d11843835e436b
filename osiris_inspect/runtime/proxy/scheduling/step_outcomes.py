"""Outcomes of steps: which succeeded, failed or were skipped, and the reason of the run's failure."""

from collections.abc import Mapping
from typing import Any

from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.protocol.messages import Response
from osiris_inspect.runtime.proxy.failures import WorkerLoss, run_stopped, upstream_failed, with_step
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.worker_client import CommandResult


class StepOutcomes:
    """Records the outcome of each step once, in the progress of the run and in its log."""

    def __init__(self, context: RunContext) -> None:
        self._context, self._progress = context, context.progress

    def record_answer(self, step: Step, answer: CommandResult) -> None:
        """Record the answer of the worker to the last attempt of a step; its events are in the log."""
        if isinstance(answer, Response):
            self._progress.succeeded.append(step.id)
        else:
            self._progress.failed.append(step.id)
            self.fail_run(f"step {step.id!r} failed", answer.error.get("error_info"), step)

    def fail_run(self, reason: str, info: Mapping[str, Any] | None, step: Step | None = None) -> None:
        """Set the reason of the run's failure unless it has one."""
        if self._progress.reason is None:
            self._progress.reason = reason
            self._progress.error_info = with_step(info, step.id) if info and step else info

    def skip(self, step: Step, cause: str, info: Mapping[str, Any]) -> None:
        """Skip a step because of a failed step, or for a reason."""
        self._progress.skipped[step.id] = cause
        self._context.emit(
            "step_skipped", {"because": cause, "driver": step.driver, "error_info": info}, step.id
        )

    def skip_cause(self, step: Step, loss: WorkerLoss | None) -> str | None:
        """Return the failed step or the reason because of which ``step`` cannot run; None if it can.

        ``loss`` is that of the only worker.
        """
        progress = self._progress
        for need in step.upstream:
            if need in progress.failed:
                return need
            if need in progress.skipped:
                return progress.skipped[need]
        if loss is None and not self._context.request.fail_fast:
            return None
        return progress.failed[0] if progress.failed else loss.reason if loss else None

    def skip_info(self, step: Step, cause: str, loss: WorkerLoss | None) -> Mapping[str, Any]:
        """Return the parts of the reason because of which ``step`` is skipped."""
        progress = self._progress
        if any(need in (*progress.failed, *progress.skipped) for need in step.upstream):
            return upstream_failed(cause)
        return loss.info if loss is not None else run_stopped(cause)

    def record_failure(self, step: Step, error: Mapping[str, Any], duration_ms: float | None) -> None:
        """Write ``step_failed`` for an error that the worker did not report."""
        event_fields = {
            "driver": step.driver,
            "error": error.get("message"),
            "error_type": error.get("type"),
            "duration_ms": duration_ms,
            "traceback": error.get("traceback"),
            "error_info": error.get("error_info"),
        }
        self._context.emit("step_failed", event_fields, step.id)

    def finish_open_steps(self, reason: str, info: Mapping[str, Any]) -> None:
        """Record the end of every step without one: a step that started has failed, another one is skipped."""
        progress = self._progress
        for step in self._context.steps:
            if step.id in (*progress.succeeded, *progress.failed, *progress.skipped):
                continue
            names = self._context.recorder.event_names(step.id)
            if "step_start" not in names:
                self.skip(step, reason, info)
                continue
            progress.failed.append(step.id)
            if "step_failed" not in names:
                error = {"type": "Interrupted", "message": reason, "error_info": info}
                self.record_failure(step, error, None)
