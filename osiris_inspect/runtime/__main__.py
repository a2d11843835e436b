"""The worker as a process of its own: ``python -m osiris_inspect.runtime SESSION ISOLATION HOST_PID``.

The wire is a private descriptor: descriptor 1 points at stderr, so that a driver, a C library or a child process that
prints cannot speak on the wire, and descriptor 0 at nothing, so that none of them can listen.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CHUNK = 1 << 16


def main() -> None:
    """Serve until stdin ends."""
    session, isolation, host = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    _die_with(host)
    commands, wire = _guard()
    from osiris_inspect.runtime.serving import serve
    from osiris_inspect.runtime.surroundings import Surroundings

    lock = threading.Lock()

    def write(line: bytes) -> None:
        data = memoryview(line)
        with lock:
            while data:
                data = data[os.write(wire, data) :]

    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole terminal; the host decides what ends
    here = Surroundings(session, isolation, time.time, tuple(sorted(os.environ)))
    serve(_chunks(commands), write, here)


def _die_with(host: int) -> None:
    """End when the host dies, also in the middle of a step."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if host and os.getppid() != host:
            sys.exit(1)  # it died before we asked


def _guard() -> tuple[int, int]:
    commands, wire = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # a driver that prints must not speak on the wire
    os.close(nothing)
    return commands, wire


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


if __name__ == "__main__":
    main()
