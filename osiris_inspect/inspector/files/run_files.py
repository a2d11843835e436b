"""Files of a run, read with a bound on memory and without a surprise: every fault becomes an ``Unread``.

Only regular files inside the run directory are opened, so a pipe, a device or a link that leads out of it cannot hang
the reader or show it something that is no part of the run.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.run.run import UnreadableInput
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine

BLOCK = 1 << 20
"""Bytes that are read at once."""
FIRST_BLOCK = 1 << 16
"""Bytes that are read at first: most logs have no more, and room for a large block takes longer to get than to fill."""
MAX_DOCUMENT = 32 * 1024 * 1024
"""Bytes of a JSON or YAML document that is parsed; a longer one is reported, not read."""
MAX_LISTED_PER_FILE = 1000
"""Unreadable lines of one file that are listed one by one; the rest of them is one entry with a count."""

T = TypeVar("T")
NumberedLine = tuple[int, bytes]


class RunFiles:
    """The files of one run directory, and what could not be read of them so far.

    Attributes:
        is_mirror: the run lies elsewhere, and ``root`` is the folder that stands for it.
        is_partial: it may have more files elsewhere than can be had.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._name = os.fspath(root)
        mirror = mirrors.for_run(root)
        self.is_mirror = mirror is not None
        if mirror is not None:
            mirror.fetch()
        self.is_partial = mirror is not None and mirror.is_partial
        self._unread: list[UnreadableInput] = []
        self._counts: dict[str, int] = {}

    @cached_property
    def _real_root(self) -> Path:
        return self.root.resolve()

    @cached_property
    def _listed(self) -> Mapping[str, bool] | None:
        """What lies directly in the run directory, and whether it is a link; None where that cannot be listed.

        Most files that are asked for are not there: a listing says so at once for all of them.
        """
        try:
            with os.scandir(self.root) as children:
                return {child.name: child.is_symlink() for child in children}
        except (OSError, ValueError):
            return None

    @property
    def unreadable(self) -> tuple[UnreadableInput, ...]:
        """What could not be read, in the order in which it was met."""
        listed = [entry for entry in self._unread if entry.line == 0 or entry.count == 1]
        more = [
            UnreadableInput(
                file, 0, f"{count - MAX_LISTED_PER_FILE:,} more unreadable lines", count - MAX_LISTED_PER_FILE
            )
            for file, count in self._counts.items()
            if count > MAX_LISTED_PER_FILE
        ]
        return (*listed, *more)

    def record_unreadable(self, file: str, line: int, reason: str) -> None:
        """Remember that a line, or with 0 a whole file, could not be read."""
        if line:
            self._counts[file] = self._counts.get(file, 0) + 1
            if self._counts[file] > MAX_LISTED_PER_FILE:
                return
        self._unread.append(UnreadableInput(file, line, reason))

    def exists(self, relative: str) -> bool:
        """Whether there is a file of that name, readable or not."""
        if self._listed is not None and "/" not in relative and relative not in ("", ".", ".."):
            return relative in self._listed
        try:
            return self._may_have(relative) and os.path.lexists(self._path(relative))
        except (OSError, ValueError):
            return False

    def _may_have(self, relative: str) -> bool:
        first = relative.partition("/")[0]
        return self._listed is None or first in self._listed or first in ("", ".", "..")

    def _path(self, relative: str) -> str:
        """Where a file is; as a ``Path`` it would take ten times as long, for dozens of files of each run."""
        return relative if relative.startswith("/") else f"{self._name}/{relative}"

    def lines(self, relative: str) -> Iterator[NumberedLine]:
        """The lines of a file with their numbers, without their newlines; blank ones are left out.

        A line over ``jsonl.MAX_LINE`` is noted and skipped without being held in memory.
        """
        stream = self._open(relative)
        if stream is None:
            return
        with stream:
            try:
                yield from self._split(stream, relative)
            except OSError as error:
                self.record_unreadable(relative, 0, _reason(error))

    def descriptor(self, relative: str) -> int | None:
        """An open descriptor of a file, which the caller closes; None where it cannot be read, which is noted."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            return os.dup(stream.fileno())

    def read_document(self, relative: str, parse: Callable[[bytes], Any]) -> Any:
        """What ``parse`` makes of a whole file; None where there is none or it cannot be read, which is noted."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            try:
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, MAX_DOCUMENT) + 1)  # room is made for as much as is asked for
            except OSError as error:
                self.record_unreadable(relative, 0, _reason(error))
                return None
        if len(content) > MAX_DOCUMENT:
            self.record_unreadable(relative, 0, f"larger than {MAX_DOCUMENT:,} bytes")
            return None
        try:
            return parse(content)
        except Exception as error:  # noqa: BLE001  PyYAML raises errors of many kinds on hostile input
            self.record_unreadable(
                relative,
                0,
                f"{type(error).__name__}: {excerpt(str(error), 200)}" if str(error) else type(error).__name__,
            )
            return None

    def head(self, relative: str, size: int) -> bytes:
        """The first bytes of a file; empty where it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream:
            return _or_none(lambda: stream.read(size)) or b""

    def tail(self, relative: str, size: int) -> bytes:
        """The last bytes of a file; empty where it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream:

            def last() -> bytes:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
                return stream.read(size)

            return _or_none(last) or b""

    def newlines(self, relative: str, end: int) -> int:
        """How many lines end before a byte of a file; 0 where it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return 0
        count, place = 0, 0
        with stream:
            while place < end and (block := stream.read(min(BLOCK, end - place))):
                count, place = count + block.count(b"\n"), place + len(block)
        return count

    def size(self, relative: str) -> int | None:
        """Bytes of a regular file inside the run that may be read; None where there is none."""
        if not self.exists(relative):
            return None
        if not self._has_symlink(relative):
            path = self._path(relative)
            state = _or_none(lambda: os.stat(path))  # noqa: PTH116  see _path
            there = state is not None and stat.S_ISREG(state.st_mode) and os.access(path, os.R_OK)
            return state.st_size if state is not None and there else None
        stream = self._open(relative, quiet=True)
        if stream is None:
            return None
        with stream:
            return os.fstat(stream.fileno()).st_size

    def is_locked(self, relative: str) -> bool | None:
        """Whether a writer holds its lock on a file; None where nobody can tell: elsewhere, or without locks.

        The question is a shared lock that is let go at once, so it keeps neither a writer nor another reader waiting.
        """
        stream = None if self.is_mirror else self._open(relative, quiet=True)
        if stream is None:
            return None
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:  # a file system without locks
                return None
            return False

    def modified(self, relative: str) -> float | None:
        """When a file was last written, in seconds since 1970; None where there is none."""
        try:
            return (self.root / relative).stat().st_mtime
        except (OSError, ValueError):
            return None

    def _open(self, relative: str, *, quiet: bool = False) -> BinaryIO | None:
        path = self._path(relative)
        try:
            if not self.exists(relative):
                return None
            if self._has_symlink(relative):
                path = self._resolve_inside_run(Path(path), relative)
            descriptor = open_regular(path)
        except (OSError, ValueError, RuntimeError) as error:
            if not quiet:
                self.record_unreadable(relative, 0, _reason(error))
            return None
        return os.fdopen(descriptor, "rb", buffering=0)

    def _has_symlink(self, relative: str) -> bool:
        """Whether there is a link on the way to a file, or a step up: then it may be anywhere."""
        first, *more = relative.split("/")
        if ".." in (first, *more) or self._listed is None or self._listed.get(first, True):
            return True
        ways = (f"{self._name}/{'/'.join((first, *more[: place + 1]))}" for place in range(len(more)))
        return any(map(os.path.islink, ways))

    def _resolve_inside_run(self, path: Path, relative: str) -> str:
        outside = relative.startswith("../")  # used only for text logs in the parent directory
        root = self._real_root.parent if outside else self._real_root
        resolved = path.resolve()
        if not resolved.is_relative_to(root):
            raise ValueError("a link that leads out of the run directory")
        return os.fspath(resolved)

    def _split(self, stream: BinaryIO, relative: str) -> Iterator[NumberedLine]:
        number, parts, size, room = 1, list[bytes](), 0, FIRST_BLOCK
        while block := stream.read(room):
            room = BLOCK
            *whole, rest = block.split(b"\n")
            for piece in whole:
                size += len(piece)
                if size > jsonl.MAX_LINE:
                    self.record_unreadable(
                        relative, number, f"a line of {size:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
                    )
                else:
                    line = b"".join((*parts, piece)) if parts else piece
                    if line.strip():
                        yield number, line
                number, parts, size = number + 1, [], 0
            size += len(rest)
            parts = [*parts, rest] if size <= jsonl.MAX_LINE else []
        if size > jsonl.MAX_LINE:
            self.record_unreadable(
                relative, number, f"a line of {size:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
            )
        elif (line := b"".join(parts)).strip():
            yield number, line


def ends_mid_line(tail: bytes) -> bool:
    """Whether the last line of a file was not ended."""
    return bool(tail) and not tail.endswith(b"\n")


def parse_json(content: bytes) -> Any:
    """A JSON document; ``NaN`` and a byte order mark are taken.

    Raises:
        InvalidLine: it is none, or no object.
    """
    if not content.strip():
        raise InvalidLine("empty file")
    return jsonl.decode_object(content)


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except OSError:
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
