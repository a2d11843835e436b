"""Lines of an attempt: written to a file of the machine, and sent to the host in batches while the attempt runs."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

import orjson

from osiris_inspect.model.event import Event
from osiris_inspect.model.metric import Metric
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder

MAX_BATCH_BYTES: Final = 32 << 10
"""Bytes of lines that are sent together."""
INTERVAL_S: Final = 0.1
"""Longest time that a line waits for others."""
MAX_BYTES_PER_S: Final = 1 << 20
"""Bytes that a machine sends while its step runs; the host reads the rest from the shared store."""

SendLines = Callable[[int, list[bytes]], None]
"""Sends lines; the number of the first one counts from 0."""


class LineFile:
    """Lines of one attempt, masked, in a file; can be written by one thread and read by another.

    Attributes:
        count: number of complete lines.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        self._file = path.open("xb", buffering=0)
        self.has_new = threading.Event()

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            OSError: the disk refused.
        """
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
        self.count += 1
        self.has_new.set()

    def add_event(self, name: str, ts: float | None, fields: Mapping[str, Any], step: str | None) -> None:
        """Append an event of this machine, whose clocks may differ from those of the host."""
        self.add({"event": name, "ts": ts, "step": step, "fields": fields})

    def close(self) -> None:
        """Close the file; calling it twice is safe."""
        self._file.close()


class NodeRecorder(RunRecorder):
    """Recorder of a machine: each event and metric also becomes a line for the host.

    Attributes:
        lines: the lines of the attempt that runs.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float], lines: LineFile) -> None:
        super().__init__(log, clock, self._add_event)
        self.lines = lines

    def record_metric(self, metric: Metric) -> None:
        """Write a metric."""
        super().record_metric(metric)
        self.lines.add(
            {
                "name": metric.name,
                "value": metric.value,
                "ts": metric.ts,
                "step": metric.step,
                "tags": metric.tags,
            }
        )

    def _add_event(self, event: Event) -> None:
        self.lines.add_event(event.name, event.ts, event.fields, event.step)


class LineRelay:
    """Sends the lines of a file while it grows: the first one at once, later ones within ``INTERVAL_S``.

    Lines over the limit of bytes per second are sent later, or not at all if the attempt ends before.
    """

    def __init__(self, lines: LineFile, send: SendLines, max_bytes_per_s: int = MAX_BYTES_PER_S) -> None:
        self._lines, self._send, self._max_bytes_per_s = lines, send, max_bytes_per_s
        self._sent = self._offset = 0
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line-relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send what the limit allows now, and end."""
        self._has_ended.set()
        self._lines.has_new.set()
        self._thread.join()

    def _run(self) -> None:
        allowed, before = float(self._max_bytes_per_s), monotonic()
        with self._lines.path.open("rb") as file:
            while True:
                self._lines.has_new.wait()
                is_last = self._has_ended.is_set()
                self._lines.has_new.clear()
                now = monotonic()
                allowed = min(self._max_bytes_per_s, allowed + (now - before) * self._max_bytes_per_s)
                before = now
                while allowed > 0 and (batch := self._next_batch(file)):
                    size = sum(map(len, batch))
                    allowed -= size
                    self._offset += size
                    self._send(self._sent, batch)
                    self._sent += len(batch)
                if is_last:
                    return
                self._has_ended.wait(INTERVAL_S)
                if self._sent < self._lines.count or self._has_ended.is_set():
                    self._lines.has_new.set()

    def _next_batch(self, file: Any) -> list[bytes]:
        """Return the next complete lines up to ``MAX_BATCH_BYTES``, at least one if there is one."""
        file.seek(self._offset)
        batch: list[bytes] = []
        size = 0
        while size < MAX_BATCH_BYTES and (line := file.readline()).endswith(b"\n"):
            batch.append(line)
            size += len(line)
        return batch
