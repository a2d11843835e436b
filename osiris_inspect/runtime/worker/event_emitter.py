"""Emits the worker's events, metrics and answers with secrets masked; thread-safe."""

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol.error_report import shorten_error_info
from osiris_inspect.runtime.protocol.messages import (
    ErrorResponse,
    EventMessage,
    MetricMessage,
    Response,
    WorkerMessage,
    to_jsonable,
)
from osiris_inspect.runtime.worker.fork_guard import ForkGuard

_LONG_TEXT_CHARS: Final = 10_000


class EventEmitter:
    """Numbers events and masks known secrets in every message of the worker.

    Attributes:
        redactor: masks the secrets; replaced when ``prepare`` sends them.
        fork_guard: forked copies of the worker send nothing.
    """

    def __init__(self, send: Callable[[WorkerMessage], None], clock: Callable[[], float]) -> None:
        self._send = send
        self._clock = clock
        self._started = monotonic()
        self.fork_guard = ForkGuard()
        self._seq = 0
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def emit(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Send an event."""
        if not self.fork_guard.is_worker():
            return
        masked = self._mask(fields)
        with self._lock:
            mono = monotonic() - self._started
            self._send(EventMessage(self._seq, self._clock(), name, step, masked, mono))
            self._seq += 1

    def emit_for_step(self, name: str, fields: Mapping[str, Any]) -> None:
        """Send an event of the step that ``fields`` names as ``step_id``."""
        event_fields = {key: value for key, value in fields.items() if key != "step_id"}
        self.emit(name, event_fields, fields.get("step_id"))

    def send(self, message: Response | ErrorResponse | MetricMessage) -> None:
        """Send an answer or a metric."""
        if not self.fork_guard.is_worker():
            return
        match message:
            case Response(number, body):
                self._send(Response(number, self._mask(body)))
            case ErrorResponse(number, error):
                self._send(ErrorResponse(number, self._mask(error)))
            case MetricMessage(ts, name, value, step, tags):
                name = self.redactor.redact_text(name)
                self._send(MetricMessage(ts, name, value, step, self._mask(tags)))

    def _mask(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        masked: dict[str, Any] = self.redactor.redact_value(dict(fields))
        # truncated after masking: the redactor does not recognize half a secret
        if isinstance(masked.get("error_info"), Mapping):
            masked["error_info"] = shorten_error_info(masked["error_info"])
        if any(isinstance(value, str) and len(value) > _LONG_TEXT_CHARS for value in masked.values()):
            return dict(to_jsonable(masked))
        return masked
