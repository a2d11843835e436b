"""Reader of heartbeats: notices a worker that is silent and a step that only waits."""

from collections.abc import Mapping
from typing import Any, Final

from osiris_inspect.model.errors import WorkerHung
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.transport.transport import Transport
from osiris_inspect.runtime.transport.worker_state import StateName, WorkerState
from osiris_inspect.runtime.worker.heartbeat import is_idle

MISSED_HEARTBEATS: Final = 3
"""Heartbeats that a worker may miss before it is reported as silent."""
_MAX_COUNTED_S: Final = 1.0
"""Most seconds that one look at the worker adds to its silence: the host itself can be stopped for longer."""
_FIXES: Final[Mapping[StateName, str]] = {
    "stopped": "find out what stopped the process, or raise --hang-timeout",
    "traced": "let the debugger continue the process, or raise --hang-timeout",
    "uninterruptible": "check the disk or the network file system that the step uses, or raise --hang-timeout",
    "in-c-code": "let the C code release the GIL, or raise --hang-timeout",
    "unknown": "read the end of worker.log, or raise --hang-timeout",
}
"""State of the worker to what to do."""


class HangWatch:
    """Silence and idle heartbeats of a worker during one step, or while it prepares.

    The silence of a worker that prepares counts from its first line: how long it takes to start is not known.
    """

    def __init__(
        self, step: str | None, settings: Settings, transport: Transport, recorder: RunRecorder
    ) -> None:
        self._step, self._transport, self._recorder = step, transport, recorder
        self._has_started = step is not None
        self._interval_s, self._timeout_s = settings.heartbeat_interval_s, settings.hang_timeout_s
        self._silent_s = self._idle_s = 0.0
        self._is_silence_reported = self._is_waiting_reported = False
        self._heartbeat: Mapping[str, Any] = {}
        self._stack: str | None = None

    def on_line(self) -> None:
        """End the silence: the worker sent a line."""
        self._silent_s, self._is_silence_reported, self._has_started = 0.0, False, True

    def on_silence(self, seconds: float) -> None:
        """Add to the silence; record ``worker_silent`` once it lasts for ``MISSED_HEARTBEATS``.

        Raises:
            WorkerHung: the silence lasts for the timeout, and the worker is a process that can be ended.
        """
        if not self._has_started:
            return
        self._silent_s += min(seconds, _MAX_COUNTED_S)
        if not self._is_silence_reported and self._silent_s >= MISSED_HEARTBEATS * self._interval_s:
            self._is_silence_reported = True
            silence = self._silence(self._transport.worker_state())
            self._recorder.record_host_event("worker_silent", silence, self._step)
        if self._silent_s >= self._timeout_s and self._transport.mode != "local":
            state = self._transport.worker_state()
            raise WorkerHung(
                f"the worker sent no heartbeat for {self._silent_s:.3g} s and was ended: {state.text}",
                fix=_FIXES[state.name],
                limit_s=self._timeout_s,
                **({} if self._step is None else {"step": self._step}),
                **self._silence(state),
            )

    def on_heartbeat(self, fields: Mapping[str, Any]) -> None:
        """Record ``step_waiting`` once if the heartbeats of the timeout show neither CPU time nor new rows."""
        before, self._heartbeat = self._heartbeat, fields
        cpu_s = _number(fields, "process_cpu_s") - _number(before, "process_cpu_s")
        self._stack = fields.get("stack") or self._stack  # sent once while it stays the same
        if not before or fields.get("rows") != before.get("rows") or not is_idle(cpu_s, self._interval_s):
            self._idle_s = 0.0
            return
        self._idle_s += self._interval_s
        if self._idle_s >= self._timeout_s and not self._is_waiting_reported:
            self._is_waiting_reported = True
            waiting = {"idle_s": self._idle_s, "stack": self._stack}
            names = ("phase", "rows", "cpu_s", "frame")
            self._recorder.record_host_event(
                "step_waiting", {**waiting, **{name: fields.get(name) for name in names}}, self._step
            )

    def _silence(self, state: WorkerState) -> dict[str, Any]:
        return {
            "silent_s": round(self._silent_s, 3),
            "state": state.name,
            "process_state": state.kernel,
            "pid": state.pid,
            "last_frame": self._heartbeat.get("frame"),
        }


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
