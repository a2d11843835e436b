"""Unpacks an archive of run directories into a folder. Its sender is not trusted.

Only regular files and folders are unpacked, each once, below the folder, within ``ARCHIVE_LIMITS``. An archive with
anything else is refused as a whole: what is left out could be what the report is about.
"""

import os
import re
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final, NamedTuple

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.inspector.archives.compressed import DamagedData, compression_of, decompress
from osiris_inspect.inspector.archives.limits import ARCHIVE_LIMITS, UnpackLimits
from osiris_inspect.model.errors import RunNotReadable

MAX_DEPTH: Final = 20
"""Maximum number of folders between the archive and a file."""
MAX_HEADER_BYTES: Final = 64 << 10
"""Maximum size of what describes one file of a tar archive; the longest path needs 4 kB."""
MAX_HEADERS_BYTES: Final = 32 << 20
"""The same for all files together."""
MAX_DIRECTORY_BYTES: Final = 2 << 20
"""Maximum size of the directory of a zip archive, which is read as a whole."""
_MAX_GLOBAL_KEYS: Final = 1_000
_MAX_TIME: Final = 1 << 33
_READ: Final = 1 << 16
_LONG_NUMBER: Final = re.compile(rb"\d{101}")
_FILE_TYPES: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}
_TAR_TYPES: Final = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class _Refused(Exception):
    """The reason why an archive is not unpacked."""


class _Entry(NamedTuple):
    """A file or a folder of an archive; ``modified`` is in seconds since 1970, or any other number."""

    name: str
    is_folder: bool
    modified: float
    blocks: Iterable[bytes]


def unpack(archive: Path, target: Path, limits: UnpackLimits = ARCHIVE_LIMITS) -> None:
    """Unpack an archive into an empty folder that only this user can write.

    Raises:
        RunNotReadable: it cannot be read, is damaged, exceeds the limits, or has an entry that must not be unpacked.
            The folder contains the entries before that.
    """
    try:
        with os.fdopen(open_regular(archive, follow_symlinks=True), "rb") as stream:
            is_zip = archive.name.lower().endswith(".zip")
            packed = os.fstat(stream.fileno()).st_size
            entries = (
                _zip_entries(stream) if is_zip else _tar_entries(stream, archive.name.lower(), limits, packed)
            )
            _write_all(entries, target, limits, packed)
    except _Refused as refused:
        reason = str(refused)
    except OSError as error:  # among them UnpackedTooLarge and PackageMissing
        reason = error.strerror.lower() if error.strerror else str(error)
    except Exception as error:  # noqa: BLE001  tarfile and zipfile raise errors of many kinds on hostile input
        text = " ".join(str(error).split())
        reason = f"it is not a valid archive ({type(error).__name__}{f': {text[:200]}' if text else ''})"
    else:
        return
    raise RunNotReadable(f"{str(archive)!r} cannot be opened: {reason}")


# ── writing ──


def _write_all(entries: Iterator[_Entry], target: Path, limits: UnpackLimits, packed: int) -> None:
    files: set[tuple[str, ...]] = set()
    folders: set[tuple[str, ...]] = {()}
    total = 0
    for entry in entries:
        parts = _checked_parts(entry.name)
        if not (parts or entry.is_folder):
            raise _Refused("a file in it has no name")
        for depth in range(1, len(parts) + entry.is_folder):
            _make_folder(target, parts[:depth], files, folders)
        if len(files) + len(folders) > limits.max_entries:
            raise _Refused(f"it contains more than {limits.max_entries:,} files and folders")
        if entry.is_folder:
            continue
        if parts in files or parts in folders:
            raise _Refused(f"it contains {_shown(entry.name)} twice")
        files.add(parts)
        total = _write_file(target.joinpath(*parts), entry, total, limits, packed)


def _make_folder(
    target: Path, parts: tuple[str, ...], files: set[tuple[str, ...]], folders: set[tuple[str, ...]]
) -> None:
    if parts in folders:
        return
    if parts in files:
        raise _Refused(f"it contains {_shown('/'.join(parts))} as a file and as a folder")
    target.joinpath(*parts).mkdir(mode=0o700)
    folders.add(parts)


