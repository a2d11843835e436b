"""Follows a log that is being written, through rotation and truncation.

A line is yielded when its newline is written; a line that a crash cut is yielded when a resumed writer ends
it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Self

from osiris_inspect.inspector.files.run_files import NumberedLine, RunFiles, reason_of
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine, RunNotReadable

INTERVAL: Final = 0.1
"""Seconds between two reads of a file."""
_BLOCK = 1 << 20
_COMPARED_BYTES = 64
_END_EVENT = b"run_end"
LOCK_NOTICE_LINES: Final = 10
"""Lines at the beginning of a log in which it may say that its writer holds a lock."""


class LogFollower(AbstractContextManager["LogFollower"]):
    """Reader of a file that grows.

    A file that is replaced or truncated is read from its beginning, and its lines count from 1 again. A
    missing file is waited for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._position = 0
        self._number = 0
        self._before = b""
        self._rest = b""
        self._too_long = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def new_lines(self) -> Iterator[NumberedLine]:
        """Yield the lines completed since the last call, numbered from 1, without their newlines."""
        if self._descriptor is not None:
            yield from self._added()
        if self._was_replaced():
            yield from self.partial_line()
            self._reopen()
            if self._descriptor is not None:
                yield from self._added()

    def _added(self) -> Iterator[NumberedLine]:
        if self._descriptor is None:
            return
        if not self._is_same_file():
            self._reset()
        while block := os.pread(self._descriptor, _BLOCK, self._position):
            self._position += len(block)
            self._before = (self._before + block)[-_COMPARED_BYTES:]
            yield from self._split(block)

    def _split(self, block: bytes) -> Iterator[NumberedLine]:
        *whole, rest = block.split(b"\n")
        for piece in whole:
            self._number += 1
            line, self._rest = self._rest + piece, b""
            if self._too_long or len(line) > jsonl.MAX_LINE:
                self._too_long = False
                continue  # counted and left out
            yield self._number, line
        self._rest += rest
        if len(self._rest) > jsonl.MAX_LINE:
            self._rest, self._too_long = b"", True

    def _is_same_file(self) -> bool:
        """Return True if the last bytes read are still there; they differ in a file that was rewritten."""
        if self._descriptor is None:
            return True
        length = len(self._before)
        return os.pread(self._descriptor, length, self._position - length) == self._before

    def _was_replaced(self) -> bool:
        disk = RunFiles(self._path.parent, joins_logs=False)
        if self._descriptor is None:
            return disk.exists(self._path.name)
        current = disk.state(self._path.name)
        return current is not None and not os.path.samestat(current, os.fstat(self._descriptor))

    def partial_line(self) -> Iterator[NumberedLine]:
        """Yield the text after the last newline; use this if the line will not be completed."""
        if self._rest.strip():
            yield self._number + 1, self._rest

    def _reopen(self) -> None:
        self.close()
        try:
            with RunFiles(self._path.parent, joins_logs=False).open(self._path.name) as stream:
                self._descriptor = os.dup(stream.fileno())
        except FileNotFoundError:
            self._descriptor = None  # missing again
        except OSError as error:  # it will never have lines
            raise RunNotReadable(f"cannot follow {str(self._path)!r}: {reason_of(error)}") from error
        self._reset()

    def _reset(self) -> None:
        self._position = self._number = 0
        self._before = self._rest = b""
        self._too_long = False


def follow(
    path: Path, *, sleep: Callable[[float], object], on_truncated: Callable[[], object] = lambda: None
) -> Iterator[list[NumberedLine]]:
    """Yield the lines of a log in batches, from its first line to the end of its run.

    ``sleep`` receives the seconds until the next read and returns a true value to stop. If the log says that
    its writer holds a lock, and the lock is free, the writer has died: ``on_truncated`` is called and the log
    ends.

    Raises:
        RunNotReadable: the path is not a regular file, cannot be read, or is a link to another folder.
    """
    writer = _Writer(path)
    with LogFollower(path) as tail:
        while True:
            lines = list(tail.new_lines())
            gone = not lines and writer.has_exited()
            if gone:
                lines = [*tail.new_lines(), *tail.partial_line()]  # written between the two checks
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
    """The process that writes a log, judged by the log and its lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._disk: RunFiles | None = None
        self._locks = False

    def observe(self, lines: Iterable[NumberedLine]) -> None:
        """Note in the first lines whether the writer says that it holds a lock."""
        for number, line in lines:
            if number == 1:
                self._locks = False
            self._locks = self._locks or (number <= LOCK_NOTICE_LINES and _says_locked(line))

    def has_exited(self) -> bool:
        """Return True if the writer held a lock and does not any more."""
        if not self._locks:
            return False
        if self._disk is None:
            self._disk = RunFiles(self._path.parent, joins_logs=False)
        return self._disk.is_locked(self._path.name) is False


def _says_locked(line: bytes) -> bool:
    try:
        return b'"locked"' in line and events.decode(line).fields.get("locked") is True
    except InvalidLine:
        return False


def is_final_event(line: bytes) -> bool:
    """Return True if a line is the last event of a run."""
    if _END_EVENT not in line:
        return False
    try:
        return events.decode(line).name == "run_end"
    except InvalidLine:
        return False
