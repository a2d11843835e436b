"""Command loop of the worker: reads commands from chunks of bytes and writes numbered lines.

A thread of its own reads them, so that ``capture`` is executed while a driver runs.
"""

import threading
from collections.abc import Iterable
from queue import SimpleQueue

from osiris_inspect.model.errors import InvalidMessage, MessageTooLarge
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.worker.message_writer import MessageWriter, Write
from osiris_inspect.runtime.worker.worker import Worker

_Lines = SimpleQueue[bytes | MessageTooLarge | BaseException | None]


def serve(chunks: Iterable[bytes], write: Write, context: WorkerContext) -> None:
    """Execute the commands in ``chunks`` until they end, then release every frame.

    ``write`` receives one or more whole lines per call, in the order of their sequence numbers.
    """
    worker = Worker(context, MessageWriter(write, context.nonce))
    lines: _Lines = SimpleQueue()
    try:
        threading.Thread(target=_read, args=(chunks, lines, worker), name="commands", daemon=True).start()
        while (line := lines.get()) is not None:
            if isinstance(line, MessageTooLarge):
                worker.reject(None, line)
            elif isinstance(line, BaseException):
                raise line
            else:
                _execute(worker, line)
    finally:
        worker.close()


def _execute(worker: Worker, line: bytes) -> None:
    try:
        command = rpc.decode_command(line)
    except InvalidMessage as error:
        worker.reject(rpc.command_id_of(line), error)
    else:
        worker.handle(command)


def _read(chunks: Iterable[bytes], lines: _Lines, worker: Worker) -> None:
    """Pass lines to the thread of the drivers, except ``capture``, which is executed here."""
    try:
        for line in rpc.LineSplitter().split(chunks):
            if isinstance(line, bytes) and _CAPTURE in line and _capture(worker, line):
                continue
            lines.put(line)
        lines.put(None)
    except BaseException as error:  # noqa: BLE001  the other thread raises it
        lines.put(error)


_CAPTURE = b'"capture"'


def _capture(worker: Worker, line: bytes) -> bool:
    """Execute the command ``capture``; return False if the line is another one."""
    try:
        command = rpc.decode_command(line)
    except InvalidMessage:
        return False
    if command.verb != "capture":
        return False
    worker.capture(command)
    return True
