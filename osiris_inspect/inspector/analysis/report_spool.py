"""Many reports in bounded memory: all but the first are in a temporary file and read when they are needed."""

import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final, overload

from osiris_inspect.inspector.analysis.pickling import detach_log
from osiris_inspect.inspector.run.report import Report

MAX_IN_MEMORY: Final = 16
"""Reports that are kept in memory."""


class _Reports(Sequence[Report]):
    """Reports that are made one by one."""

    def _report(self, number: int) -> Report:
        raise NotImplementedError

    @overload
    def __getitem__(self, number: int) -> Report: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Report]: ...
    def __getitem__(self, number: int | slice) -> Report | Sequence[Report]:
        numbers = range(len(self))[number]
        return ReportView(self, numbers) if isinstance(numbers, range) else self._report(numbers)

    def __iter__(self) -> Iterator[Report]:
        return map(self._report, range(len(self)))


class ReportSpool(_Reports):
    """Reports in the order in which they were added. ``cache`` is the folder of the indexes of long logs."""

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._first: list[Report] = []
        self._file: IO[bytes] | None = None
        self._positions: list[int] = []

    def __len__(self) -> int:
        return len(self._first) + len(self._positions)

    def add(self, report: Report) -> None:
        """Add a report.

        Raises:
            OSError: the temporary file cannot be written.
        """
        if len(self._first) < MAX_IN_MEMORY:
            self._first.append(report)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  open as long as this object
            weakref.finalize(self, self._file.close)
        import pickle  # one run needs none

        self._positions.append(self._file.seek(0, 2))
        pickle.dump(detach_log(report, self._cache), self._file, pickle.HIGHEST_PROTOCOL)

    def _report(self, number: int) -> Report:
        if number < len(self._first) or self._file is None:
            return self._first[number]
        import pickle

        self._file.seek(self._positions[number - len(self._first)])
        report: Report = pickle.load(self._file)  # noqa: S301  written by this object
        return report


class ReportView(_Reports):
    """Some of other reports, each changed when it is read."""

    def __init__(
        self,
        reports: Sequence[Report],
        numbers: Sequence[int],
        change: Callable[[Report], Report] = lambda report: report,
    ) -> None:
        self._reports, self._numbers, self._change = reports, numbers, change

    def __len__(self) -> int:
        return len(self._numbers)

    def _report(self, number: int) -> Report:
        return self._change(self._reports[self._numbers[number]])


def map_reports(reports: Sequence[Report], change: Callable[[Report], Report]) -> Sequence[Report]:
    """Return the reports, each changed when it is read."""
    return ReportView(reports, range(len(reports)), change)
