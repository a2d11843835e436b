"""Null counts of a spilled frame, from the footer of its Parquet file.

The footer is Thrift in the compact protocol. It is read here because importing a Parquet library takes longer than the
report of a run.
"""

import os
import struct
from typing import Any, Final

from osiris_inspect.inspector.files.run_files import RunFiles

MAX_FOOTER_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 16
_MAGIC: Final = b"PAR1"
_FLOATS: Final = (4, 5)
"""Physical types FLOAT and DOUBLE."""
# numbers of the fields in the format's definition
_ROWS, _GROUPS, _COLUMNS, _META = 3, 4, 1, 3
_TYPE, _PATH, _VALUES, _STATISTICS = 1, 3, 5, 12
_MAX, _MIN, _NULLS, _MAX_VALUE, _MIN_VALUE = 1, 2, 3, 5, 6

Struct = dict[int, Any]


class _Damaged(Exception):
    """The footer is not what the format says."""


def null_counts(disk: RunFiles, file: str) -> tuple[int, dict[str, int | None]] | None:
    """Return the rows of a frame and the nulls of each column, None where unknown; None if it is unreadable."""
    try:
        with disk.open(file) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 8))
            length, magic = struct.unpack("<I4s", stream.read(8).rjust(8, b"\0"))
            if magic != _MAGIC or length > min(MAX_FOOTER_BYTES, size - 12):
                return None
            stream.seek(size - 8 - length)
            footer = _Reader(stream.read(length)).struct(0)
        return int(footer[_ROWS]), _columns(footer)
    except (OSError, _Damaged, LookupError, TypeError, ValueError):
        return None  # the rules on spills report a file that cannot be read


def _columns(footer: Struct) -> dict[str, int | None]:
    counts: dict[str, int | None] = {}
    for group in footer[_GROUPS]:
        for chunk in group[_COLUMNS]:
            meta = chunk[_META]
            name, nulls = b".".join(meta[_PATH]).decode("utf-8", "replace"), _nulls(meta)
            before = counts.get(name, 0)
            counts[name] = None if nulls is None or before is None else before + nulls
    return counts


def _nulls(meta: Struct) -> int | None:
    """Return the nulls of a chunk; of floats without a range every value is NaN, which is in no statistics."""
    statistics = meta.get(_STATISTICS)
    if statistics is None or _NULLS not in statistics:
        return None
    has_range = bool({_MAX, _MIN, _MAX_VALUE, _MIN_VALUE} & statistics.keys())
    if not has_range and meta[_TYPE] in _FLOATS:
        return int(meta[_VALUES])
    return int(statistics[_NULLS])


class _Reader:
    """Values of the compact protocol, in order."""

    def __init__(self, content: bytes) -> None:
        self._content, self._position = content, 0

    def struct(self, depth: int) -> Struct:
        """Return the fields of a structure by their number."""
        fields: Struct = {}
        number = 0
        while header := self._byte():
            delta, kind = header >> 4, header & 15
            number = number + delta if delta else self._zigzag()
            # the header of a field holds the value of a boolean
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise _Damaged
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._number())
        if kind in (9, 10):
            return self._list(depth + 1)
        if kind == 12:
            return self.struct(depth + 1)
        raise _Damaged

    def _list(self, depth: int) -> list[Any]:
        header = self._byte()
        length, kind = header >> 4, header & 15
        length = self._number() if length == 15 else length
        if length > len(self._content):  # an item takes at least one byte
            raise _Damaged
        return [self._value(kind, depth) for _ in range(length)]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        end = self._position + count
        if end > len(self._content):
            raise _Damaged
        start, self._position = self._position, end
        return self._content[start:end]

    def _number(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 70:
                raise _Damaged

    def _zigzag(self) -> int:
        number = self._number()
        return (number >> 1) ^ -(number & 1)
