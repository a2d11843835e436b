"""What the lines of one block are, and how one process tells it to another: a line of JSON, and columns in a file.

Codes are those of the teller. With each block come the names it met for the first time, so that who listens can give
them codes of its own; in the order of the file these are the codes that one process alone would have given.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.blocks import BLOCK, iter_blocks
from osiris_inspect.inspector.event_log.index.scanner import LineColumns, LineScanner
from osiris_inspect.inspector.event_log.index.vectorized import NO_TIME, Numbers

_WIDTHS: Final = ("u1", "u2", "u4", "i8")
_COLUMNS: Final = 4

Column = npt.NDArray[Any]


class InvalidScanMessage(Exception):
    """What was told cannot be: whoever told it is not to be listened to any further."""


@dataclass(slots=True)
class ScannedBlock:
    """The lines of a block.

    Attributes:
        taken: its bytes.
        lengths: of its lines, their newlines included.
        told: what its lines are.
    """

    consumed: int
    lengths: Numbers
    line_columns: LineColumns


def scan_blocks(
    descriptor: int, begin: int, sniffer: LineScanner, *, until: int | None = None, size: int = BLOCK
) -> Iterator[ScannedBlock]:
    """The whole lines of a file from ``begin`` on, block by block."""
    for lines, taken in iter_blocks(descriptor, begin, until=until, size=size):
        yield ScannedBlock(taken, np.diff(lines.starts, append=taken), sniffer.scan(lines))


@dataclass(slots=True)
class BlockEncoder:
    """Puts blocks into words, and knows which names it has told already."""

    sniffer: LineScanner
    _kinds: int = 0
    _steps: int = 0
    _decoded: int = 0

    def to_message(self, block: ScannedBlock) -> tuple[bytes, bytes]:
        """A block as a line that tells of it, and the columns it tells of."""
        low, since = _relative_times(block.line_columns.times)
        columns = [
            _smallest_dtype(of)
            for of in (block.lengths, block.line_columns.event_names, block.line_columns.steps, since)
        ]
        kinds, steps = self.sniffer.event_names.texts, self.sniffer.steps.texts
        said = {
            "taken": block.consumed,
            "lines": len(block.lengths),
            "decoded": self.sniffer.decoded_count - self._decoded,
            "low": low,
            "widths": [column.dtype.str[1:] for column in columns],
            "kinds": kinds[self._kinds :],
            "steps": steps[self._steps :],
        }
        self._kinds, self._steps, self._decoded = len(kinds), len(steps), self.sniffer.decoded_count
        return json.dumps(said).encode() + b"\n", b"".join(column.tobytes() for column in columns)


def parse_message(line: bytes) -> dict[str, Any]:
    """What a teller said in one line.

    Raises:
        Nonsense: it does not tell of so and so many bytes.
    """
    try:
        said = json.loads(line)
    except ValueError as error:
        raise InvalidScanMessage(str(error)) from error
    if not isinstance(said, dict) or not isinstance(said.get("taken"), int):
        raise InvalidScanMessage(repr(said)[:80])
    return said


@dataclass(slots=True)
class BlockDecoder:
    """Understands what a teller said, with the names of ``sniffer``.

    Attributes:
        columns: the file in which the columns are.
    """

    columns: int
    sniffer: LineScanner
    _place: int = 0
    _kinds: list[int] = field(default_factory=lambda: [0])
    _steps: list[int] = field(default_factory=lambda: [0])

    def block(self, said: Mapping[str, Any]) -> ScannedBlock:
        """The block that a teller speaks of.

        Raises:
            Nonsense: it speaks of none, or of one that cannot be.
        """
        try:
            lengths, kinds, steps, since = self._columns_of(said)
            self._learn(kinds, steps, said)
            decoded = int(said["decoded"])
            times = since.astype(np.int64) + (int(said["low"]) - 1)
            times[since == 0] = NO_TIME
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise InvalidScanMessage(str(error)) from error
        if not said["taken"] == lengths.sum() > 0 or not lengths.all():
            raise InvalidScanMessage(f"{said['taken']} bytes in lines of {lengths.sum()} bytes")
        told = LineColumns(
            np.array(self._kinds, np.uint16)[kinds], np.array(self._steps, np.uint16)[steps], times
        )
        self.sniffer.decoded_count += decoded
        return ScannedBlock(said["taken"], lengths.astype(np.int64), told)

    def _columns_of(self, said: Mapping[str, Any]) -> list[Column]:
        widths, count = said["widths"], int(said["lines"])
        if len(widths) != _COLUMNS or not set(widths) <= set(_WIDTHS) or count < 1:
            raise InvalidScanMessage(f"{count} lines in columns of {widths}")
        sizes = [np.dtype(width).itemsize * count for width in widths]
        raw = os.pread(self.columns, sum(sizes), self._place)
        self._place += sum(sizes)
        starts = [sum(sizes[:number]) for number in range(_COLUMNS)]
        return [np.frombuffer(raw, width, count, start) for width, start in zip(widths, starts, strict=True)]

    def _learn(self, kinds: Column, steps: Column, said: Mapping[str, Any]) -> None:
        """Give names that are new a code, once it is known that all codes have names."""
        known = ((kinds, self._kinds, said["kinds"]), (steps, self._steps, said["steps"]))
        if any(codes.max() >= len(table) + len(new) for codes, table, new in known):
            raise InvalidScanMessage("a code without a name")
        self._kinds += [self.sniffer.event_names.code(str(text)) for text in said["kinds"]]
        self._steps += [self.sniffer.steps.code(str(text)) for text in said["steps"]]


def _relative_times(times: Numbers) -> tuple[int, Numbers]:
    """The earliest of some times, and each of them counted from 1 ms before it; 0 for none."""
    low = int(times.min())
    if low != NO_TIME:
        return low, times - (low - 1)
    known = times != NO_TIME
    low = int(times.min(initial=np.iinfo(np.int64).max, where=known)) if known.any() else 0
    return low, np.where(known, times - (low - 1), 0)


def _smallest_dtype(values: Column) -> Column:
    """The same numbers, none of them negative, in as few bytes each as all of them need."""
    most = int(values.max(initial=0))
    width = next(width for width in _WIDTHS if most <= np.iinfo(width).max)
    return values.astype(width, copy=False)
