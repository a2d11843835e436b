"""Fingerprint of a frame: a hash of the Arrow buffers of its stored columns, which does not depend on the slices.

Each column has hashes of its own, for its values, the lengths of its values and the positions of its gaps, and so have
the columns inside a nested one. They also make a fingerprint of each column, without hashing its values again.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
import xxhash


class FrameFingerprint(NamedTuple):
    """Fingerprint of a frame, and of each of its columns by SQL name."""

    frame: str
    columns: dict[str, str]


class Fingerprint:
    """Hashes the columns of a frame, slice by slice, to 128 bits."""

    def __init__(self) -> None:
        self._columns: list[_ColumnHash] = []

    def update(self, arrays: Iterable[pa.Array]) -> None:
        """Add the columns of the next slice, always in the same order."""
        for number, array in enumerate(arrays):
            if number == len(self._columns):
                self._columns.append(_ColumnHash())
            self._columns[number].update(array)

    def hexdigest(self, identity: str) -> str:
        """Return the fingerprint; ``identity`` describes what belongs to the frame beside its values."""
        complete = xxhash.xxh3_128()
        for column in self._columns:
            for digest in column.digests():
                complete.update(digest)
        complete.update(identity.encode("ascii"))
        return complete.hexdigest()

    def column_hexdigest(self, positions: Iterable[int], identity: str) -> str:
        """Return the 64-bit fingerprint of a column, stored in the columns at ``positions``.

        ``identity`` describes what belongs to the column beside its values, such as its type.
        """
        complete = xxhash.xxh3_64()
        for position in positions:
            if position < len(self._columns):  # there are no columns without a slice
                for digest in self._columns[position].digests():
                    complete.update(digest)
        complete.update(identity.encode("ascii"))
        return complete.hexdigest()


class _ColumnHash:
    """Hashes of one column."""

    __slots__ = ("_children", "_gaps", "_lengths", "_rows", "_values")

    def __init__(self) -> None:
        self._rows = 0
        self._values: xxhash.xxh3_128 | None = None
        self._lengths: xxhash.xxh3_128 | None = None
        self._gaps: xxhash.xxh3_128 | None = None
        self._children: list[_ColumnHash] = []

    def digests(self) -> Iterator[bytes]:
        yield self._rows.to_bytes(8, "little")
        for part in (self._values, self._lengths, self._gaps):
            yield b"\0" if part is None else part.digest()
        for child in self._children:
            yield from child.digests()

    def update(self, array: Any) -> None:
        """Add the next values."""
        kind = array.type
        if kinds.is_dictionary(kind):
            array = array.dictionary_decode()
            array = array.cast(pa.large_string()) if kinds.is_string(array.type) else array
            kind = array.type
        if array.null_count:
            positions = np.flatnonzero(np.asarray(array.is_null())) + self._rows
            self._gaps = _add(self._gaps, positions.astype("<i8").data)
        if kinds.is_nested(kind):
            self._add_nested(array)
        elif kinds.is_boolean(kind):
            self._add_fixed(pc.fill_null(array, False).cast(pa.uint8()))
        elif kinds.is_large_string(kind) or kinds.is_large_binary(kind):
            self._add_text(array)
        elif not kinds.is_null(kind):
            self._add_fixed(_with_zeros(array) if array.null_count else array)
        self._rows += len(array)

    def _add_nested(self, array: Any) -> None:
        if kinds.is_struct(array.type):
            children = array.flatten()
        else:
            if kinds.is_map(array.type):
                pair = pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])
                array = array.cast(pa.list_(pair))
            lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
            self._lengths = _add(self._lengths, _bytes_of(lengths))
            children = [array.flatten()]
        for number, child in enumerate(children):
            if number == len(self._children):
                self._children.append(_ColumnHash())
            self._children[number].update(child)

    def _add_fixed(self, array: Any) -> None:
        if len(array):
            self._values = _add(self._values, _bytes_of(array))

    def _add_text(self, array: Any) -> None:
        if array.null_count:
            array = pc.fill_null(array, "" if kinds.is_large_string(array.type) else b"")
        if not len(array):
            return
        _, offsets, data = array.buffers()
        ends = np.frombuffer(offsets, "<i8", count=len(array) + 1, offset=array.offset * 8)
        self._lengths = _add(self._lengths, np.diff(ends).data)
        if data is not None:
            self._values = _add(self._values, memoryview(data)[ends[0] : ends[-1]])


def _add(hashed: xxhash.xxh3_128 | None, content: Any) -> xxhash.xxh3_128:
    hashed = hashed or xxhash.xxh3_128()
    hashed.update(content)
    return hashed


def _bytes_of(array: Any) -> memoryview:
    width = array.type.bit_width // 8
    start = array.offset * width
    return memoryview(array.buffers()[1])[start : start + len(array) * width]


def _with_zeros(array: Any) -> Any:
    """Fill gaps with zeros, because a gap may contain any bytes."""
    if kinds.is_decimal(array.type):
        return pc.fill_null(array, pa.scalar(0, pa.decimal128(1, 0)).cast(array.type))
    return pc.fill_null(array, pa.scalar(0, _type_number(array.type)).cast(array.type))


def _type_number(kind: pa.DataType) -> pa.DataType:
    if kind.bit_width == 64:
        return pa.int64()
    return pa.int32() if kind.bit_width == 32 and not kinds.is_floating(kind) else pa.int8()
