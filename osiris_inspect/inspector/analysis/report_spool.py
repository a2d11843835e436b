"""Many reports in bounded memory: all but the first are in a temporary file and read when they are needed."""

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

    def group(self, number: int) -> int:
        """Return the number of the argument of the command line that a report is from."""
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
        self._groups: list[int] = []
        self._file: IO[bytes] | None = None
        self._positions: list[int] = []

    def __len__(self) -> int:
        return len(self._first) + len(self._positions)

    def add(self, report: Report, group: int = 0) -> None:
        """Add a report of a group.

        Raises:
            OSError: the temporary file cannot be written.
        """
        self._groups.append(group)
        if len(self._first) < MAX_IN_MEMORY:
            self._first.append(report)
            return
        if self._file is None:
            import tempfile
            import weakref

            self._file = tempfile.TemporaryFile()  # noqa: SIM115  open as long as this object
            weakref.finalize(self, self._file.close)
        import pickle  # one run needs none

        self._positions.append(self._file.seek(0, 2))
        pickle.dump(detach_log(report, self._cache), self._file, pickle.HIGHEST_PROTOCOL)

    def group(self, number: int) -> int:
        """Return the group that was added with a report."""
        return self._groups[number]

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

    def group(self, number: int) -> int:
        """Return the group of a report; 0 if the reports have none."""
        reports = self._reports
        return reports.group(self._numbers[number]) if isinstance(reports, _Reports) else 0

    def _report(self, number: int) -> Report:
        return self._change(self._reports[self._numbers[number]])


def newest_last(reports: Sequence[Report]) -> Sequence[Report]:
    """Return the groups of reports in their order, each reversed, so that the newest run of a folder is the last."""
    view = ReportView(reports, range(len(reports)))
    return ReportView(reports, sorted(range(len(reports)), key=lambda number: (view.group(number), -number)))


def map_reports(reports: Sequence[Report], change: Callable[[Report], Report]) -> Sequence[Report]:
    """Return the reports, each changed when it is read."""
    return ReportView(reports, range(len(reports)), change)
