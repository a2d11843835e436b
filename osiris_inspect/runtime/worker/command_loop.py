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
    worker = Worker(context, MessageWriter(write, context.nonce))
    try:
        for line in rpc.LineSplitter().split(chunks):
            if isinstance(line, MessageTooLarge):
                worker.reject(None, line)
                continue
            try:
                command = rpc.decode_command(line)
            except InvalidMessage as error:
                worker.reject(rpc.command_id_of(line), error)
            else:
                worker.handle(command)
    finally:
        worker.close()
