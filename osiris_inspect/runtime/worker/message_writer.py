"""Numbers outgoing worker messages and batches writes without risking message loss."""

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
    """Writes messages in the order of their sequence numbers; thread-safe.

    Between ``start_batch`` and ``flush`` the lines of the batching thread are collected and written together.
    No driver runs inside a batch, so a driver that kills the process cannot lose a message. Lines of other
    threads are written at once, after the collected ones.
    """

    def __init__(self, write: Write, nonce: str = "") -> None:
        self._write = write
        self._nonce = nonce
        self._lock = threading.Lock()
        self._number = 0
        self._buffer: list[bytes] = []
        self._batch_thread: int | None = None

    def send(self, message: WorkerMessage) -> None:
        """Write a message, or collect it if this thread batches."""
        line = _encode(message)
        with self._lock:
            self._buffer.append(rpc.with_sequence(line, self._number, self._nonce))
            self._number += 1
            if self._batch_thread != threading.get_ident():
                self._flush()

    @contextmanager
    def batching(self) -> Iterator[None]:
        """Collect the messages of this thread inside the block and write them at its end."""
        self.start_batch()
        try:
            yield
        finally:
            self.flush()

    def start_batch(self) -> None:
        """Collect the messages of this thread from now on."""
        self._batch_thread = threading.get_ident()

    def flush(self) -> None:
        """Write the collected messages and end the batch; calling it twice is safe."""
        with self._lock:
            self._batch_thread = None
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            data, self._buffer = b"".join(self._buffer), []
            self._write(data)


def _encode(message: WorkerMessage) -> bytes:
    """Return the line of a message, shortened if it exceeds the limit: the proxy waits for an answer."""
    try:
        return rpc.encode_message(message)
    except MessageTooLarge as error:
        return rpc.encode_message(_shorten(message, error))


def _shorten(message: WorkerMessage, error: MessageTooLarge) -> WorkerMessage:
    match message:
        case Response(number):
            return ErrorResponse(number, error_to_dict(error))
        case ErrorResponse(number, fields):
            kind, text = str(fields.get("type"))[:1000], str(fields.get("message"))[:10_000]
            info = fields.get("error_info")  # short
            return ErrorResponse(number, {"type": kind, "message": text, "error_info": info})
        case EventMessage(seq, ts, name, step, _, mono):
            return EventMessage(seq, ts, name, step, {"not_told": str(error)}, mono)
        case MetricMessage(ts, name, value, step):
            return MetricMessage(ts, name[:1000], value, step)
