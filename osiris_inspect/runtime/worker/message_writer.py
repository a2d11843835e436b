"""What the worker says on its way out: numbered, whole, and as few writes as can be without a word being at stake."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from osiris_inspect.model.errors import MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.error_report import error_to_dict
from osiris_inspect.runtime.protocol.messages import (
    ErrorResponse,
    EventMessage,
    MetricMessage,
    Response,
    WorkerMessage,
)

Write = Callable[[bytes], object]


class MessageWriter:
    """Gives each reply its number and writes it before the next one, whichever thread posts it.

    Between ``hold`` and ``let_go`` the lines of the thread that holds are kept and written together. Nobody else's code
    runs in between: what a driver could take down with it has been written before. Another thread's line does not wait.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._number = 0
        self._buffer: list[bytes] = []
        self._batch_thread: int | None = None

    def send(self, reply: WorkerMessage) -> None:
        """Say it; at once, unless this thread holds."""
        line = _encoded(reply)
        with self._lock:
            self._buffer.append(rpc.with_sequence(line, self._number))
            self._number += 1
            if self._batch_thread is None or self._batch_thread != threading.get_ident():
                self._flush()

    @contextmanager
    def batching(self) -> Iterator[None]:
        """Keep what this thread posts inside, and write it when that is left."""
        self.start_batch()
        try:
            yield
        finally:
            self.flush()

    def start_batch(self) -> None:
        """Keep what this thread posts from now on."""
        self._batch_thread = threading.get_ident()

    def flush(self) -> None:
        """Write what was kept, and from now on each line at once; a second time does nothing."""
        with self._lock:
            self._batch_thread = None
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            data, self._buffer = b"".join(self._buffer), []
            self._write(data)


def _encoded(reply: WorkerMessage) -> bytes:
    """The line of a reply; one too large for a line is told as what it was, so that the host never waits for it."""
    try:
        return rpc.encode_message(reply)
    except MessageTooLarge as error:
        return rpc.encode_message(_truncated(reply, error))


def _truncated(reply: WorkerMessage, error: MessageTooLarge) -> WorkerMessage:
    match reply:
        case Response(number):
            return ErrorResponse(number, error_to_dict(error))
        case ErrorResponse(number, told):
            cut = {"type": str(told.get("type"))[:1000], "message": str(told.get("message"))[:10_000]}
            return ErrorResponse(number, cut)
        case EventMessage(seq, ts, name, step):
            return EventMessage(seq, ts, name, step, {"not_told": str(error)})
        case MetricMessage(ts, name, value, step):
            return MetricMessage(ts, name[:1000], value, step)
