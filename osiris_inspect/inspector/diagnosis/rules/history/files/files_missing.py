"""A pattern matched fewer files than in the last runs.

What it finds:
    A step that read files by a pattern or a list: fewer than in each of the last runs, at least three, which read equally
    many; or without a file of the last run, in a folder from which no file had disappeared before. The oldest files,
    which a retention removes, are not reported.

Why it matters:
    A file that was not delivered, or was renamed, does not fail a step: its rows are missing.

How to fix:
    Have the missing file delivered and run again. If fewer files are right, allow this rule for the step.

Example:
    `extract-sales` read 11 files, and 12 in each of the last 5 runs; `in/store-7.csv` is missing.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    ComparableRuns,
    is_new_weekday,
    without_dates,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("files_read",)
MIN_RUNS = 3
FEW = 0.75
"""Part of the usual files from which a first weekend does not explain that some are missing."""
MAX_NAMED = 3
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "have the missing file delivered and run again; if fewer files are right, allow this rule for the step",
    Confidence.MEDIUM,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that read fewer files than before."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        count = _count(frame)
        if count is None:
            continue
        earlier = [each for each in comparable.for_step(step.id) if _count(each.frames.get(step.id))]
        before = [each.frames[step.id] for each in earlier]
        if len(before) < MIN_RUNS:
            continue
        counts = {_count(other) or 0 for other in before}
        missing = _missing_of_constant(frame, before[0])
        if count < FEW * min(counts) and is_new_weekday(run, earlier):
            continue
        if len(counts) == 1 and count < min(counts):
            usual = f"{min(counts):,} in each of the last {len(before)} runs"
        elif missing := _missing_of_growing(frame, before):
            usual = f"the last run read {_count(before[0]):,}"
        else:
            continue
        yield TEMPLATE.finding(
            f"read {count:,} {'file' if count == 1 else 'files'}, and {usual}{_names(missing)}",
            frame_evidence(frame, "files_read"),
            step=step.id,
        )


def _count(frame: FrameFacts | None) -> int | None:
    return as_int(frame.source.get("files_read")) if frame is not None else None


def _paths(frame: FrameFacts) -> list[str]:
    return [str(entry.get("path")) for entry in frame.source_entries("files")]


def _missing_of_constant(frame: FrameFacts, last: FrameFacts) -> list[str]:
    """Return the files of the last run of which there is none now, dates in their names aside."""
    now = Counter(map(without_dates, _paths(frame)))
    then = Counter(map(without_dates, _paths(last)))
    return [name for name in _paths(last) if now[without_dates(name)] < then[without_dates(name)] == 1]


def _missing_of_growing(frame: FrameFacts, before: Sequence[FrameFacts]) -> list[str]:
    """Return the files that disappeared from a folder in which files only came; older ones may be removed on purpose."""
    if any(_count(each) != len(_paths(each)) for each in (frame, *before)):
        return []  # not all files are named
    runs = [set(_paths(each)) for each in before]
    if not all(older <= newer for newer, older in pairwise(runs)):
        return []
    now = set(_paths(frame))
    missing = sorted(runs[0] - now)
    is_retention = not now or not missing or missing[-1] < min(now)
    return [] if is_retention else missing


def _names(missing: Sequence[str]) -> str:
    if not missing:
        return ""
    shown = ", ".join(map(repr, missing[:MAX_NAMED]))
    more = len(missing) - MAX_NAMED
    return (
        f"; {shown}{f' and {more} more' if more > 0 else ''} {'is' if len(missing) == 1 else 'are'} missing"
    )
