"""Files of a run, read with a bound on memory and without a surprise: every fault becomes an ``Unread``.

Only regular files inside the run directory are opened, so a pipe, a device or a link that leads out of it cannot hang
the reader or show it something that is no part of the run.
"""

import os
import stat
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from osiris_inspect.inspector.run import Unread
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import UnreadableLine

BLOCK = 1 << 20
"""Bytes that are read at once."""
MAX_DOCUMENT = 32 * 1024 * 1024
"""Bytes of a JSON or YAML document that is parsed; a longer one is reported, not read."""
MAX_DEPTH = 100
"""Levels of a YAML document."""
LISTED_PER_FILE = 1000
"""Unreadable lines of one file that are listed one by one; the rest of them is one entry with a count."""

Line = tuple[int, bytes]


class Disk:
    """The files of one run directory, and what could not be read of them so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unread: list[Unread] = []
        self._counts: dict[str, int] = {}

    @cached_property
    def _real_root(self) -> Path:
        return self.root.resolve()

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What could not be read, in the order in which it was met."""
        listed = [entry for entry in self._unread if entry.line == 0 or entry.count == 1]
        more = [
            Unread(file, 0, f"{count - LISTED_PER_FILE:,} more unreadable lines", count - LISTED_PER_FILE)
            for file, count in self._counts.items()
            if count > LISTED_PER_FILE
        ]
        return (*listed, *more)

    def note(self, file: str, line: int, reason: str) -> None:
        """Remember that a line, or with 0 a whole file, could not be read."""
        if line:
            self._counts[file] = self._counts.get(file, 0) + 1
            if self._counts[file] > LISTED_PER_FILE:
                return
        self._unread.append(Unread(file, line, reason))

    def has(self, relative: str) -> bool:
        """Whether there is a file of that name, readable or not."""
        try:
            return os.path.lexists(self.root / relative)
        except (OSError, ValueError):
            return False

    def lines(self, relative: str) -> Iterator[Line]:
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
                self.note(relative, 0, _why(error))

    def descriptor(self, relative: str) -> int | None:
        """An open descriptor of a file, which the caller closes; None where it cannot be read, which is noted."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            return os.dup(stream.fileno())

    def document(self, relative: str, parse: Callable[[bytes], Any]) -> Any:
        """What ``parse`` makes of a whole file; None where there is none or it cannot be read, which is noted."""
        stream = self._open(relative)
        if stream is None:
            return None
        with stream:
            try:
                content = stream.read(MAX_DOCUMENT + 1)
            except OSError as error:
                self.note(relative, 0, _why(error))
                return None
        if len(content) > MAX_DOCUMENT:
            self.note(relative, 0, f"larger than {MAX_DOCUMENT:,} bytes")
            return None
        try:
            return parse(content)
        except Exception as error:  # noqa: BLE001  PyYAML raises errors of many kinds on hostile input
            self.note(
                relative,
                0,
                f"{type(error).__name__}: {str(error)[:200]}" if str(error) else type(error).__name__,
            )
            return None

    def head(self, relative: str, size: int) -> bytes:
        """The first bytes of a file; empty where it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream:
            return _quietly(lambda: stream.read(size)) or b""

    def tail(self, relative: str, size: int) -> bytes:
        """The last bytes of a file; empty where it cannot be read."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return b""
        with stream:

            def last() -> bytes:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
                return stream.read(size)

            return _quietly(last) or b""

    def size(self, relative: str) -> int | None:
        """Bytes of a regular file inside the run; None where there is none."""
        stream = self._open(relative, quiet=True)
        if stream is None:
            return None
        with stream:
            return os.fstat(stream.fileno()).st_size

    def modified(self, relative: str) -> float | None:
        """When a file was last written, in seconds since 1970; None where there is none."""
        try:
            return (self.root / relative).stat().st_mtime
        except (OSError, ValueError):
            return None

    def _open(self, relative: str, *, quiet: bool = False) -> BinaryIO | None:
        path = self.root / relative
        try:
            if not os.path.lexists(path):
                return None
            self._stay_inside(path, relative)
            # without O_NONBLOCK a pipe somebody put there would be waited for
            number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError, RuntimeError) as error:
            if not quiet:
                self.note(relative, 0, _why(error))
            return None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            if not quiet:
                self.note(relative, 0, "not a regular file")
            return None
        return os.fdopen(number, "rb", buffering=0)

    def _stay_inside(self, path: Path, relative: str) -> None:
        outside = relative.startswith("../")  # only text logs directly beside the run are asked for like that
        root = self._real_root.parent if outside else self._real_root
        if not path.resolve().is_relative_to(root):
            raise ValueError("a link that leads out of the run directory")

    def _split(self, stream: BinaryIO, relative: str) -> Iterator[Line]:
        number, parts, size = 1, list[bytes](), 0
        while block := stream.read(BLOCK):
            *whole, rest = block.split(b"\n")
            for piece in whole:
                size += len(piece)
                if size > jsonl.MAX_LINE:
                    self.note(
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
            self.note(relative, number, f"a line of {size:,} bytes, over the limit of {jsonl.MAX_LINE:,}")
        elif (line := b"".join(parts)).strip():
            yield number, line


def ends_torn(tail: bytes) -> bool:
    """Whether the last line of a file was not ended."""
    return bool(tail) and not tail.endswith(b"\n")


def parse_json(content: bytes) -> Any:
    """A JSON document; ``NaN`` and a byte order mark are taken.

    Raises:
        UnreadableLine: it is none, or no object.
    """
    if not content.strip():
        raise UnreadableLine("empty file")
    return jsonl.decode_object(content)


def parse_yaml(content: bytes) -> Any:
    """A YAML document.

    Raises:
        Exception: whatever PyYAML makes of a broken one.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    # the fast loader recurses in C and would take the process down with it; its parser does not recurse
    for event in yaml.parse(content, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UnreadableLine(f"YAML nested deeper than {MAX_DEPTH}")
    return yaml.load(content, Loader=loader)  # noqa: S506  both are safe loaders, the first is the fast one


def _quietly(read: Callable[[], bytes]) -> bytes | None:
    try:
        return read()
    except OSError:
        return None


def _why(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
