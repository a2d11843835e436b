"""Rows of MySQL's text protocol as columns of bytes, many rows at a time.

A client library creates a Python object per value: 14 s for a million rows of ten columns. Here the offsets of values are
computed per column with NumPy, and Arrow copies the bytes. ``types`` decodes them.

The format of packets and length-encoded values is in MySQL's documentation of the client/server protocol.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]
Block = bytes | bytearray
"""The bytes of complete rows."""
ReadBytes = Callable[[int], bytes]
"""Reads at most this many bytes, and waits for the first one; returns no bytes at the end of the stream."""

BLOCK: Final = 4 * 1024 * 1024
"""Bytes of rows in a batch."""
_READ_BYTES: Final = 256 * 1024
_MAX_PACKET: Final = 0xFFFFFF
"""A packet of this length is continued in the next one."""
_MAX_NUMBER: Final = 255
"""The number of a packet, after which they begin again with 0."""
_CHAIN_CHECKS: Final = 3
_HEAD: Final = Struct("<IB").unpack_from
"""Reads the length of a packet, its number in the highest byte, and its first byte."""
_NULL: Final = 0xFB
_ROW_END: Final = 0xFE
"""The first byte of a packet that may end the rows; no value of a short row begins with it."""
_MORE_RESULTS: Final = 8

StopReason = Literal["end", "error", "long row"]


class StreamEnded(Exception):
    """The stream ended before its last row."""


class ServerErrorPacket(Exception):
    """The server sent an error packet instead of a row."""

    log_name = "ServerFailed"

    def __init__(self, packet: bytes) -> None:
        super().__init__("the server sent an error instead of a row")
        self.packet = packet


@dataclass(slots=True)
class ResultEnd:
    """State after the last row: whether the rows of another result follow."""

    more_results: bool = False


def read_columns(read: ReadBytes, columns: Sequence[Any], end: ResultEnd) -> Iterator[list[pa.Array]]:
    """Yield the rows of a result as columns of bytes, in batches; set ``end`` after the last one.

    Raises:
        ServerErrorPacket: the server reported an error.
        StreamEnded: the connection was lost.
    """
    for data, starts in blocks(read, end, max_first_byte=_ROW_END - 1):
        yield list(_columns(data, starts, len(columns)))


def blocks(read: ReadBytes, end: ResultEnd, *, max_first_byte: int) -> Iterator[tuple[Block, Array]]:
    """Yield the bytes of complete rows, and the offsets of the rows in them.

    ``max_first_byte`` is the highest first byte of a row.
    """
    data, starts, position = bytearray(), list[Array](), 0
    while True:
        position = _find_short_rows(data, position, starts, max_first_byte)
        position, stop = _find_row_starts(data, position, starts)
        if stop or position >= BLOCK:
            if starts:
                yield bytes(memoryview(data)[:position]), np.concatenate(starts)
            del data[:position]
            starts, position = [], 0
        if stop == "end":
            if int.from_bytes(data[7:9], "little") & _MORE_RESULTS:
                end.more_results = _next_result_has_rows(data, read)
            return
        if stop == "error":
            raise ServerErrorPacket(bytes(data[4 : 4 + _packet_length(data)]))
        if stop == "long row":
            yield _multi_packet_row(data, read), np.zeros(1, dtype=np.int64)
        else:
            data += _read_or_raise(read)


def _find_short_rows(data: bytearray, position: int, starts: list[Array], max_first_byte: int) -> int:
    """Append the offsets of complete rows shorter than 64 KiB, all at once; return where the rows found end.

    The third byte of their headers is 0, and the fourth, the number of the packet, is one more than in the row before.
    Bytes that look like a header, but to which no other one leads, are discarded; the rest is checked to be one chain
    from ``position``.
    """
    # a copy: ``data`` cannot be resized while a view of it exists, as in a frame that the heartbeat looks at
    block = np.frombuffer(data[position:], dtype=np.uint8)
    if len(block) < 5:
        return position
    numbers = block[3:-1]
    is_head = (block[2:-2] == 0) & (numbers != 0) & (block[4:] <= max_first_byte)
    is_head &= (block[:-4] | block[1:-3]) != 0
    after_last = _row_ends(block, np.flatnonzero(is_head & (numbers == _MAX_NUMBER)))
    is_head[after_last[after_last < len(is_head)]] = True  # their number is 0, as most bytes of numbers are
    is_head[0] = True
    heads = np.flatnonzero(is_head)
    ends = _row_ends(block, heads)
    is_row = (block[heads + 2] == 0) & (block[heads + 4] <= max_first_byte)
    is_row &= (ends > heads + 4) & (ends <= len(block))
    heads, ends = heads[is_row], ends[is_row]
    for _ in range(_CHAIN_CHECKS):
        is_begin = np.zeros(len(block) + 1, dtype=np.bool_)
        is_begin[0] = is_begin[ends] = True
        follows = is_begin[heads]
        heads, ends = heads[follows], ends[follows]
    breaks = np.flatnonzero(heads != np.concatenate(([0], ends[:-1])))
    count = int(breaks[0]) if len(breaks) else len(heads)
    if not count:
        return position
    starts.append(heads[:count] + (position + 4))
    return position + int(ends[count - 1])


def _row_ends(block: Array, heads: Array) -> Array:
    ends: Array = heads + 4 + block[heads] + (block[heads + 1].astype(np.int64) << 8)
    return ends


def _find_row_starts(data: bytearray, position: int, starts: list[Array]) -> tuple[int, StopReason | None]:
    """Append the offset of each complete row; return where they end, and what follows other than a row."""
    size, found = len(data), list[int]()
    stop: StopReason | None = None
    while position + 5 <= size:
        header, first = _HEAD(data, position)
        length = header & _MAX_PACKET
        if length == _MAX_PACKET:
            stop = "long row"
            break
        end = position + 4 + length
        if end > size:
            break
        # an OK or error packet; a value with this first byte makes the packet longer
        if first >= _ROW_END and length and (first == 0xFF or length < 9):
            stop = "error" if first == 0xFF else "end"
            break
        found.append(position + 4)
        position = end
    if found:
        starts.append(np.array(found, dtype=np.int64))
    return position, stop


def _next_result_has_rows(data: bytearray, read: ReadBytes) -> bool:
    """Return True if the next result has rows; a CALL ends with a result that has none."""
    end = 4 + _packet_length(data)
    while len(data) < end + 5:
        data += _read_or_raise(read)
    if data[end + 4] == 0xFF:
        raise ServerErrorPacket(bytes(data[end + 4 :]))
    return bool(data[end + 4] != 0)


def _multi_packet_row(data: bytearray, read: ReadBytes) -> bytearray:
    """Remove a row of several packets from ``data`` and return it."""
    row = bytearray()
    while True:
        while len(data) < 4 or len(data) < 4 + _packet_length(data):
            data += _read_or_raise(read)
        length = _packet_length(data)
        row += memoryview(data)[4 : 4 + length]
        del data[: 4 + length]
        if length < _MAX_PACKET:
            return row


def _packet_length(data: bytearray) -> int:
    return int.from_bytes(data[:3], "little")


def _read_or_raise(read: ReadBytes) -> bytes:
    received = read(_READ_BYTES)
    if not received:
        raise StreamEnded
    return received


def _columns(block: Block, offsets: Array, count: int) -> Iterator[pa.Array]:
    data = np.frombuffer(block, dtype=np.uint8)
    buffer = pa.py_buffer(block)
    for _ in range(count):
        begin, length, is_null = value_ranges(data, offsets)
        offsets = begin + length
        yield take_bytes(buffer, begin, offsets, is_null)


def value_ranges(data: Array, offsets: Array) -> tuple[Array, Array, Array | None]:
    """Return the first byte and the length of each value, and which values are NULL."""
    head = data[offsets]
    length = head.astype(np.int64)
    begin = offsets + 1
    if head.max() < _NULL:
        return begin, length, None
    is_null = head == _NULL
    for mark, width in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
        (rows,) = np.nonzero(head == mark)
        if len(rows):
            digits = data[begin[rows, None] + np.arange(width)].astype(np.int64)
            length[rows] = digits @ (1 << (8 * np.arange(width, dtype=np.int64)))
            begin[rows] += width
    length[is_null] = 0
    return begin, length, is_null


def take_bytes(buffer: Any, begin: Array, end: Array, is_null: Array | None) -> pa.Array:
    """Return the bytes from ``begin`` to ``end`` of each row.

    The block is wrapped as one array whose even items are the values and whose odd items are the bytes between them.

    Raises:
        StreamEnded: a value is not in the block; Arrow would read beyond it.
    """
    rows = len(begin)
    if end.max() > buffer.size or (end < begin).any():
        raise StreamEnded
    offsets = np.empty(2 * rows, dtype=np.int64)
    offsets[0::2], offsets[1::2] = begin, end
    array = pa.Array.from_buffers(pa.large_binary(), 2 * rows - 1, [None, pa.py_buffer(offsets), buffer])
    return array.take(pa.array(np.arange(0, 2 * rows, 2), mask=is_null))
