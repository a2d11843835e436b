"""Rows of MySQL are read while another thread looks at the frames of the reader, as the heartbeat does."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pyarrow as pa
import pytest

from osiris_inspect.runtime.drivers.mysql.wire_protocol import ResultEnd, read_columns

ROWS = 50_000
END = b"\xfe\x00\x00\x02\x00"


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes((number % 256,)) + payload


@pytest.fixture
def kept_frames() -> Iterator[list[FrameType]]:
    """Keep each frame that returns, with its local variables, as a thread does that inspects it."""
    frames: list[FrameType] = []

    def keep(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "return" and "wire_protocol" in frame.f_code.co_filename:
            frames.append(frame)

    sys.setprofile(keep)
    yield frames
    sys.setprofile(None)


def test_kept_frames_do_not_keep_rows_from_being_read(kept_frames: list[FrameType]) -> None:
    texts = [b"row %d" % number for number in range(ROWS)]
    stream = b"".join(packet(number, bytes((len(text),)) + text) for number, text in enumerate(texts))
    stream += packet(ROWS, END)
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        position += size
        return stream[position - size : position]

    batches = list(read_columns(read, [object()], ResultEnd()))
    assert len(kept_frames) > 2
    column = pa.chunked_array([column for (column,) in batches])
    assert column.to_pylist() == texts
