"""Reads the files of a run with bounded memory; every error becomes an ``UnreadableInput``.

Only regular files inside the run directory are opened: a pipe or a device could block the reader, and a symbolic link
could expose another file. A test checks that other modules of the inspector, the CLI and the TUI read runs through it.

A log that is compressed (``events.jsonl.gz``) or rotated (``events.jsonl.1``, ``events.jsonl.2.gz``) is read under the
name of the log, joined to one file.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.run.run import UnreadableInput
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import jsonl
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine

if TYPE_CHECKING:
    from osiris_inspect.inspector.files.joined_log import JoinedLog, JoinedPart

BLOCK = 1 << 20
"""Bytes of one read."""
FIRST_BLOCK = 1 << 16
"""Bytes of the first read; most logs are shorter."""
MAX_DOCUMENT = 32 * 1024 * 1024
"""A JSON or YAML document of more bytes is reported and not parsed."""
MAX_LISTED_PER_FILE = 1000
"""Unreadable lines of one file that are listed; the remaining ones are one entry with a count."""
TRUNCATED_LINE = "torn last line"
"""The beginning of the reason of a last line that was cut."""

T = TypeVar("T")
NumberedLine = tuple[int, bytes]
_cache: list[Callable[[], Path]] = []
"""The folder of the cache in which long joined logs are kept."""


def use_cache(folder: Callable[[], Path]) -> None:
    """Keep long joined logs in a folder of the cache; without one, each process joins them again."""
    _cache[:] = [folder]


class RunFiles:
    """The files of one run directory and the inputs that could not be read.

    Attributes:
        is_mirror: True if ``root`` is the local mirror of a remote run.
        is_partial: True if the remote run may have more files.
    """

    def __init__(self, root: Path, *, joins_logs: bool = True) -> None:
        """With ``joins_logs`` False every file is read as it is."""
        self.root = root
        self._joins_logs = joins_logs
        self._name = os.fspath(root)
        mirror = remote_registry.for_run(root)
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
        """The entries of the run directory with True for symbolic links; None if it cannot be listed.

        Most requested files do not exist, which one listing answers for all.
        """
        try:
            with os.scandir(self.root) as children:
                return {child.name: child.is_symlink() for child in children}
        except (OSError, ValueError):
            return None

    @cached_property
    def _joined_logs(self) -> Mapping[str, tuple[str, ...]]:
        """The parts of each log that is compressed or rotated."""
        if not self._packed_names:
            return {}
        parts = {log: layout.log_parts(log, self._listed or ()) for log in layout.LOGS}
        return {log: files for log, files in parts.items() if files and files != (log,)}

    @cached_property
    def _packed_names(self) -> tuple[str, ...]:
        """The entries whose names may be those of compressed and rotated logs."""
        names = self._listed if self._listed is not None and self._joins_logs else ()
        return tuple(name for name in names if name.startswith(layout.LOGS) and name not in layout.LOGS)

    def _parts(self, relative: str) -> tuple[str, ...]:
        """Return the files that are joined to a log; empty for one plain file."""
        is_packed = relative.endswith(layout.COMPRESSED) and "/" not in relative and self._joins_logs
        return self._joined_logs.get(relative, (relative,) if is_packed else ())

    @property
    def unreadable(self) -> tuple[UnreadableInput, ...]:
        """The inputs that could not be read, in order."""
        more = ((file, count - MAX_LISTED_PER_FILE) for file, count in self._counts.items())
        return (
            *self._unread,
            *(
                UnreadableInput(file, 0, f"{count:,} more unreadable lines", count)
                for file, count in more
                if count > 0
            ),
        )

    def record_unreadable(self, file: str, line: int, reason: str) -> None:
        """Record that a line, or a whole file if ``line`` is 0, could not be read."""
        if line:
            self._counts[file] = self._counts.get(file, 0) + 1
            if self._counts[file] > MAX_LISTED_PER_FILE:
                return
        self._unread.append(UnreadableInput(file, line, reason))

    def exists(self, relative: str) -> bool:
        """Return True if a file exists, readable or not."""
        if relative in self._joined_logs:
            return True
        first = relative.partition("/")[0]
        is_listed = self._listed is None or first in self._listed
        if self._listed is not None and first not in ("", ".", "..") and (first == relative or not is_listed):
            return is_listed
        try:
            return os.path.lexists(self._path(relative))
        except (OSError, ValueError):
            return False

    def _path(self, relative: str) -> str:
        """Return the path of a file; a ``Path`` is ten times slower."""
        return relative if relative.startswith("/") else f"{self._name}/{relative}"

    def lines(self, relative: str) -> Iterator[NumberedLine]:
        """Yield the lines of a file with their numbers, without newlines and without blank lines.

        A line over ``jsonl.MAX_LINE`` is recorded and skipped without being held in memory.
        """
        stream = self._open(relative)
        if stream is None:
            return
        with stream:
            try:
                yield from self._split(stream, relative)
            except OSError as error:
                self.record_unreadable(relative, 0, reason_of(error))

    def open(self, relative: str) -> BinaryIO:
        """Return a file for unbuffered reading; the caller closes it.

        Raises:
            OSError: it is missing, unreadable, not a regular file, or outside of the run.
        """
        if parts := self._parts(relative):
            return os.fdopen(self._join(parts).descriptor, "rb", buffering=0)
        return self._open_file(relative)

    def _join(self, parts: tuple[str, ...]) -> "JoinedLog":
        """Return a joined log; the caller closes its descriptor.

        Raises:
            OSError: as ``open``.
        """
        from osiris_inspect.inspector.files.joined_log import open_joined

        return open_joined(parts, self._open_part, _cache[0]() if _cache else None)

    def _open_part(self, part: str) -> BinaryIO:
        try:
            return self._open_file(part)
        except OSError as error:
            raise OSError(f"{part}: {reason_of(error)}") from error

    def log_parts(self, relative: str) -> tuple["JoinedPart", ...]:
        """Return the files that a log was joined from with their first lines; empty for one plain file."""
        parts = self._parts(relative)
        if not parts:
            return ()
        try:
            log = self._join(parts)
        except OSError:  # reading the log says why
            return ()
        os.close(log.descriptor)
        return log.parts

    def position(self, relative: str, line: int) -> tuple[str, int]:
        """Return the file that contains a line of a log, which may be joined, and the number of the line in it."""
        begun = [part for part in self.log_parts(relative) if part.first_line <= line]
        return (begun[-1].file, line - begun[-1].first_line + 1) if begun else (relative, line)

    def _open_file(self, relative: str) -> BinaryIO:
        path = self._path(relative)
        try:
            if self._has_symlink(relative):
                path = self._resolve_inside_run(Path(path), relative)
            return os.fdopen(open_regular(path), "rb", buffering=0)
        except (ValueError, RuntimeError) as error:  # a NUL in the name, or a loop of links
            raise OSError(errno.EINVAL, str(error), path) from None

    @contextmanager
    def opened_path(self, relative: str) -> Iterator[str]:
        """Yield a path that leads to the opened file, for a library that opens files itself.

        Raises:
            OSError: as ``open``.
        """
        with self.open(relative) as stream:
            yield f"/proc/self/fd/{stream.fileno()}"

    def descriptor(self, relative: str) -> int | None:
        """Return a descriptor, which the caller closes; None if unreadable, which is recorded."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            return os.dup(stream.fileno())

    def read_document(self, relative: str, parse: Callable[[bytes], Any]) -> Any:
        """Return the result of ``parse`` for a file; None if it is missing or unreadable."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            try:
                size = os.fstat(stream.fileno()).st_size
                content = stream.read(min(size, MAX_DOCUMENT) + 1)  # a read allocates the requested size
            except OSError as error:
                self.record_unreadable(relative, 0, reason_of(error))
                return None
        if len(content) > MAX_DOCUMENT:
            self.record_unreadable(relative, 0, f"larger than {MAX_DOCUMENT:,} bytes")
            return None
        try:
            return parse(content)
        except Exception as error:  # noqa: BLE001  PyYAML raises errors of many kinds on hostile input
            text = f": {excerpt(str(error), 200)}" if str(error) else ""
            self.record_unreadable(relative, 0, f"{type(error).__name__}{text}")
            return None

    def head(self, relative: str, size: int) -> bytes:
        """Return the first bytes of a file; empty if it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream, suppress(OSError):
            return stream.read(min(size, os.fstat(stream.fileno()).st_size))  # see read_document
        return b""

    def tail(self, relative: str, size: int) -> bytes:
        """Return the last bytes of a file; empty if it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream, suppress(OSError):
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            return stream.read(size)
        return b""

    def newlines(self, relative: str, end: int) -> int:
        """Return the number of newlines before a position of a file; 0 if it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return 0
        count, position = 0, 0
        with stream:
            while position < end and (block := stream.read(min(BLOCK, end - position))):
                count, position = count + block.count(b"\n"), position + len(block)
        return count

    def state(self, relative: str) -> os.stat_result | None:
        """Return the state of a readable regular file of the run; None if there is none."""
        if not self.exists(relative):
            return None
        if not (self._parts(relative) or self._has_symlink(relative)):
            path = self._path(relative)
            try:
                state = os.stat(path)  # noqa: PTH116  see _path
            except OSError:
                return None
            return state if stat.S_ISREG(state.st_mode) and os.access(path, os.R_OK) else None
        stream = self._open(relative, quiet=True)
        if stream is None:
            return None
        with stream:
            return os.fstat(stream.fileno())

    def size(self, relative: str) -> int | None:
        """Return the size of a readable regular file of the run; None if there is none."""
        state = self.state(relative)
        return state.st_size if state is not None else None

    def is_locked(self, relative: str) -> bool | None:
        """Return True if a writer holds its lock on a file; None if unknown: a remote file, or no locks.

        The check takes a shared lock and releases it at once, so it delays neither writers nor readers.
        """
        if self._listed is not None and relative in self._joined_logs and relative not in self._listed:
            return False  # a log that is compressed as a whole is not written
        try:
            stream = None if self.is_mirror else self._open_file(relative)
        except OSError:  # missing or unreadable
            stream = None
        if stream is None:
            return None
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:  # the file system has no locks
                return None
            return False

    def modified(self, relative: str) -> float | None:
        """Return when a file was last written, in seconds since 1970; None if it cannot be read."""
        state = self.state(relative)
        return state.st_mtime if state is not None else None

    def _open(self, relative: str, *, quiet: bool = False) -> BinaryIO | None:
        if not self.exists(relative):
            return None
        parts = self._parts(relative)
        problems: tuple[tuple[str, str], ...] = ()
        try:
            if parts:
                log = self._join(parts)
                problems = log.problems
                stream: BinaryIO = os.fdopen(log.descriptor, "rb", buffering=0)
            else:
                stream = self.open(relative)
        except OSError as error:
            if not quiet:
                self.record_unreadable(relative, 0, reason_of(error))
            return None
        for part, reason in () if quiet else (*problems, *self._copies(relative, parts or (relative,))):
            if not any(entry.file == part for entry in self._unread):
                self.record_unreadable(part, 0, reason)
        return stream

    def _copies(self, log: str, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield the compressed files of a log that are not joined, because the same part is there plain."""
        kept = {part.age: name for name in parts if (part := layout.parse_log_part(name)) is not None}
        for name in self._packed_names:
            part = layout.parse_log_part(name) if name.startswith(log) and name not in parts else None
            if part is not None and part.log == log:
                yield name, f"not read, because {kept[part.age]} is beside it; remove one of them"

    def _has_symlink(self, relative: str) -> bool:
        """Return True if the path of a file has a symbolic link or ``..``."""
        first, *more = relative.split("/")
        if ".." in (first, *more) or self._listed is None or self._listed.get(first, True):
            return True
        parents = (f"{self._name}/{'/'.join((first, *more[: level + 1]))}" for level in range(len(more)))
        return any(map(os.path.islink, parents))

    def _resolve_inside_run(self, path: Path, relative: str) -> str:
        outside = relative.startswith("../")  # used only for logs in the parent directory
        root = self._real_root.parent if outside else self._real_root
        resolved = path.resolve()
        if not resolved.is_relative_to(root):
            raise OSError(errno.ELOOP, "a symbolic link to a path outside of the run directory", relative)
        return os.fspath(resolved)

    def _record_long_line(self, relative: str, number: int, size: int) -> None:
        reason = f"a line of {size:,} bytes, over the limit of {jsonl.MAX_LINE:,}"
        self.record_unreadable(relative, number, reason)

    def _split(self, stream: BinaryIO, relative: str) -> Iterator[NumberedLine]:
        number, parts, size, read_size = 1, list[bytes](), 0, FIRST_BLOCK
        while block := stream.read(read_size):
            read_size = BLOCK
            *whole, rest = block.split(b"\n")
            for piece in whole:
                size += len(piece)
                if size > jsonl.MAX_LINE:
                    self._record_long_line(relative, number, size)
                else:
                    line = b"".join((*parts, piece)) if parts else piece
                    if line.strip():
                        yield number, line
                number, parts, size = number + 1, [], 0
            size += len(rest)
            parts = [*parts, rest] if size <= jsonl.MAX_LINE else []
        if size > jsonl.MAX_LINE:
            self._record_long_line(relative, number, size)
        elif (line := b"".join(parts)).strip():
            yield number, line


def ends_mid_line(tail: bytes) -> bool:
    """Return True if the last line has no newline."""
    return bool(tail) and not tail.endswith(b"\n")


def parse_json(content: bytes) -> Any:
    """Return a JSON object; ``NaN`` and a byte order mark are accepted.

    Raises:
        InvalidLine: the document is empty, invalid, or not an object.
    """
    if not content.strip():
        raise InvalidLine("empty file")
    return jsonl.decode_object(content)


def reason_of(error: OSError) -> str:
    """Return why a file could not be read, in a few words."""
    if isinstance(error, PermissionError):
        return "permission denied"
    return error.strerror.lower() if error.strerror else str(error) or type(error).__name__
