"""Divides a long log among worker processes.

The process that holds the index scans the first range, and every line that a worker did not scan. Workers are
programs and not forks, because the caller may have threads.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from osiris_inspect.inspector.event_log.index.blocks import BLOCK
from osiris_inspect.inspector.event_log.index.scan_worker import PROGRESS_BYTES, read_blocks
from osiris_inspect.inspector.event_log.index.scanner import LineScanner, ScannedBlock

if TYPE_CHECKING:
    import subprocess

MAX_PROCESSES: Final = 4
"""Processes at most, this one included, so that other programs keep some of the disk and the memory."""
MIN_BYTES_PER_WORKER: Final = 64 << 20
OWN_EXTRA_BYTES: Final = 96 << 20
"""Bytes that this process scans while a worker starts."""
MAX_WAITS: Final = 200
"""Waits without progress after which a worker is killed."""
_WAIT_S: Final = 0.05
_TAKEOVER_COST: Final = 0.12
"""Time to add lines that a worker scanned, as a share of the time to scan them."""
_PROGRAM: Final = "osiris_inspect.inspector.event_log.index.scan_worker"


@dataclass(slots=True)
class ScanWorker:
    """A process that scans the lines from ``begin`` to ``end`` into the file ``output``."""

    begin: int
    end: int
    process: "subprocess.Popen[bytes]"
    output: BinaryIO

    @property
    def position(self) -> int:
        """Position up to which the log is scanned."""
        position = int.from_bytes(os.pread(self.output.fileno(), PROGRESS_BYTES, 0), "little")
        return min(max(position, self.begin), self.end)

    def blocks(self, scanner: LineScanner) -> Iterator[ScannedBlock | None]:
        """Yield None while the worker runs, then its blocks with the codes of ``scanner``."""
        waits, position = 0, self.position
        while self.process.poll() is None and waits < MAX_WAITS:
            yield None
            time.sleep(_WAIT_S)
            waits = waits + 1 if self.position == position else 0
            position = self.position
        self.process.kill()
        self.process.wait()
        yield from read_blocks(self.output, scanner)


@contextmanager
def start_workers(descriptor: int, begin: int) -> Iterator[list[ScanWorker]]:
    """Start workers for the later parts of a long log from ``begin`` on; kill them at the end."""
    with ExitStack() as stack:
        workers: list[ScanWorker] = []
        for start, end in split_ranges(descriptor, begin, max_processes())[1:]:
            with suppress(OSError):  # without a process or a file, the caller scans the range
                workers.append(stack.enter_context(_start_worker(descriptor, start, end)))
        yield workers


def max_processes() -> int:
    """Return the number of processes to use: one for each CPU, but 1 if this program cannot start Python."""
    is_python = Path(sys.executable or "").name.startswith(("python", "pypy"))
    if not sys.platform.startswith("linux") or not is_python or getattr(sys, "frozen", False):
        return 1
    return min(MAX_PROCESSES, len(os.sched_getaffinity(0)))


def split_ranges(descriptor: int, begin: int, processes: int) -> list[tuple[int, int]]:
    """Divide what follows ``begin`` into ranges that begin with a line and take about the same time.

    The first range is for this process.
    """
    end = os.fstat(descriptor).st_size
    sizes = ((count, _bytes_per_worker(end - begin, count)) for count in range(1, processes))
    count, size = max(
        ((count, size) for count, size in sizes if size >= MIN_BYTES_PER_WORKER), default=(0, 0)
    )
    starts = [begin]
    for position in (end - size * number for number in range(count, 0, -1)):
        length = os.pread(descriptor, BLOCK, position).find(b"\n") + 1
        if length and starts[-1] < position + length < end:
            starts.append(position + length)
    return list(zip(starts, [*starts[1:], end], strict=True))


def _bytes_per_worker(size: int, workers: int) -> int:
    """Return the bytes for each worker that leave this process enough time to add their lines."""
    return int((size - OWN_EXTRA_BYTES) / (1 + workers * (1 - _TAKEOVER_COST)))


@contextmanager
def _start_worker(descriptor: int, begin: int, end: int) -> Iterator[ScanWorker]:
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, *map(str, (descriptor, begin, end, os.getpid()))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )
        try:
            yield ScanWorker(begin, end, process, output)
        finally:
            process.kill()
            process.wait()
