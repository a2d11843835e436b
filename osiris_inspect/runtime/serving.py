"""The worker's loop: bytes in, commands done, numbered lines out."""

import threading
from collections.abc import Callable, Iterable

from osiris_inspect.model.errors import BadMessage, MessageTooLarge
from osiris_inspect.runtime import rpc
from osiris_inspect.runtime.rpc import Failure, Reply, Told
from osiris_inspect.runtime.surroundings import Surroundings
from osiris_inspect.runtime.worker import Worker, describe_error

Write = Callable[[bytes], object]


def serve(chunks: Iterable[bytes], write: Write, here: Surroundings) -> None:
    """Answer the commands in ``chunks`` (bytes cut anywhere) until they end; every frame is let go of then.

    ``write`` takes whole lines, one at a time, in the order of their numbers.
    """
    worker = Worker(here, _numbering(write))
    lines = rpc.Lines()
    try:
        for chunk in chunks:
            for line in lines.feed(chunk):
                _answer(worker, line)
        for line in lines.end():
            _answer(worker, line)
    finally:
        worker.close()


def _numbering(write: Write) -> Callable[[Reply], None]:
    """Posts replies: each gets its number and is written before the next one, whichever thread posts it."""
    lock = threading.Lock()
    number = 0

    def post(reply: Reply) -> None:
        nonlocal number
        line = _encoded(reply)
        with lock:
            write(rpc.numbered(line, number))
            number += 1

    return post


def _answer(worker: Worker, line: bytes | MessageTooLarge) -> None:
    if isinstance(line, MessageTooLarge):
        worker.refuse(None, line)
        return
    try:
        command = rpc.decode_command(line)
    except BadMessage as error:
        worker.refuse(rpc.id_of(line), error)
        return
    worker.answer(command)


def _encoded(reply: Reply) -> bytes:
    """The line of a reply; one too large for a line is told as what it was, so that the host never waits for it."""
    try:
        return rpc.encode_reply(reply)
    except MessageTooLarge as error:
        match reply:
            case rpc.Response(number):
                return rpc.encode_reply(Failure(number, describe_error(error)))
            case rpc.Failure(number, told):
                cut = {"type": str(told.get("type"))[:1000], "message": str(told.get("message"))[:10_000]}
                return rpc.encode_reply(Failure(number, cut))
            case Told(seq, ts, name, step):
                return rpc.encode_reply(Told(seq, ts, name, step, {"not_told": str(error)}))
            case rpc.Measured(ts, name, value, step):
                return rpc.encode_reply(rpc.Measured(ts, name[:1000], value, step))
