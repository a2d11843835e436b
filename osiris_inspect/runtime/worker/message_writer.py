"""What the worker says on its way out: numbered, whole, and as few writes as can be without a word being at stake."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from osiris_inspect.model.errors import MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.error_report import describe_error
from osiris_inspect.runtime.protocol.messages import Failure, Measured, Reply, Response, Told

Write = Callable[[bytes], object]


class Outbox:
    """Gives each reply its number and writes it before the next one, whichever thread posts it.

    Between ``hold`` and ``let_go`` the lines of the thread that holds are kept and written together. Nobody else's code
    runs in between: what a driver could take down with it has been written before. Another thread's line does not wait.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._number = 0
        self._held: list[bytes] = []
        self._holder: int | None = None

    def post(self, reply: Reply) -> None:
        """Say it; at once, unless this thread holds."""
        line = _encoded(reply)
        with self._lock:
            self._held.append(rpc.numbered(line, self._number))
            self._number += 1
            if self._holder is None or self._holder != threading.get_ident():
                self._flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Keep what this thread posts inside, and write it when that is left."""
        self.hold()
        try:
            yield
        finally:
            self.let_go()

    def hold(self) -> None:
        """Keep what this thread posts from now on."""
        self._holder = threading.get_ident()

    def let_go(self) -> None:
        """Write what was kept, and from now on each line at once; a second time does nothing."""
        with self._lock:
            self._holder = None
            self._flush()

    def _flush(self) -> None:
        if self._held:
            data, self._held = b"".join(self._held), []
            self._write(data)


def _encoded(reply: Reply) -> bytes:
    """The line of a reply; one too large for a line is told as what it was, so that the host never waits for it."""
    try:
        return rpc.encode_reply(reply)
    except MessageTooLarge as error:
        return rpc.encode_reply(_shortened(reply, error))


def _shortened(reply: Reply, error: MessageTooLarge) -> Reply:
    match reply:
        case Response(number):
            return Failure(number, describe_error(error))
        case Failure(number, told):
            cut = {"type": str(told.get("type"))[:1000], "message": str(told.get("message"))[:10_000]}
            return Failure(number, cut)
        case Told(seq, ts, name, step):
            return Told(seq, ts, name, step, {"not_told": str(error)})
        case Measured(ts, name, value, step):
            return Measured(ts, name[:1000], value, step)
