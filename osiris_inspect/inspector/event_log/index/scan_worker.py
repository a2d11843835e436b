"""Process that scans one range of a long log, and the format in which it hands the blocks over.

``python -m osiris_inspect.inspector.event_log.index.scan_worker LOG BEGIN END PARENT``: an open descriptor of
the log, the range in bytes, and the process that reads the result. The first 8 bytes of stdout, which must be
a file, count the bytes scanned so far. For each block follow a line of JSON and the columns that it
describes. The codes of names are those of the worker; each block lists the names that are new in it.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scanner import (
    LineColumns,
    LineScanner,
    ScannedBlock,
    scan_blocks,
)
from osiris_inspect.inspector.event_log.index.vectorized import IntArray, Numbers

PROGRESS_BYTES = 8
MAX_NAMES = 65535


def scan_range(log: int, begin: int, end: int, parent: int, output: BinaryIO) -> None:
    """Scan the lines of a range until the names outnumber the codes or the parent process has ended."""
    scanner = LineScanner(NameTable(MAX_NAMES), NameTable(MAX_NAMES))
    output.seek(PROGRESS_BYTES)
    name_count = step_count = 0
    for block in scan_blocks(log, begin, scanner, until=end):
        if scanner.event_names.is_full or scanner.steps.is_full or os.getppid() != parent:
            return
        names, steps = scanner.event_names.texts, scanner.steps.texts
        _write_block(output, block, names[name_count:], steps[step_count:])
        name_count, step_count = len(names), len(steps)
        begin += block.consumed
        os.pwrite(output.fileno(), begin.to_bytes(PROGRESS_BYTES, "little"), 0)


def _write_block(output: BinaryIO, block: ScannedBlock, new_names: list[str], new_steps: list[str]) -> None:
    columns = block.line_columns
    first_time = int(columns.times.min())
    values: list[IntArray] = [block.lengths, columns.event_names, columns.steps, columns.times - first_time]
    arrays = [column.astype(np.min_scalar_type(column.max())) for column in values]
    header = {
        "lines": len(block.lengths),
        "dtypes": [column.dtype.str for column in arrays],
        "first_time": first_time,
        "event_names": new_names,
        "steps": new_steps,
    }
    output.write(json.dumps(header).encode() + b"\n" + b"".join(column.tobytes() for column in arrays))


def read_blocks(output: BinaryIO, scanner: LineScanner) -> Iterator[ScannedBlock]:
    """Yield the complete blocks that a worker wrote, with the codes of ``scanner``."""
    name_codes, step_codes = [0], [0]
    output.seek(PROGRESS_BYTES)
    while line := output.readline():
        try:
            header = json.loads(line)
            columns = _read_columns(output, header)
        except (ValueError, KeyError, TypeError):
            return
        name_codes += [scanner.event_names.code(name) for name in header["event_names"]]
        step_codes += [scanner.steps.code(step) for step in header["steps"]]
        lengths, event_names, steps, times = columns
        yield ScannedBlock(
            int(lengths.sum()),
            lengths,
            LineColumns(
                np.array(name_codes, np.uint16)[event_names], np.array(step_codes, np.uint16)[steps], times
            ),
        )


def _read_columns(output: BinaryIO, header: dict[str, Any]) -> list[Numbers]:
    """Return lengths, event names, steps and times of a block.

    Raises:
        ValueError: the file ends before the block does.
    """
    count = header["lines"]
    raw = [output.read(count * np.dtype(dtype).itemsize) for dtype in header["dtypes"]]
    lengths, event_names, steps, times = (
        np.frombuffer(column, dtype, count).astype(np.int64)
        for column, dtype in zip(raw, header["dtypes"], strict=True)
    )
    return [lengths, event_names, steps, times + header["first_time"]]


if __name__ == "__main__":
    descriptor, first, last, parent_pid = map(int, sys.argv[1:])
    scan_range(descriptor, first, last, parent_pid, sys.stdout.buffer)
