"""Format of a file by its first bytes, and errors of reading files."""

import codecs
import os
import unicodedata
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts

START_BYTES: Final = 4096
_MIN_ZERO_BYTES: Final = 2


class FileFormat(NamedTuple):
    """Format of a file: a short name, and a description with its article."""

    name: str
    description: str


_SIGNATURES: Final[Mapping[bytes, FileFormat]] = {
    b"\x1f\x8b": FileFormat("gzip", "gzip-compressed data"),
    b"BZh": FileFormat("bz2", "bzip2-compressed data"),
    b"\xfd7zXZ\0": FileFormat("xz", "xz-compressed data"),
    b"\x28\xb5\x2f\xfd": FileFormat("zstd", "zstd-compressed data"),
    b"PK\x03\x04": FileFormat("zip", "a zip archive"),
    b"PK\x05\x06": FileFormat("zip", "an empty zip archive"),
    b"7z\xbc\xaf\x27\x1c": FileFormat("7z", "a 7z archive"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": FileFormat(
        "xls", "an old Office file, such as an Excel workbook (.xls)"
    ),
    b"PAR1": FileFormat("parquet", "a Parquet file"),
    b"ARROW1\0\0": FileFormat("arrow", "an Arrow file"),
    b"Obj\x01": FileFormat("avro", "an Avro file"),
    b"SQLite format 3\0": FileFormat("sqlite", "a SQLite database"),
    b"\x89HDF\r\n\x1a\n": FileFormat("hdf5", "an HDF5 file"),
    b"%PDF-": FileFormat("pdf", "a PDF document"),
    b"\x7fELF": FileFormat("elf", "a program"),
}
_EXTRACTORS: Final = {"parquet": "filesystem.parquet_extractor", "sqlite": "sqlite.extractor"}
"""Format to the component that reads it; text is read by that for CSV files."""
_BZIP2_BLOCK: Final = b"1AY&SY"
"""Follows ``BZh`` and a digit; the letters alone can begin a text."""
_BYTE_ORDER_MARKS: Final[Mapping[bytes, str]] = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def recognized_format(source: Path | bytes) -> FileFormat | None:
    """Return the binary format of a file or of its content; None if it may be text."""
    start = _start(source)
    form = next((form for signature, form in _SIGNATURES.items() if start.startswith(signature)), None)
    if form is None or (form.name == "bz2" and start[4:10] != _BZIP2_BLOCK):
        return None
    if form.name == "parquet" and not _ends_like_parquet(source):
        return None
    if form.name == "zip" and isinstance(source, Path):
        return _zip_format(source, form)
    return form


def extractor_fix(path: Path, form: FileFormat | None, expected: str) -> str:
    """Return what to do about a file that a step cannot read because it is of another format than ``expected``."""
    name = _EXTRACTORS.get(form.name) if form is not None else None
    if form is None and is_utf8(path):
        name = "filesystem.csv_extractor"
    if name is None:
        return f"name a {expected} file, or convert this one first"
    return f"read it with {name} if it is the right file, or name a {expected} file"


def wide_encoding(source: Path | bytes) -> str | None:
    """Return ``utf-16`` or ``utf-32`` by the byte order mark or by the zero bytes of text; None for other files."""
    start = _start(source)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < _MIN_ZERO_BYTES or min(even, odd):
        return None
    # delimiters and line ends have a zero byte in every script
    encoding = "utf-16-be" if even else "utf-16-le"
    text = start[: len(start) // 2 * 2].decode(encoding, "ignore")
    return encoding if not any(map(_is_no_text, text)) else None


def is_utf8(source: Path | bytes) -> bool:
    """Return True if the first bytes are UTF-8 text, which UTF-16 and UTF-32 are not."""
    start = _start(source)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return bool(start) and 0 not in start


def decoded_start(source: Path | bytes, encoding: str) -> str:
    """Return the first characters of a text, without bytes that the encoding does not have."""
    return _start(source).decode(encoding, "ignore")


def _is_no_text(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") and character not in "\t\r\n"


def unreadable_file(path: Path, error: OSError) -> DriverError:
    """Return the error for a file that the system failed to read."""
    kind = kind_of(error, "file-unreadable")
    return DriverError(
        f"{path} cannot be read: {error.strerror or error}",
        kind=kind,
        fix=_READ_FIXES.get(kind, "check the file and its disk"),
        **{**os_error_facts(error), "path": str(path)},
    )


_READ_FIXES: Final[Mapping[str, str]] = {
    "file-missing": "correct the path",
    "path-is-directory": "name a file",
    "permission-denied": "give the user that runs the step the right to read it",
    "out-of-memory": "raise the memory limit",
    "too-many-open-files": "raise the limit of open files (ulimit -n)",
}
"""Kind of a system error to what to do."""


def _start(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:START_BYTES]
    with source.open("rb") as file:
        return file.read(START_BYTES)


def _ends_like_parquet(source: Path | bytes) -> bool:
    """Return True if the last bytes are Parquet's; the letters at the start can also begin a text."""
    if isinstance(source, bytes):
        return source.endswith(b"PAR1")
    with source.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return file.read(4) == b"PAR1"


def _zip_format(path: Path, form: FileFormat) -> FileFormat:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):  # the caller reports an archive
        return form
    if "xl/workbook.xml" in names:
        return FileFormat("xlsx", "an Excel workbook (.xlsx)")
    return form
