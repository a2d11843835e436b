"""Rows of MySQL's text protocol as columns of bytes, many rows at a time.

A client library makes a Python object of each value: 14 s for a million rows of ten columns. Here a block of the stream is
kept as it came, where each value begins and ends is worked out for a whole column at once, and Arrow copies the bytes out.
What a value means is decided elsewhere, by the declared type of its column.

Source: the layout of packets and of length-encoded values is MySQL's own documentation of its client/server protocol.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]
ReadBytes = Callable[[int], bytes]
"""Waits for bytes of the stream and gives what has come, at most so many; empty when the other end is gone."""

BLOCK: Final = 4 * 1024 * 1024
"""Bytes of rows that are worked on at a time."""
_READ: Final = 256 * 1024
_LONGEST: Final = 0xFFFFFF
"""A packet of this length goes on in the next one."""
_NULL: Final = 0xFB
_MORE_RESULTS: Final = 8
_header = struct.Struct("<I").unpack_from

StopReason = Literal["end", "error", "long row"]


class StreamEnded(Exception):
    """The stream ended before its last row."""


class ServerErrorPacket(Exception):
    """The server sent an error instead of a row; ``packet`` is what it sent."""

    log_name = "ServerFailed"

    def __init__(self, packet: bytes) -> None:
        super().__init__("the server sent an error instead of a row")
        self.packet = packet


@dataclass(slots=True)
class ResultEnd:
    """What the server said after the last row: whether rows of another result follow."""

    more_results: bool = False


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole rows: the bytes they came in, and where each begins."""

    data: bytes
    starts: Array


def read_columns(read: ReadBytes, count: int, ended: ResultEnd) -> Iterator[list[pa.Array]]:
    """The rows of a result as ``count`` columns of bytes, a block of rows at a time.

    Raises:
        ServerErrorPacket: the server gave up in the middle.
        StreamEnded: the connection is gone.
    """
    for block in _blocks(read, ended):
        yield list(_columns_of(block, count))


def _blocks(read: ReadBytes, ended: ResultEnd) -> Iterator[_Block]:
    data, starts, place = bytearray(), list[int](), 0
    while True:
        place, stop = _find_row_starts(data, place, starts)
        if starts and (stop or place >= BLOCK):
            yield _Block(bytes(memoryview(data)[:place]), np.array(starts, dtype=np.int64))
        if stop or place >= BLOCK:
            del data[:place]
            starts, place = [], 0
        if stop == "end":
            if int.from_bytes(data[7:9], "little") & _MORE_RESULTS:
                ended.more_results = _next_result_has_rows(data, read)
            return
        if stop == "error":
            raise ServerErrorPacket(bytes(data[4 : 4 + (_header(data)[0] & _LONGEST)]))
        if stop == "long row":
            yield _Block(_multi_packet_row(data, read), np.zeros(1, dtype=np.int64))
        else:
            data += _read_or_raise(read)


def _find_row_starts(data: bytearray, place: int, starts: list[int]) -> tuple[int, StopReason | None]:
    """Note where each whole row from ``place`` on begins; gives where the last one ends, and what stands there."""
    size = len(data)
    while place + 4 <= size:
        length = _header(data, place)[0] & _LONGEST
        if length == _LONGEST:
            return place, "long row"
        end = place + 4 + length
        if end > size:
            break
        first = data[place + 4] if length else 0
        if first >= 0xFE:  # an OK or error packet; a value that begins so is in a longer packet
            if first == 0xFF:
                return place, "error"
            if length < 9:
                return place, "end"
        starts.append(place + 4)
        place = end
    return place, None


def _next_result_has_rows(data: bytearray, read: ReadBytes) -> bool:
    """Whether the answer after this result has rows; a CALL ends with one that has none."""
    end = 4 + (_header(data)[0] & _LONGEST)
    while len(data) < end + 5:
        data += _read_or_raise(read)
    if data[end + 4] == 0xFF:
        raise ServerErrorPacket(bytes(data[end + 4 :]))
    return bool(data[end + 4] != 0)


def _multi_packet_row(data: bytearray, read: ReadBytes) -> bytes:
    """A row that is spread over several packets; it is taken out of ``data``."""
    row = bytearray()
    while True:
        while len(data) < 4 or len(data) < 4 + (_header(data)[0] & _LONGEST):
            data += _read_or_raise(read)
        length = _header(data)[0] & _LONGEST
        row += memoryview(data)[4 : 4 + length]
        del data[: 4 + length]
        if length < _LONGEST:
            return bytes(row)


def _read_or_raise(read: ReadBytes) -> bytes:
    part = read(_READ)
    if not part:
        raise StreamEnded
    return part


def _columns_of(block: _Block, count: int) -> Iterator[pa.Array]:
    data = np.frombuffer(block.data, dtype=np.uint8)
    buffer = pa.py_buffer(block.data)
    at = block.starts
    for _ in range(count):
        begin, length, is_null = _values_at(data, at)
        at = begin + length
        if at.max() > len(data):
            raise StreamEnded  # Arrow would read beyond the block
        yield _take_bytes(buffer, begin, at, is_null)


def _values_at(data: Array, at: Array) -> tuple[Array, Array, Array | None]:
    """Where the values at ``at`` begin, how long they are, and which are NULL."""
    head = data[at]
    length = head.astype(np.int64)
    begin = at + 1
    if head.max() < _NULL:
        return begin, length, None
    is_null = head == _NULL
    for mark, width in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        (rows,) = np.nonzero(head == mark)
        if len(rows):
            places = begin[rows, None] + np.arange(width)
            weights = 1 << (8 * np.arange(width, dtype=np.int64))
            length[rows] = data[places].astype(np.int64) @ weights
            begin[rows] += width
    length[is_null] = 0
    return begin, length, is_null


def _take_bytes(buffer: Any, begin: Array, end: Array, is_null: Array | None) -> pa.Array:
    """The bytes from ``begin`` to ``end``, row by row.

    The block is seen as one long column in which every second value is what lies between two of ours.
    """
    rows = len(begin)
    offsets = np.empty(2 * rows, dtype=np.int64)
    offsets[0::2], offsets[1::2] = begin, end
    seen = pa.Array.from_buffers(pa.large_binary(), 2 * rows - 1, [None, pa.py_buffer(offsets), buffer])
    return seen.take(pa.array(np.arange(0, 2 * rows, 2), mask=is_null))
