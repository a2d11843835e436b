"""Fingerprint of a frame: a hash of the Arrow buffers of its normal form, independent of the slices."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
import xxhash


class Fingerprint:
    """Hashes a frame slice by slice to 128 bits; all slices but the last must have one size."""

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()

    def update(self, arrays: Iterable[pa.Array]) -> None:
        """Add the columns of the next slice."""
        for array in arrays:
            self._array(array)

    def hexdigest(self, identity: str) -> str:
        """Return the fingerprint; ``identity`` describes what belongs to the frame beside its values."""
        complete = self._hash.copy()
        complete.update(identity.encode("ascii"))
        return complete.hexdigest()

    def _array(self, array: pa.Array) -> None:
        kind = array.type
        if kinds.is_dictionary(kind):
            array = array.dictionary_decode()
            array = array.cast(pa.large_string()) if kinds.is_string(array.type) else array
            kind = array.type
        gaps = array.null_count
        self._hash.update(len(array).to_bytes(8, "little") + (b"gaps" if gaps else b"full"))
        if gaps:
            self._update_bitmap(array.is_null())
        if kinds.is_nested(kind):
            self._nested(array)
        elif not kinds.is_null(kind):
            self._flat(array)

    def _nested(self, array: Any) -> None:
        if kinds.is_struct(array.type):
            self.update(array.flatten())
            return
        if kinds.is_map(array.type):
            array = array.cast(
                pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
            )
        self._array(pc.fill_null(pc.list_value_length(array), 0))
        self._array(array.flatten())

    def _flat(self, array: pa.Array) -> None:
        kind = array.type
        if kinds.is_boolean(kind):
            self._update_bitmap(pc.fill_null(array, False) if array.null_count else array)
        elif kinds.is_large_string(kind) or kinds.is_large_binary(kind):
            self._text(array)
        else:
            if array.null_count:
                array = _with_zeros(array)
            width = kind.bit_width // 8
            start = array.offset * width
            self._hash.update(memoryview(array.buffers()[1])[start : start + len(array) * width])

    def _text(self, array: Any) -> None:
        if array.null_count:
            array = pc.fill_null(array, "" if kinds.is_large_string(array.type) else b"")
        if not len(array):
            return
        _, offsets, data = array.buffers()
        ends = np.frombuffer(offsets, "<i8", count=len(array) + 1, offset=array.offset * 8)
        self._hash.update(np.diff(ends).data)
        if data is not None:
            self._hash.update(memoryview(data)[ends[0] : ends[-1]])

    def _update_bitmap(self, array: Any) -> None:
        self._flat(array.cast(pa.uint8()))


def _with_zeros(array: Any) -> Any:
    """Fill gaps with zeros, because a gap may contain any bytes."""
    if kinds.is_decimal(array.type):
        return pc.fill_null(array, pa.scalar(0, pa.decimal128(1, 0)).cast(array.type))
    return pc.fill_null(array, pa.scalar(0, _type_number(array.type)).cast(array.type))


def _type_number(kind: pa.DataType) -> pa.DataType:
    if kind.bit_width == 64:
        return pa.int64()
    return pa.int32() if kind.bit_width == 32 and not kinds.is_floating(kind) else pa.int8()
