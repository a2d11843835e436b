"""The worker's loop: bytes in, commands done, lines out."""

from collections.abc import Callable, Iterable

from osiris_inspect.model.errors import BadMessage, MessageTooLarge
from osiris_inspect.runtime import rpc
from osiris_inspect.runtime.rpc import Failure, Reply
from osiris_inspect.runtime.surroundings import Surroundings
from osiris_inspect.runtime.worker import Worker, describe_error


def serve(chunks: Iterable[bytes], write: Callable[[bytes], None], here: Surroundings) -> None:
    """Answer the commands in ``chunks`` (bytes cut anywhere) until they end; every frame is let go of then.

    ``write`` takes whole lines and may be called from another thread while a step runs.
    """
    worker = Worker(here, lambda reply: write(_encoded(reply)))
    lines = rpc.Lines()
    try:
        for chunk in chunks:
            for line in lines.feed(chunk):
                _answer(worker, line)
        for line in lines.end():
            _answer(worker, line)
    finally:
        worker.close()


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
    """The line of a reply; one that cannot be a line is told as a failure, so that the host never waits for it."""
    try:
        return rpc.encode_reply(reply)
    except (TypeError, MessageTooLarge) as error:
        match reply:
            case rpc.Response(number):
                return rpc.encode_reply(Failure(number, describe_error(error)))
            case rpc.Failure(number, told):
                cut = {"type": str(told.get("type")), "message": str(told.get("message"))[:10_000]}
                return rpc.encode_reply(Failure(number, cut))
            case rpc.Told(seq, ts, name, step):
                return rpc.encode_reply(rpc.Told(seq, ts, name, step, {"not_told": str(error)[:1000]}))
            case rpc.Measured():
                raise
