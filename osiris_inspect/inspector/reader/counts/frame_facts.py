"""Reads the counts of frames: from the events, else from the files of a spill."""

import json
from collections.abc import Mapping
from typing import Any

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts, JoinFacts
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event, as_int

_JOIN_COUNTS = ("left_rows", "right_rows", "matched", "left_duplicates", "right_duplicates")


def read_frame_facts(run: Run, *, log_only: bool = False) -> dict[str, FrameFacts]:
    """Return the counts of the frames of a run by step; with ``log_only`` only those in the log.

    The Parquet files are opened only for a run that succeeded: the cause of a failure is in its log.
    """
    disk = RunFiles(run.path)
    stored = {event.step: event for event in run.events_named("output_stored")}
    frames: dict[str, FrameFacts] = {}
    for step in run.steps:
        event = stored.get(step.id)
        logged = _from_event(step.id, event) if event is not None else None
        is_counted = logged is not None and any(column.nulls is not None for column in logged.columns)
        if not log_only and not is_counted and not disk.is_mirror:  # each file of a remote run is a request
            logged = _from_spill(run, step, disk, logged) or logged
        if logged is not None:
            frames[step.id] = logged
    return frames


def _from_event(step: str, event: Event) -> FrameFacts | None:
    if event.row_count is None:
        return None
    names, dtypes, nulls = (_items(event.fields.get(key)) for key in ("columns", "dtypes", "nulls"))
    original = event.fields.get("original_names")
    originals = original if isinstance(original, Mapping) else {}
    columns = tuple(
        ColumnFacts(
            str(originals.get(str(name), name)),
            str(_item(dtypes, number) or ""),
            as_int(_item(nulls, number)),
        )
        for number, name in enumerate(names)
    )
    join = event.fields.get("join")
    return FrameFacts(
        step,
        event.row_count,
        columns,
        event.file,
        event.line,
        _join(join) if isinstance(join, Mapping) else None,
        tuple(check for check in _items(event.fields.get("checks")) if isinstance(check, Mapping)),
    )


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _item(values: list[Any], number: int) -> Any:
    return values[number] if number < len(values) else None


def _join(counts: Mapping[str, Any]) -> JoinFacts | None:
    numbers = [as_int(counts.get(name)) for name in _JOIN_COUNTS]
    if any(number is None or number < 0 for number in numbers):
        return None
    known = {name: number or 0 for name, number in zip(_JOIN_COUNTS, numbers, strict=True)}
    return JoinFacts(
        **known, right_matched=as_int(counts.get("right_matched")), is_filtered=counts.get("filtered") is True
    )


def _from_spill(run: Run, step: StepState, disk: RunFiles, logged: FrameFacts | None) -> FrameFacts | None:
    """Return the counts in ``schema.json`` and in the footer of the Parquet file; None if there is no spill."""
    spills = [artifact for artifact in step.artifacts if artifact.kind == "parquet"]
    if not layout.is_safe_name(step.id) or not any(artifact.state == "present" for artifact in spills):
        return None
    schema = layout.schema_path(step.id)
    dtypes = _dtypes(disk.read_document(schema, json.loads) if disk.exists(schema) else None)
    counted = None
    if run.status == "success":
        from osiris_inspect.inspector.tables.parquet_footer import null_counts

        counted = null_counts(run.path / layout.spill_path(step.id))
    if counted is None and not dtypes:
        return None
    rows, nulls = counted or (step.rows_out, {})
    names = list(dtypes) or list(nulls)
    columns = tuple(ColumnFacts(name, dtypes.get(name, ""), nulls.get(name)) for name in names)
    if logged is not None and logged.columns:
        return logged._replace(columns=columns)
    return FrameFacts(step.id, rows, columns, schema if dtypes else layout.spill_path(step.id))


def _dtypes(document: Any) -> dict[str, str]:
    """Return the types by column in a ``schema.json``: ours, or of the original, which has nothing else."""
    if not isinstance(document, Mapping):
        return {}
    dtypes = document.get("dtypes", document)
    if not isinstance(dtypes, Mapping):
        return {}
    return {str(name): str(dtype) for name, dtype in dtypes.items() if isinstance(dtype, str)}
