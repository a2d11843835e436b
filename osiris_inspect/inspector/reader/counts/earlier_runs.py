"""Reads the last successful runs of the same pipeline that are beside a run.

Bounded: a few small files of a few runs. A run card says what each step returned; the logs of the newest runs say how
many values were missing.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model import jsonl, run_card
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import as_int

MAX_FOLDERS = 20_000
"""Folders beside a run that are listed."""
MAX_TRIED = 12
MAX_RUNS = 5
MAX_LOGS = 3
MAX_LOG_BYTES = 1 << 20


def read_earlier_runs(run: Run) -> tuple[EarlierRun, ...]:
    """Return the last successful runs with the same steps, newest first; empty unless the run succeeded."""
    if run.status != "success" or layout.parse_start_ms(run.id) is None or RunFiles(run.path).is_mirror:
        return ()
    drivers = {step.id: step.driver for step in run.steps}
    earlier: list[EarlierRun] = []
    for path in _older_runs(run.path):
        found = _read(path, run.pipeline, drivers, with_log=len(earlier) < MAX_LOGS)
        earlier += [found] if found is not None else []
        if len(earlier) == MAX_RUNS:
            break
    return tuple(earlier)


def last_successful_run(run: Run) -> Path | None:
    """Return the newest run of the same pipeline beside a run that succeeded before it; None if there is none."""
    if layout.parse_start_ms(run.id) is None or RunFiles(run.path).is_mirror:
        return None
    for path in _older_runs(run.path):
        status = _document(RunFiles(path), layout.STATUS)
        if status.get("pipeline") in (None, run.pipeline) and _has_succeeded(status):
            return path
    return None


def _older_runs(path: Path) -> Iterator[Path]:
    """Yield the runs beside a run that started before it, newest first; in one layout names sort by time."""
    path = path.resolve()
    try:
        names = _sorted_names(path.parent, path.parent.stat().st_mtime_ns)
    except OSError:
        return
    position = bisect_left(names, path.name)
    for name in reversed(names[max(0, position - MAX_TRIED) : position]):
        if layout.parse_start_ms(name) is not None:
            yield path.parent / name


@lru_cache(maxsize=1)
def _sorted_names(folder: Path, _modified: int) -> tuple[str, ...]:
    """Return the names in a folder; many runs of one folder are read one after the other."""
    with os.scandir(folder) as children:
        return tuple(sorted(child.name for child in islice(children, MAX_FOLDERS)))


def _read(
    path: Path, pipeline: str | None, drivers: Mapping[str, str | None], *, with_log: bool
) -> EarlierRun | None:
    disk = RunFiles(path)
    status = _document(disk, layout.STATUS)
    document = _document(disk, layout.RUN_CARD)
    is_same = status.get("pipeline") in (None, pipeline)
    if not is_same or not _has_succeeded(status) or not document:
        return None
    card = run_card.parse(document)
    if {step.step_id: step.driver for step in card.steps} != dict(drivers):
        return None
    durations = [step.duration_ms for step in card.steps if step.duration_ms is not None]
    return EarlierRun(
        path.name,
        {step.step_id: step.rows_out for step in card.steps if step.rows_out is not None},
        sum(durations) / 1000 if len(durations) == len(card.steps) else None,
        _null_shares(disk) if with_log else {},
    )


def _document(disk: RunFiles, file: str) -> Mapping[str, Any]:
    document = disk.read_document(file, json.loads) if disk.exists(file) else None
    return document if isinstance(document, Mapping) else {}


def _has_succeeded(status: Mapping[str, Any]) -> bool:
    complete = status.get("steps_completed") == status.get("steps_total")
    return status.get("ok") is True and status.get("status", "success") == "success" and complete


def _null_shares(disk: RunFiles) -> dict[tuple[str, str], float]:
    if (disk.size(layout.EVENTS) or 0) > MAX_LOG_BYTES:
        return {}
    shares: dict[tuple[str, str], float] = {}
    for _, line in disk.lines(layout.EVENTS):
        if b'"output_stored"' not in line:
            continue
        try:
            fields = jsonl.decode_object(line)
        except InvalidLine:
            continue
        rows, columns, nulls = as_int(fields.get("rows")), fields.get("columns"), fields.get("nulls")
        if rows and isinstance(columns, list) and isinstance(nulls, list):
            counts = zip(columns, map(as_int, nulls), strict=False)
            shares |= {
                (str(fields.get("step_id")), str(name)): count / rows
                for name, count in counts
                if count is not None
            }
    return shares
