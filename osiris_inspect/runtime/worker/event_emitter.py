"""What the worker tells: numbered events, from whichever thread, one after the other, with secrets masked."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol.messages import Failure, Measured, Reply, Response, Told, plain


class Teller:
    """Numbers events and posts whatever the worker says; no known secret leaves through it."""

    def __init__(self, post: Callable[[Reply], None], clock: Callable[[], float]) -> None:
        self._post = post
        self._clock = clock
        self._seq = 0
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def tell(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Something happened."""
        masked = self._masked(fields)
        with self._lock:
            self._post(Told(self._seq, self._clock(), name, step, masked))
            self._seq += 1

    def tell_of_step(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something happened to the step that ``fields`` names as ``step_id``."""
        rest = {key: value for key, value in fields.items() if key != "step_id"}
        self.tell(name, rest, fields.get("step_id"))

    def answer(self, reply: Response | Failure | Measured) -> None:
        """Post an answer or a metric."""
        match reply:
            case Response(number, body):
                self._post(Response(number, self._masked(body)))
            case Failure(asked, error):
                self._post(Failure(asked, self._masked(error)))
            case Measured(ts, name, value, step, tags):
                self._post(Measured(ts, self.redactor.text(name), value, step, self._masked(tags)))

    def _masked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Masked first and cut after: half a secret would not be known for one."""
        masked: dict[str, Any] = self.redactor.value(dict(fields))
        return dict(plain(masked)) if _is_long(masked) else masked


def _is_long(fields: Mapping[str, Any]) -> bool:
    for value in fields.values():  # noqa: SIM110  asked of each event: a generator costs more than the question
        if isinstance(value, str) and len(value) > 10_000:
            return True
    return False
