"""Writer of ``events.jsonl`` and ``metrics.jsonl``. Each line is one unbuffered write."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from osiris_inspect.model import event as events
from osiris_inspect.model import metric as metrics
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.files.line_file import BackgroundSync, JsonlFile, ReservedSpace
from osiris_inspect.runtime.protocol.error_report import shorten_error_info


class EventLog:
    """Append-only writer of the events and metrics of a run, with secrets masked.

    Attributes:
        is_locked: True if a lock on the events shows other processes that the run is alive.
        last_seq: sequence number of the last event; -1 before the first.
    """

    def __init__(self, directory: DirectoryWriter, session: str, redactor: Redactor) -> None:
        self._session = session
        self._redactor = redactor
        self._directory = directory
        self._events = JsonlFile(directory.create(layout.EVENTS), locked=True)
        self._metrics = JsonlFile(directory.create(layout.METRICS))
        self._reserve = ReservedSpace(directory)
        self._syncer = BackgroundSync(self._events, self._metrics)
        self.is_locked = self._events.is_locked
        self.last_seq = -1

    def write_event(
        self,
        name: str,
        ts: float,
        side: Side,
        fields: Mapping[str, Any],
        step: str | None = None,
        mono: float | None = None,
    ) -> Event:
        """Write one event and return it.

        Raises:
            OSError: the write failed; the file and ``last_seq`` are unchanged.
        """
        masked = self._redactor.redact_value(dict(fields))
        if isinstance(masked.get("error_info"), Mapping):
            masked["error_info"] = shorten_error_info(masked["error_info"])
        event = Event(
            name=name,
            ts=ts,
            step=step,
            fields=masked,
            session=self._session,
            side=side,
            seq=self.last_seq + 1,
            mono=mono,
        )
        self._events.write(events.encode(event))
        self.last_seq += 1
        return event

    def write_metric(self, metric: Metric) -> None:
        """Write one metric.

        Raises:
            OSError: the write failed; the file is unchanged.
        """
        name, tags = self._redactor.redact_text(metric.name), self._redactor.redact_value(dict(metric.tags))
        self._metrics.write(metrics.encode(replace(metric, name=name, tags=tags)))

    def request_sync(self) -> None:
        """Request a flush to disk without waiting for it."""
        self._syncer.request()

    def sync(self) -> None:
        """Flush both files to disk."""
        self._events.sync()
        self._metrics.sync()

    def replaced_files(self) -> tuple[str, ...]:
        """Return the files of the log whose names now lead elsewhere, or nowhere."""
        files = ((layout.EVENTS, self._events), (layout.METRICS, self._metrics))
        return tuple(name for name, file in files if not self._directory.is_entry(name, file.fileno()))

    def restore_replaced(self) -> None:
        """Write the replaced files again, as they are at this moment.

        Raises:
            OSError: a write failed.
        """
        files = {layout.EVENTS: self._events, layout.METRICS: self._metrics}
        for name in self.replaced_files():
            self._directory.write(name, files[name].read(0, files[name].size))

    def release_reserve(self) -> None:
        """Release the reserved disk space, so that the end of the run can be written on a full disk."""
        self._reserve.release()

    def close(self) -> None:
        """Close both files; calling it twice is safe."""
        self._reserve.release()
        self._syncer.close()
        self._events.close()
        self._metrics.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
