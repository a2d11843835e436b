"""Lines of a far worker, put together from pieces: each once, in the order of its number, whichever way it came."""

import queue
from typing import Final

from osiris_inspect.model.errors import MessageTooLarge, WorkerLost
from osiris_inspect.runtime.protocol import messages as rpc

_END: Final = None


class MessageReassembler:
    """Takes pieces from the live stream and whole files of lines, gives lines.

    A line that came early waits for those before it; one that came twice is dropped.

    Attributes:
        bytes: the length of all numbered lines given so far, newlines included: how far the worker's own file is known.
        how: how the worker ended, None while it may say more.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.how: str | None = None
        self._ready: queue.SimpleQueue[bytes | MessageTooLarge | None] = queue.SimpleQueue()
        self._stream = rpc.LineSplitter()
        self._is_torn = False
        self._next = 0
        self._early: dict[int, bytes] = {}

    @property
    def has_gap(self) -> bool:
        """Whether a line before one that came is still missing."""
        return bool(self._early)

    def feed(self, data: bytes) -> None:
        """Take a piece of the live stream."""
        for line in self._stream.feed(data):
            was_torn, self._is_torn = self._is_torn, False
            if was_torn and (isinstance(line, MessageTooLarge) or rpc.sequence_of(line) is None):
                continue  # the end of a line whose beginning went to nobody; the worker's file has it whole
            self._accept(line)

    def reconnect(self) -> None:
        """The live stream begins anew, perhaps in the middle of a line."""
        self._stream = rpc.LineSplitter()
        self._is_torn = True

    def fill_from_file(self, data: bytes) -> None:
        """Take the worker's own file, or the beginning of it; a last line without its newline is not whole yet."""
        for line in rpc.LineSplitter().feed(data):
            self._accept(line)

    def inject(self, line: bytes) -> None:
        """Take a line that is not the worker's."""
        self._ready.put(line)

    def end(self, how: str) -> None:
        """Nothing more will come."""
        if self.how is None:
            self.how = how
            self._ready.put(_END)

    def get(self, timeout: float | None) -> bytes | None:
        """The next line; None where ``timeout`` seconds passed without one.

        Raises:
            WorkerLost: there will be none.
            MessageTooLarge: a line was too long; the next one can be had.
        """
        try:
            line = self._ready.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is _END:
            self._ready.put(_END)  # whoever asks again is told again
            raise WorkerLost(self.how or "it said no more")
        if isinstance(line, MessageTooLarge):
            raise line
        return line

    def _accept(self, line: bytes | MessageTooLarge) -> None:
        number = None if isinstance(line, MessageTooLarge) else rpc.sequence_of(line)
        if number is None or isinstance(line, MessageTooLarge):
            self._ready.put(line)
        elif number >= self._next:
            self._early[number] = line
            self._deliver()

    def _deliver(self) -> None:
        while (line := self._early.pop(self._next, None)) is not None:
            self._next += 1
            self.bytes += len(line) + 1
            self._ready.put(line)
