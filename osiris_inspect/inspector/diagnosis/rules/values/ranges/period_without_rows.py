"""The rows of a source, or its files, cover each month or day of a time but one.

What it finds:
    A column of dates or times of a source that has rows in each month, or each day, between its first and its last value, but
    not in one of them, while each of the others has many rows or all have equally many; at least six months or
    28 days. Or files with the month in their names, at least six, of which one between the first and the last is not
    there. A holiday is not reported, and neither is a gap that the last run had too.

Why it matters:
    A file or a partition that was not delivered does not fail a step: sums of the whole time lack a part.

How to fix:
    Have the missing rows delivered and run again. If there are no rows in that time, allow this rule for the step.

Example:
    `passed_on` has rows in 11 of 12 months, and none in 2025-08.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_FILES = 6
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "have the missing rows delivered and run again; if there are none in that time, allow this rule for the step",
    Confidence.MEDIUM,
)
_HOLIDAYS = frozenset({(1, 1), (1, 6), (5, 1), (7, 4), (11, 1), (12, 24), (12, 25), (12, 26), (12, 31)})
"""Month and day of holidays on which shops of many countries are closed."""
_MONTH = LazyRegex(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])(?![-_.]?\d)")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources with a period without rows among others."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if not step.is_source:
            continue
        before = next((each.frames.get(step.id) for each in comparable.for_step(step.id)), None)
        known = [*_gaps(before)] if before is not None else []
        for name, missing, message in _gaps(frame):
            if (name, missing) not in [(one, gap) for one, gap, _ in known]:
                yield TEMPLATE.finding(message, frame_evidence(frame, name), step=step.id)
                break


def _gaps(frame: FrameFacts) -> Iterator[tuple[str, str, str]]:
    """Yield each gap: the key or the column that shows it, the missing period, and a message."""
    paths = [str(entry.get("path")) for entry in frame.source_entries("files")]
    if as_int(frame.source.get("files_read")) == len(paths) >= MIN_FILES:
        yield from _missing_file(paths)
    for name, gap in frame.gaps.items():
        missing, periods = excerpt(str(gap.get("missing")), 10), as_int(gap.get("periods")) or 0
        if not _is_holiday(gap):
            yield (
                name,
                missing,
                f"{name!r} has rows in {periods - 1:,} of {periods:,} {gap.get('unit')}s, and none in {missing}: this {gap.get('unit')} is missing",
            )


def _missing_file(paths: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the only month between the first and the last for which no file is there."""
    months: dict[int, str] = {}
    for path in paths:
        match = _MONTH.search(path)
        if match is not None:
            months[int(match[1]) * 12 + int(match[3]) - 1] = path
    forms = {_MONTH.sub(lambda _: "<month>", path) for path in paths}
    if len(months) < len(paths) or len(forms) > 1 or max(months) - min(months) != len(months):
        return
    missing = sum(range(min(months), max(months) + 1)) - sum(months)
    text = f"{missing // 12}-{missing % 12 + 1:02}"
    yield (
        "files",
        text,
        f"read {len(paths)} files of consecutive months, {paths[0]!r} to {paths[-1]!r}, and the file of the month {text} is missing",
    )


def _is_holiday(gap: Mapping[str, Any]) -> bool:
    if gap.get("unit") != "day":
        return False
    try:
        day = date.fromisoformat(str(gap.get("missing")))
    except ValueError:
        return True
    return (day.month, day.day) in _HOLIDAYS or day in (
        _easter(day.year),
        _easter(day.year) + timedelta(days=1),
    )


def _easter(year: int) -> date:
    """Return the Sunday of Easter from 1900 to 2099."""
    moon = (19 * (year % 19) + 24) % 30
    week = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
    days = moon + week
    is_late = days == 35 or (days == 34 and moon == 28 and year % 19 > 10)
    return date(year, 3, 22) + timedelta(days=days - 7 * is_late)
