"""Kinds of files that are not UTF-8 text, by the byte that a decoder rejects or by the extension of the path."""

from collections.abc import Mapping
from pathlib import PurePosixPath

_BY_BYTE: Mapping[tuple[int, int], str] = {
    (0, 0xFF): "UTF-16 text",
    (0, 0xFE): "UTF-16 text",
    (1, 0x8B): "a gzip archive",
    (1, 0x9D): "a compressed file (.Z)",
    (1, 0xB5): "a Zstandard archive",
    (2, 0xBC): "a 7z archive",
    (0, 0xFD): "an xz archive",
    (0, 0x89): "a PNG image or an HDF5 file",
    (0, 0x80): "a pickle",
}
"""Position and value of the first byte that is not UTF-8, in files that begin with a signature."""

_BY_EXTENSION: Mapping[str, str] = {
    ".gz": "a gzip archive",
    ".tgz": "a gzip archive",
    ".bz2": "a bzip2 archive",
    ".xz": "an xz archive",
    ".zst": "a Zstandard archive",
    ".zip": "a zip archive",
    ".7z": "a 7z archive",
    ".xlsx": "an Excel workbook",
    ".xlsm": "an Excel workbook",
    ".xlsb": "an Excel workbook",
    ".xls": "an Excel workbook",
    ".ods": "a spreadsheet",
    ".parquet": "a Parquet file",
    ".feather": "a Feather file",
    ".arrow": "an Arrow file",
    ".orc": "an ORC file",
    ".avro": "an Avro file",
    ".pdf": "a PDF file",
    ".db": "a database file",
    ".sqlite": "a database file",
    ".duckdb": "a database file",
    ".pkl": "a pickle",
    ".pickle": "a pickle",
}


def kind_by_byte(position: int, byte: int) -> str | None:
    """Return what a file is that a UTF-8 decoder rejects at a position for a byte; None if many kinds fit."""
    return _BY_BYTE.get((position, byte))


def kind_by_extension(path: str) -> str | None:
    """Return what a file is according to its extension; None if it may be text."""
    return _BY_EXTENSION.get(PurePosixPath(path.replace("\\", "/")).suffix.lower())
