"""A log that is still written: its new lines as they come, through rotation and truncation.

A line is given when its newline is there; what was cut off by a crash is given when a writer that resumed ended it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine

Line = tuple[int, bytes]
INTERVAL: Final = 0.1
"""Seconds between two looks at a file: short for an eye, and ten system calls a second are nothing to a machine."""
_BLOCK = 1 << 20
_KNOWN = 64
_LAST_WORD = b"run_end"
LOCK_NOTICE_LINES: Final = 10
"""Lines of a log within which it says that it is locked."""


class LogFollower(AbstractContextManager["LogFollower"]):
    """The end of a file that grows. Each call of ``new_lines`` gives what was added since the last one.

    A file that was replaced or cut is read from its beginning, and its lines count from 1 again. One that is not there
    yet is waited for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._place = 0
        self._number = 0
        self._before = b""
        self._rest = b""
        self._too_long = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def new_lines(self) -> Iterator[Line]:
        """The lines that were ended since the last call, with their numbers from 1, without their newlines."""
        if self._descriptor is not None:
            yield from self._added()
        if self._was_replaced():
            yield from self.partial_line()
            self._reopen()
            if self._descriptor is not None:
                yield from self._added()

    def _added(self) -> Iterator[Line]:
        if self._descriptor is None:
            return
        if not self._is_same_file():
            self._reset()
        while block := os.pread(self._descriptor, _BLOCK, self._place):
            self._place += len(block)
            self._before = (self._before + block)[-_KNOWN:]
            yield from self._split(block)

    def _split(self, block: bytes) -> Iterator[Line]:
        *whole, rest = block.split(b"\n")
        for piece in whole:
            self._number += 1
            line, self._rest = self._rest + piece, b""
            if self._too_long or len(line) > jsonl.MAX_LINE:
                self._too_long = False
                continue  # counted and left out, as where a run is read from its beginning
            yield self._number, line
        self._rest += rest
        if len(self._rest) > jsonl.MAX_LINE:
            self._rest, self._too_long = b"", True

    def _is_same_file(self) -> bool:
        """Whether what was read is still what stands before the place; a file cut and written again differs."""
        if self._descriptor is None:
            return True
        length = len(self._before)
        return os.pread(self._descriptor, length, self._place - length) == self._before

    def _was_replaced(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:  # moved away, or not there yet
            return False
        if self._descriptor is None:
            return True
        held = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)

    def partial_line(self) -> Iterator[Line]:
        """What stands behind the last newline, where nobody will end that line any more."""
        if self._rest.strip():
            yield self._number + 1, self._rest

    def _reopen(self) -> None:
        self.close()
        try:
            self._descriptor = open_regular(self._path, follow_symlinks=True)
        except OSError:  # gone again; looked for the next time
            self._descriptor = None
        self._reset()

    def _reset(self) -> None:
        self._place = self._number = 0
        self._before = self._rest = b""
        self._too_long = False


def follow(
    path: Path, *, sleep: Callable[[float], object], on_truncated: Callable[[], object] = lambda: None
) -> Iterator[list[Line]]:
    """The lines of a log as they come, in batches, from its first line up to the end of its run.

    ``wait`` is given the seconds until the next look, and ends the following where it gives something true. A log that
    said that it is locked while it is written ends without its last word when nobody holds the lock any more: its
    writer died. ``cut_off`` is called then.
    """
    writer = _Writer(path)
    with LogFollower(path) as tail:
        while True:
            lines = list(tail.new_lines())
            gone = not lines and writer.has_exited()
            if gone:
                lines = [*tail.new_lines(), *tail.partial_line()]  # what it wrote between the two questions
            if lines:
                yield lines
            writer.observe(lines)
            if any(is_final_event(line) for _, line in lines):
                return
            if gone:
                on_truncated()
            if gone or sleep(INTERVAL):
                return


class _Writer:
    """Who writes a log, as far as the log and its lock tell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._disk: RunFiles | None = None
        self._locks = False

    def observe(self, lines: Iterable[Line]) -> None:
        """Look in lines whether the writer says that it holds a lock; it does so at the beginning of a log."""
        for number, line in lines:
            if number == 1:
                self._locks = False
            self._locks = self._locks or (number <= LOCK_NOTICE_LINES and _says_locked(line))

    def has_exited(self) -> bool:
        """Whether it held a lock and does no more."""
        if not self._locks:
            return False
        if self._disk is None:
            self._disk = RunFiles(self._path.parent)
        return self._disk.is_locked(self._path.name) is False


def _says_locked(line: bytes) -> bool:
    try:
        return b'"locked"' in line and events.decode(line).fields.get("locked") is True
    except InvalidLine:
        return False


def is_final_event(line: bytes) -> bool:
    """Whether a line is the last word of a run."""
    if _LAST_WORD not in line:
        return False
    try:
        return events.decode(line).name == "run_end"
    except InvalidLine:
        return False
