"""A long file sniffed by several processes: who takes which range, and what they have told so far.

The one that holds the index takes the first range itself, and whatever a mate leaves: one that dies, that says nonsense
or falls silent costs time and no line. Mates are programs of their own and not forks, since whoever wants an index may
have threads.
"""

import os
import select
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.inspector.event_log.index.blocks import BLOCK
from osiris_inspect.inspector.event_log.index.scan_result import (
    BlockDecoder,
    InvalidScanMessage,
    ScannedBlock,
    parse_message,
)
from osiris_inspect.inspector.event_log.index.scanner import LineScanner

if TYPE_CHECKING:
    import subprocess

MAX_WORKERS: Final = 4
"""Processes at most: the disk and the memory of the machine are there for others too."""
MIN_BYTES_PER_WORKER: Final = 64 << 20
"""Bytes for which it is worth having another process."""
OWN_SHARE_BYTES: Final = 96 << 20
"""Bytes that are sniffed while another process starts."""
_TAKEOVER_COST: Final = 0.12
"""What it takes to add lines that another one sniffed, as a share of sniffing them."""
WORKER_TIMEOUT_S: Final = 200
"""Looks at a mate that tells nothing, while it is waited for, before it is left alone."""
_LOOK_MS: Final = 50
_HEARD: Final = 1 << 16
_PROGRAM: Final = "osiris_inspect.inspector.event_log.index.scan_worker"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """How a file is shared out.

    Attributes:
        most: processes at most, the one that asks included.
        least: bytes for each mate at least.
        head_start: bytes that the one that asks takes more than a mate, since it need not start.
        block: bytes of a block.
    """

    most: int
    least: int = MIN_BYTES_PER_WORKER
    head_start: int = OWN_SHARE_BYTES
    block: int = BLOCK


@dataclass(slots=True)
class ScanWorker:
    """A process that sniffs the lines from ``begin`` to ``end``, and what it has told so far.

    Attributes:
        heard: the end of the pipe on which it tells.
        columns: the file into which it writes the columns.
        ahead: bytes of which it has told and that were not asked for yet.
    """

    begin: int
    end: int
    received: int
    columns: int
    pending: int = 0
    _said: deque[dict[str, Any]] = field(default_factory=deque)
    _rest: bytes = b""
    _is_done: bool = False
    _poll: select.poll = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        self._poll.register(self.received, select.POLLIN)

    def poll_messages(self, wait_ms: int = 0) -> bool:
        """Hear what was told; where there is nothing, wait for it, but not for long. Whether there was something."""
        if not self._is_done and self._poll.poll(wait_ms):
            told = os.read(self.received, _HEARD)
            *lines, self._rest = (self._rest + told).split(b"\n")
            self._is_done = not told
            try:
                for line in lines:
                    self._hear(parse_message(line))
            except (
                InvalidScanMessage
            ):  # what it told before may be right; what it leaves is sniffed by who asks
                self._is_done = True
        return bool(self._said)

    def blocks(self, sniffer: LineScanner) -> Iterator[ScannedBlock | None]:
        """The blocks of its range with the names of a sniffer, as far as it tells of them; None while it lets one wait."""
        listener, looks = BlockDecoder(self.columns, sniffer), 0
        while (self._said or not self._is_done) and looks < WORKER_TIMEOUT_S:
            if not self._said and not self.poll_messages(_LOOK_MS):
                looks += 1
                yield None
                continue
            try:
                block = listener.block(self._take())
            except InvalidScanMessage:
                break
            looks = 0
            yield block
        self.stop()

    def stop(self) -> None:
        """Listen no more."""
        self._said.clear()
        self._is_done, self.pending = True, 0

    def _hear(self, said: dict[str, Any]) -> None:
        self._said.append(said)
        self.pending += said["taken"]

    def _take(self) -> dict[str, Any]:
        said = self._said.popleft()
        self.pending -= said["taken"]
        return said


@contextmanager
def start_workers(descriptor: int, begin: int, sharing: Partitioning) -> Iterator[list[ScanWorker]]:
    """Processes that sniff the later parts of what stands behind ``begin``; none where that is not worth it.

    They are gone when this is left.
    """
    with ExitStack() as stack:
        found: list[ScanWorker] = []
        if sharing.most > 1:
            for part in split_ranges(descriptor, begin, sharing)[1:]:
                with suppress(OSError):  # no process, no room for a file: the range is sniffed by who asks
                    found.append(stack.enter_context(_started(descriptor, part, sharing.block)))
        yield found


def default_partitioning() -> Partitioning:
    """How files are shared out on this machine: by as many processes as there are processors for this one."""
    is_python = Path(sys.executable or "").name.startswith(("python", "pypy"))
    if not sys.platform.startswith("linux") or not is_python or getattr(sys, "frozen", False):
        return Partitioning(
            1
        )  # elsewhere descriptors are not handed on like this; a program that holds Python is not one
    return Partitioning(min(MAX_WORKERS, len(os.sched_getaffinity(0))))


def split_ranges(descriptor: int, begin: int, sharing: Partitioning) -> list[tuple[int, int]]:
    """What stands behind ``begin``, in parts that take about the same time and begin where lines begin.

    The first one is for who asks.
    """
    end = os.fstat(descriptor).st_size
    sizes = ((count, _for_each(end - begin - sharing.head_start, count)) for count in range(1, sharing.most))
    count, size = max(((count, size) for count, size in sizes if size >= sharing.least), default=(0, 0))
    places = (_next_line(descriptor, end - size * number) for number in range(count, 0, -1))
    starts = sorted({begin, *(place for place in places if place is not None and place < end)})
    return list(zip(starts, [*starts[1:], end], strict=True))


def _for_each(bytes_: int, mates: int) -> int:
    """Bytes for each of some mates, so that the one who asks has time to take over what they sniffed."""
    return int(bytes_ / (1 + mates * (1 - _TAKEOVER_COST)))


def _next_line(descriptor: int, place: int) -> int | None:
    """Where the first line behind a place begins; None where that is far."""
    found = os.pread(descriptor, BLOCK, place).find(b"\n")
    return place + found + 1 if found >= 0 else None


@contextmanager
def _started(descriptor: int, part: tuple[int, int], block: int) -> Iterator[ScanWorker]:
    import tempfile

    with tempfile.TemporaryFile(buffering=0) as columns, ExitStack() as stack:
        heard, out = os.pipe()
        stack.callback(os.close, heard)
        try:
            process = stack.enter_context(_process(descriptor, columns.fileno(), part, block, out))
        finally:
            os.close(out)  # the only one left is the mate's, so that its end is heard
        stack.callback(process.kill)
        yield ScanWorker(*part, heard, columns.fileno())


def _process(
    descriptor: int, columns: int, part: tuple[int, int], block: int, out: int
) -> "subprocess.Popen[bytes]":
    import subprocess

    told = [descriptor, columns, *part, block]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", _PROGRAM, *map(str, told)],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor, columns),
    )
