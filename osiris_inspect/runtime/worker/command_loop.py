"""The worker's loop: bytes in, commands done, numbered lines out."""

from collections.abc import Iterable

from osiris_inspect.model.errors import BadMessage, MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.environment import Surroundings
from osiris_inspect.runtime.worker.message_writer import Outbox, Write
from osiris_inspect.runtime.worker.worker import Worker


def serve(chunks: Iterable[bytes], write: Write, here: Surroundings) -> None:
    """Answer the commands in ``chunks`` (bytes cut anywhere) until they end; every frame is let go of then.

    ``write`` takes whole lines, one or several at a time, in the order of their numbers.
    """
    worker = Worker(here, Outbox(write))
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
