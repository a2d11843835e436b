"""Append-only files of lines: the events and metrics of a run.

One open descriptor, one write a line: about a microsecond, and nothing is lost when the process dies. A writer that
resumes begins on a new line, so that a torn last line stays one unreadable line.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from osiris_inspect.model import event as events
from osiris_inspect.model import metric as metrics
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event, Side
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.files.line_file import BackgroundSync, JsonlFile, ReservedSpace


class EventLog:
    """The events and metrics of one run: the one writer of both files.

    ``seq`` counts from 0 without a gap; each line is masked before it is written.
    """

    def __init__(self, directory: Path, session: str, redactor: Redactor) -> None:
        self._session = session
        self._redactor = redactor
        self._events = JsonlFile(directory / layout.EVENTS, locked=True)
        self._metrics = JsonlFile(directory / layout.METRICS)
        self._reserve = ReservedSpace(directory)
        self._syncer = BackgroundSync(self._events, self._metrics)
        self._seq = 0

    def write_event(
        self, name: str, ts: float, side: Side, fields: Mapping[str, Any], step: str | None = None
    ) -> Event:
        """Write one event and give it as it was written.

        Raises:
            OSError: the disk refuses; the event is not there and its number is still free.
        """
        event = Event(
            name=name,
            ts=ts,
            step=step,
            fields=self._redactor.redact_value(dict(fields)),
            session=self._session,
            side=side,
            seq=self._seq,
        )
        self._events.write(events.encode(event))
        self._seq += 1
        return event

    def write_metric(self, metric: Metric) -> None:
        """Write one metric.

        Raises:
            OSError: the disk refuses.
        """
        tags = self._redactor.redact_value(dict(metric.tags))
        self._metrics.write(
            metrics.encode(replace(metric, name=self._redactor.redact_text(metric.name), tags=tags))
        )

    @property
    def is_locked(self) -> bool:
        """Whether a lock on the events tells others that this run is still going on."""
        return self._events.is_locked

    @property
    def last_seq(self) -> int:
        """The ``seq`` of the last event, -1 before the first."""
        return self._seq - 1

    def request_sync(self) -> None:
        """Have the disk take what was written until now, without waiting for it."""
        self._syncer.request()

    def sync(self) -> None:
        """Wait until the disk has both files."""
        self._events.sync()
        self._metrics.sync()

    def release_reserve(self) -> None:
        """Give back the reserved room, so that the end of the run can be written on a full disk."""
        self._reserve.release()

    def close(self) -> None:
        """Close both files; a second time does nothing."""
        self._reserve.release()
        self._syncer.close()
        self._events.close()
        self._metrics.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
