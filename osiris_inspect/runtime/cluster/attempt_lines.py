"""Lines of attempts as they arrive at the host: recorded once, in order, without gaps."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import orjson

from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.cluster.chain_request import ChainResult
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder


class AttemptLines:
    """Recorder of the lines of one attempt.

    Attributes:
        node: the machine that runs it; empty until its first line.
        address: address of that machine in the engine; empty until its first line.
        next: number of the next line to record.
        completed: steps whose end was recorded as a success.
        last: name of the last event.
        sent_at: time of the submission, by the monotonic clock.
    """

    def __init__(self, recorder: RunRecorder, chain: str, attempt: int) -> None:
        self._recorder, self._chain, self._attempt = recorder, chain, attempt
        self._waiting: dict[int, bytes] = {}
        self.node = self.address = ""
        self.next = 0
        self.completed: list[str] = []
        self.last: str | None = None
        self.sent_at: float | None = None

    def take(self, node: str, first: int, lines: Sequence[bytes]) -> None:
        """Record lines; those after a gap wait for it to close."""
        self.node = node
        self._waiting |= {number: line for number, line in enumerate(lines, first) if number >= self.next}
        while (line := self._waiting.pop(self.next, None)) is not None:
            self._record(orjson.loads(line))
            self.next += 1

    def complete(self, result: ChainResult, store: SharedStore) -> None:
        """Record the lines that did not arrive, from the shared store.

        Raises:
            ProtocolError: they cannot be read.
        """
        self.node = result.node
        if self.next >= result.lines or result.line_file is None:
            return
        start = self.next
        lines = (store.read(result.line_file.key) or b"").splitlines()
        self.take(result.node, 0, lines)
        fields = {"attempt": self._attempt, "from": start, "to": self.next - 1, "by": "shared store"}
        self._recorder.record_host_event("lines_fetched", fields, self._chain)

    def _record(self, line: Mapping[str, Any]) -> None:
        step = line.get("step")
        if "event" in line:
            name = str(line["event"])
            fields = {**line["fields"], "node": self.node}
            if name == "step_claimed" and self.sent_at is not None:
                fields["waited_ms"] = (monotonic() - self.sent_at) * 1000
            self._recorder.record_event(name, float(line["ts"]), "worker", fields, step)
            self.last = name
            if name == "step_complete" and isinstance(step, str):
                self.completed.append(step)
        else:
            self._recorder.record_metric(
                Metric(str(line["name"]), line["value"], float(line["ts"]), step, line.get("tags") or {})
            )
