"""What the worker tells: numbered events, from whichever thread, one after the other."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from osiris_inspect.model.redact import Redactor
from osiris_inspect.runtime.rpc import Reply, Told


class Teller:
    """Numbers events and posts them; a known secret is masked before it leaves."""

    def __init__(self, post: Callable[[Reply], None], clock: Callable[[], float]) -> None:
        self._post = post
        self._clock = clock
        self._seq = 0
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def tell(self, name: str, fields: Mapping[str, Any], step: str | None = None) -> None:
        """Something happened."""
        with self._lock:
            self._post(Told(self._seq, self._clock(), name, step, self.redactor.value(dict(fields))))
            self._seq += 1

    def tell_of_step(self, name: str, fields: Mapping[str, Any]) -> None:
        """Something happened to the step that ``fields`` names as ``step_id``."""
        rest = {key: value for key, value in fields.items() if key != "step_id"}
        self.tell(name, rest, fields.get("step_id"))
