"""A worker on the calling thread, with the terminal of the program, and the debugger after an error of its step."""

import os
import pdb
import signal
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import format_exception_only
from types import TracebackType
from typing import Any, Final

from osiris_inspect.model.errors import WorkerLost
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from osiris_inspect.runtime.worker.message_writer import MessageWriter
from osiris_inspect.runtime.worker.worker import Worker

_PACKAGE: Final = str(Path(__file__).parents[2])
_DRIVERS: Final = os.path.join(_PACKAGE, "runtime", "drivers", "")  # noqa: PTH118  with a separator at its end
_LIBRARIES: Final = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platlib", "purelib"))


class DebuggedWorker(Transport):
    """Worker that executes each command while it is sent; Ctrl-C interrupts the driver."""

    mode: RunMode = "local"
    isolation_level = "none"

    def __init__(self, environment: Mapping[str, str], on_error: Callable[[BaseException], None]) -> None:
        self.details: Mapping[str, Any] = {}
        self._env_names, self._on_error = tuple(sorted(environment)), on_error
        self._lines: deque[bytes] = deque()
        self._worker: Worker | None = None

    def start(self, launch: LaunchSpec) -> str:
        """Create the worker."""
        context = WorkerContext(
            launch.run_dir, self.isolation_level, time.time, self._env_names, nonce=launch.nonce
        )
        self._worker = Worker(context, MessageWriter(self._write, context.nonce), self._on_error)
        return str(launch.base)

    def send(self, line: bytes) -> None:
        """Execute one command."""
        if self._worker is None:
            raise WorkerLost("it was closed")
        previous = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self._worker.handle(rpc.decode_command(line.rstrip(b"\n")))
        finally:
            signal.signal(signal.SIGINT, previous)

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next line; all of them are there when ``send`` returns."""
        del timeout
        if self._lines:
            return self._lines.popleft()
        if self._worker is None:
            raise WorkerLost("it was closed")
        return None

    def kill(self) -> None:
        """Release the worker, which runs no command now."""
        self.close()

    def close(self) -> None:
        """Release the frames of the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _write(self, data: bytes) -> None:
        self._lines.extend(data.split(b"\n")[:-1])


def debug_error(error: BaseException) -> None:
    """Start the debugger of Python in the innermost frame of the user's code."""
    frames = user_frames(error.__traceback__)
    if frames is None:
        return
    debugger = pdb.Pdb()
    debugger.message("".join(format_exception_only(error)).rstrip())
    debugger.reset()
    debugger.interaction(None, frames)


def user_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback up to the innermost frame outside of this package and of installed ones.

    If all are inside, the innermost frame of a driver of this package is the last one.
    """
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    files = [entry.tb_frame.f_code.co_filename for entry in entries]
    for is_candidate in (_is_of_user, _is_driver):
        chosen = [number for number, file in enumerate(files) if is_candidate(file)]
        if chosen:
            entries = entries[: chosen[-1] + 1]
            break
    copied: TracebackType | None = None
    for entry in reversed(entries):
        copied = TracebackType(copied, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return copied


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE + os.sep)


def _is_driver(file: str) -> bool:
    return file.startswith(_DRIVERS) and not file.startswith(_DRIVERS + "interface")


def _is_of_user(file: str) -> bool:
    is_library = file.startswith((*_LIBRARIES, sys.base_prefix + os.sep, "<")) or "site-packages" in file
    return not is_library and not _is_ours(file)
