"""What the worker tells: numbered events, from whichever thread, one after the other, with secrets masked."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol.messages import (
    ErrorResponse,
    EventMessage,
    MetricMessage,
    Response,
    WorkerMessage,
    to_jsonable,
)


class EventEmitter:
    """Numbers events and posts whatever the worker says; no known secret leaves through it."""

    def __init__(self, post: Callable[[WorkerMessage], None], clock: Callable[[], float]) -> None:
        self._post = post
        self._clock = clock
        self._seq = 0
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def emit(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Something happened."""
        masked = self._masked(fields)
        with self._lock:
            self._post(EventMessage(self._seq, self._clock(), name, step, masked))
            self._seq += 1

    def emit_for_step(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something happened to the step that ``fields`` names as ``step_id``."""
        rest = {key: value for key, value in fields.items() if key != "step_id"}
        self.emit(name, rest, fields.get("step_id"))

    def send(self, reply: Response | ErrorResponse | MetricMessage) -> None:
        """Post an answer or a metric."""
        match reply:
            case Response(number, body):
                self._post(Response(number, self._masked(body)))
            case ErrorResponse(asked, error):
                self._post(ErrorResponse(asked, self._masked(error)))
            case MetricMessage(ts, name, value, step, tags):
                self._post(
                    MetricMessage(ts, self.redactor.redact_text(name), value, step, self._masked(tags))
                )

    def _masked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Masked first and cut after: half a secret would not be known for one."""
        masked: dict[str, Any] = self.redactor.redact_value(dict(fields))
        return dict(to_jsonable(masked)) if _is_long(masked) else masked


def _is_long(fields: Mapping[str, Any]) -> bool:
    for value in fields.values():  # noqa: SIM110  asked of each event: a generator costs more than the question
        if isinstance(value, str) and len(value) > 10_000:
            return True
    return False
