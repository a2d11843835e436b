"""Reassembly of a remote worker's lines from a stream and a file, each line once and in order."""

import queue
from typing import Final

from osiris_inspect.model.errors import MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.transport.worker_exit import WorkerExit

_END: Final = None


class MessageReassembler:
    """Accepts pieces of the live stream and the worker's file, returns lines.

    Lines that arrive early wait for the lines before them; duplicates are dropped. Lines without the nonce of
    the run and a number are returned as they arrive, those of the file once.

    Attributes:
        bytes: bytes of the worker's file that have been returned.
        exit: how the worker ended; None while it runs.
    """

    def __init__(self, nonce: str = "") -> None:
        self.bytes = 0
        self.exit: WorkerExit | None = None
        self._ready: queue.SimpleQueue[bytes | MessageTooLarge | None] = queue.SimpleQueue()
        self._nonce = nonce
        self._stream = rpc.LineSplitter()
        self._is_torn = False
        self._file = rpc.LineSplitter()
        self._file_line = 0
        self._checked_file_lines = 0
        self._next = 0
        self._early: dict[int, bytes] = {}

    @property
    def has_gap(self) -> bool:
        """True if a line arrived and one before it is missing."""
        return bool(self._early)

    def feed(self, data: bytes) -> None:
        """Add a piece of the live stream."""
        for line in self._stream.feed(data):
            was_torn, self._is_torn = self._is_torn, False
            if was_torn and (isinstance(line, MessageTooLarge) or self._number(line) is None):
                continue  # the end of a line whose start was lost; the worker's file has all of it
            self._accept(line)

    def reconnect(self) -> None:
        """Start a new live stream, which may begin in the middle of a line."""
        self._stream = rpc.LineSplitter()
        self._is_torn = True

    def start_file(self) -> None:
        """Start to read the worker's file from its beginning."""
        self._file = rpc.LineSplitter()
        self._file_line = 0

    def feed_from_file(self, data: bytes) -> None:
        """Add the next piece of the worker's file; a last line without a newline is ignored."""
        for line in self._file.feed(data):
            self._file_line += 1
            if self._number(line) is not None:
                self._accept(line)
            elif self._file_line > self._checked_file_lines:
                self.bytes += _length(line)
                self._ready.put(line)
            self._checked_file_lines = max(self._checked_file_lines, self._file_line)

    def inject(self, line: bytes) -> None:
        """Add a line of the proxy's side."""
        self._ready.put(line)

    def end(self, exit_: WorkerExit) -> None:
        """Set how the worker ended; no more lines are added after it."""
        if self.exit is None:
            self.exit = exit_
            self._ready.put(_END)

    def get(self, timeout: float | None) -> bytes | None:
        """Return the next line; None after ``timeout`` seconds without one.

        Raises:
            WorkerLost: the worker has ended, and all lines were returned.
            MessageTooLarge: a line over the limit was dropped; the next one can be returned.
        """
        try:
            line = self._ready.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is _END:
            self._ready.put(_END)  # for the next call
            raise (self.exit or WorkerExit("no more messages")).error()
        if isinstance(line, MessageTooLarge):
            raise line
        return line

    def _accept(self, line: bytes | MessageTooLarge) -> None:
        number = self._number(line)
        if number is None or isinstance(line, MessageTooLarge):
            self._ready.put(line)
        elif number >= self._next:
            self._early[number] = line
            while (line := self._early.pop(self._next, b"")) != b"":
                self._next += 1
                self.bytes += len(line) + 1
                self._ready.put(line)

    def _number(self, line: bytes | MessageTooLarge) -> int | None:
        return None if isinstance(line, MessageTooLarge) else rpc.sequence_of(line, self._nonce)


def _length(line: bytes | MessageTooLarge) -> int:
    return int(line.facts["bytes"]) if isinstance(line, MessageTooLarge) else len(line) + 1