def _write_file(path: Path, entry: _Entry, total: int, limits: UnpackLimits, packed: int) -> int:
    """Write a file and return the bytes of all files so far."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as out:
        for block in entry.blocks:
            total += len(block)
            limits.check(total, packed)
            out.write(block)
        if 0 <= entry.modified < _MAX_TIME:
            os.utime(out.fileno(), (entry.modified, entry.modified))
    return total


def _checked_parts(name: str) -> tuple[str, ...]:
    """Return the folders and the file of an entry, which is empty for the root of the archive.

    Raises:
        _Refused: the name leads out of the archive, or is not a name of a file.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/"):
        raise _Refused(f"{_shown(name)} in it is an absolute path")
    if ".." in parts:
        raise _Refused(f"{_shown(name)} in it leads out of the archive")
    if "\0" in name or "\\" in name:
        raise _Refused(f"{_shown(name)} in it is not the name of a file")
    if len(parts) > MAX_DEPTH or any(len(os.fsencode(part)) > 255 for part in parts):
        raise _Refused(f"{_shown(name)} in it is too long or too deep")
    return parts


def _shown(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:100]}…")


# ── zip ──


class _ZipFile:
    """The file of a zip archive, whose directory must not be large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = os.fstat(self._stream.fileno()).st_size - self.tell()
        if size > MAX_DIRECTORY_BYTES:
            raise _Refused(f"its directory has {size:,} bytes, more than {MAX_DIRECTORY_BYTES:,}")
        return self._stream.read(size)


def _zip_entries(stream: BinaryIO) -> Iterator[_Entry]:
    with zipfile.ZipFile(_ZipFile(stream)) as archive:
        for info in archive.infolist():
            name = info.orig_filename
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind in _FILE_TYPES:
                raise _Refused(f"{_shown(name)} in it is {_FILE_TYPES[kind]}; pack files and folders only")
            if info.flag_bits & 1:
                raise _Refused(f"{_shown(name)} in it is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused(f"{_shown(name)} in it is compressed with a method other than deflate")
            yield _Entry(name, info.is_dir(), _zip_time(info), _zip_blocks(archive, info))


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return -1


def _zip_blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as content:
        yield from _blocks_of(content)


# ── tar ──


class _TarStream:
    """A tar archive that is read forward only, with limits on what describes its files.

    Attributes:
        is_data: True while the content of a file is read.
        last_header: the last block that was read of what describes a file.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._buffer, self._position = blocks, b"", 0
        self.is_data, self.last_header = False, b""
        self._header_bytes = self._headers_bytes = 0

    def begin_header(self) -> None:
        """Begin to count the bytes that describe a file."""
        self.is_data, self._header_bytes = False, 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise _Refused("its entries overlap")
        while self._position < position and self._fill():
            self._take(position - self._position)

    def read(self, size: int) -> bytes:
        if not self.is_data:
            self._header_bytes += size
            self._headers_bytes += size
            if self._header_bytes > MAX_HEADER_BYTES or self._headers_bytes > MAX_HEADERS_BYTES:
                raise _Refused("the descriptions of its files are too long")
        pieces: list[bytes] = []
        while size > 0 and self._fill():
            pieces.append(self._take(size))
            size -= len(pieces[-1])
        data = b"".join(pieces)
        if not self.is_data:
            self.last_header = data
        if not self.is_data and _LONG_NUMBER.search(data):
            raise _Refused("a number in it is too long")  # old versions of tarfile take hours for it
        return data

    def _fill(self) -> bool:
        self._buffer = self._buffer or next(self._blocks, b"")
        return bool(self._buffer)

    def _take(self, size: int) -> bytes:
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        self._position += len(piece)
        return piece


def _tar_entries(stream: BinaryIO, name: str, limits: UnpackLimits, packed: int) -> Iterator[_Entry]:
    compression = compression_of(name)
    blocks = (
        _blocks_of(stream)
        if compression is None
        else decompress(stream, compression, limits._replace(max_bytes=2 * limits.max_bytes), packed=packed)
    )
    source = _TarStream(blocks)
    archive = tarfile.TarFile(fileobj=source)  # type: ignore[arg-type]  # the methods that it calls
    while (member := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # they would be kept, with their headers
        if len(archive.pax_headers) > _MAX_GLOBAL_KEYS:
            raise _Refused("the descriptions of its files are too long")
        if not (member.isreg() or member.isdir()) or member.issparse():
            kind = "a sparse file" if member.issparse() else _TAR_TYPES.get(member.type, "not a file")
            raise _Refused(f"{_shown(member.name)} in it is {kind}; pack files and folders only")
        source.is_data = True
        content = archive.extractfile(member) if member.isreg() else None
        name = member.name if member.isreg() else f"{member.name}/"
        yield _Entry(name, member.isdir(), float(member.mtime), _blocks_of(content) if content else ())
        source.begin_header()
    if source.last_header.strip(b"\0") or not source.last_header:
        raise DamagedData("its tar data is damaged or ends early")


def _blocks_of(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(_READ):
        yield block
