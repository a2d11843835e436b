"""Command loop of the worker: reads commands from chunks of bytes and writes numbered lines."""

from collections.abc import Iterable

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.worker.message_writer import MessageWriter, Write
from osiris_inspect.runtime.worker.worker import Worker


def serve(chunks: Iterable[bytes], write: Write, context: WorkerContext) -> None:
    """Execute the commands in ``chunks`` until they end, then release every frame.

    ``write`` receives one or more whole lines per call, in the order of their sequence numbers.
    """
    worker = Worker(context, MessageWriter(write))
    lines = rpc.LineSplitter()
    try:
        for chunk in chunks:
            for line in lines.feed(chunk):
                _handle_line(worker, line)
        for line in lines.end():
            _handle_line(worker, line)
    finally:
        worker.close()


def _handle_line(worker: Worker, line: bytes | MessageTooLarge) -> None:
    if isinstance(line, MessageTooLarge):
        worker.reject(None, line)
        return
    try:
        command = rpc.decode_command(line)
    except InvalidMessage as error:
        worker.reject(rpc.command_id_of(line), error)
        return
    worker.handle(command)
