"""Reads the counts of frames: from the events, else from the files of a spill."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts, JoinFacts, SentinelFacts
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event, as_int

MAX_HASHED_BYTES = 4 << 20
"""Size up to which a spilled frame without a fingerprint is hashed."""
PAIR = 2
_LISTS = ("columns", "dtypes", "nulls", "distinct", "min", "max", "negatives")
_JOIN_COUNTS = ("left_rows", "right_rows", "matched", "left_duplicates", "right_duplicates")


def read_frame_facts(run: Run) -> dict[str, FrameFacts]:
    """Return the counts of the frames of a run by step.

    The Parquet files are opened only for a run that succeeded: the cause of a failure is in its log.
    """
    disk = RunFiles(run.path)
    stored = {event.step: event for event in run.events_named("output_stored")}
    frames: dict[str, FrameFacts] = {}
    for step in run.steps:
        event = stored.get(step.id)
        logged = _from_event(step.id, event) if event is not None else None
        is_counted = logged is not None and any(column.nulls is not None for column in logged.columns)
        if not is_counted and not disk.is_mirror:  # each file of a remote run is a request
            logged = _from_spill(run, step, disk, logged) or logged
        if logged is not None:
            frames[step.id] = logged
    return frames


def _from_event(step: str, event: Event) -> FrameFacts | None:
    if event.row_count is None:
        return None
    return logged_frame(step, event.row_count, event.fields)._replace(file=event.file, line=event.line)


def logged_frame(step: str, rows: int, event_fields: Mapping[str, Any]) -> FrameFacts:
    """Return the counts that an ``output_stored`` event contains."""
    names, *values = (_items(event_fields.get(key)) for key in _LISTS)
    blank_names = {name for name in _items(event_fields.get("blank_columns")) if isinstance(name, str)}
    odd = event_fields.get("odd_values")
    odd_values = odd if isinstance(odd, Mapping) else {}
    counted = event_fields.get("sentinels")
    sentinels = counted if isinstance(counted, Mapping) else {}
    texts = event_fields.get("value_counts")
    value_counts = texts if isinstance(texts, Mapping) else {}
    original = event_fields.get("original_names")
    originals = original if isinstance(original, Mapping) else {}
    given = islice(zip_longest(names, *values), len(names))
    columns = tuple(
        _column(str(originals.get(str(name), name)), value, is_blank=str(name) in blank_names)._replace(
            odd_values=_counts(odd_values.get(str(name))),
            sentinel=_sentinel(sentinels.get(str(name))),
            values=_pairs(value_counts.get(str(name))),
        )
        for name, *value in given
    )
    join, fingerprint = event_fields.get("join"), event_fields.get("fingerprint")
    source, garbled = event_fields.get("source"), event_fields.get("garbled")
    first_keys, gaps = event_fields.get("first_keys"), event_fields.get("gaps")
    return FrameFacts(
        step,
        rows,
        columns,
        layout.EVENTS,
        join=_join(join) if isinstance(join, Mapping) else None,
        fingerprint=fingerprint if isinstance(fingerprint, str) else "",
        source=source if isinstance(source, Mapping) else {},
        garbled=garbled if isinstance(garbled, Mapping) else {},
        first_keys=_texts(first_keys, originals),
        repeated=_share(event_fields.get("repeated")),
        unique=tuple(
            str(originals.get(name, name))
            for name in _items(event_fields.get("unique"))
            if isinstance(name, str)
        ),
        checks=tuple(check for check in _items(event_fields.get("checks")) if isinstance(check, Mapping)),
        gaps={
            str(originals.get(name, name)): gap
            for name, gap in (gaps.items() if isinstance(gaps, Mapping) else ())
            if isinstance(gap, Mapping)
        },
        filters=tuple(_filters(_items(event_fields.get("filters")))),
    )


def _column(name: str, values: Sequence[Any], *, is_blank: bool) -> ColumnFacts:
    dtype, nulls, distinct, low, high, negatives = values
    return ColumnFacts(
        name,
        str(dtype or ""),
        nulls if type(nulls) is int else as_int(nulls),
        distinct if isinstance(distinct, int | str) else None,
        low if isinstance(low, str) else None,
        high if isinstance(high, str) else None,
        is_blank,
        negatives=as_int(negatives),
    )


def _sentinel(value: Any) -> SentinelFacts | None:
    """Return a number that may stand for no value; None if it is not a complete entry."""
    entry = value if isinstance(value, Mapping) else {}
    rows = as_int(entry.get("rows"))
    try:
        number, following = float(entry["value"]), float(entry["next"])
    except (KeyError, TypeError, ValueError):
        return None
    return SentinelFacts(number, rows, following) if rows and math.isfinite(number + following) else None


def _counts(value: Any) -> Mapping[str, int]:
    """Return the counts of a mapping by word; none if it is not one."""
    counts = value if isinstance(value, Mapping) else {}
    return {
        str(word): rows for word, count in counts.items() if (rows := as_int(count)) is not None and rows > 0
    }


def _pairs(value: Any) -> Mapping[str, int]:
    """Return the counts of a list of values and their rows; none if a part of it is damaged."""
    pairs = [pair for pair in _items(value) if isinstance(pair, list) and len(pair) == PAIR]
    counts = _counts({str(text): rows for text, rows in pairs})
    return counts if len(counts) == len(_items(value)) else {}


def _texts(value: Any, originals: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the texts of a mapping by the original name of their column; none if it is not one."""
    texts = value if isinstance(value, Mapping) else {}
    return {str(originals.get(name, name)): text for name, text in texts.items() if isinstance(text, str)}


def _filters(entries: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the rows of a table and how many of them fulfil a condition; a damaged entry counts for no rows."""
    for entry in entries:
        counts = entry if isinstance(entry, Mapping) else {}
        yield as_int(counts.get("rows")) or 0, as_int(counts.get("kept")) or 0


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _share(repeated: Any) -> float | None:
    """Return the share of repeated rows in a sample; None if it was not counted."""
    counts = repeated if isinstance(repeated, Mapping) else {}
    rows, repeats = as_int(counts.get("rows")), as_int(counts.get("repeated"))
    return repeats / rows if rows and rows > 0 and repeats is not None else None


def _join(counts: Mapping[str, Any]) -> JoinFacts | None:
    numbers = [as_int(counts.get(name)) for name in _JOIN_COUNTS]
    if any(number is None or number < 0 for number in numbers):
        return None
    known = {name: number or 0 for name, number in zip(_JOIN_COUNTS, numbers, strict=True)}
    return JoinFacts(
        **known,
        right_matched=as_int(counts.get("right_matched")),
        is_filtered=counts.get("filtered") is True,
        uses=str(counts.get("uses") or ""),
        is_whole=counts.get("whole") is True,
        left_newer=as_int(counts.get("left_newer")) or 0,
        right_newer=as_int(counts.get("right_newer")) or 0,
    )


def _from_spill(run: Run, step: StepState, disk: RunFiles, logged: FrameFacts | None) -> FrameFacts | None:
    """Return the counts in ``schema.json`` and in the footer of the Parquet file; None if there is no spill."""
    spills = [artifact for artifact in step.artifacts if artifact.kind == "parquet"]
    if not layout.is_safe_name(step.id) or not any(artifact.state == "present" for artifact in spills):
        return None
    frame = spilled_frame(disk, step.id, step.rows_out, with_values=run.status == "success")
    if frame is not None and logged is not None and logged.columns:
        return logged._replace(columns=frame.columns)
    return frame


def spilled_frame(
    disk: RunFiles, step: str, rows_out: int | None, *, with_values: bool = True
) -> FrameFacts | None:
    """Return the counts of a spilled frame; without ``with_values`` only its columns. None if nothing is known."""
    schema, spill = layout.schema_path(step), layout.spill_path(step)
    dtypes = _dtypes(disk.read_document(schema, bounded_json.loads) if disk.exists(schema) else None)
    counted = None
    if with_values:
        from osiris_inspect.inspector.tables.parquet_footer import null_counts

        counted = null_counts(disk, spill)
    if counted is None and not dtypes:
        return None
    rows, nulls = counted or (rows_out, {})
    names = list(dtypes) or list(nulls)
    columns = tuple(ColumnFacts(name, dtypes.get(name, ""), nulls.get(name)) for name in names)
    fingerprint = _hash_of_file(disk, spill) if counted else ""
    return FrameFacts(step, rows, columns, schema if dtypes else spill, fingerprint=fingerprint)


def _hash_of_file(disk: RunFiles, file: str) -> str:
    """Return a hash of a small Parquet file: one version of a library writes equal frames as equal bytes."""
    if (disk.size(file) or 0) > MAX_HASHED_BYTES:
        return ""
    import hashlib  # few runs have spilled frames

    return hashlib.blake2b(disk.head(file, MAX_HASHED_BYTES), digest_size=16).hexdigest()


def _dtypes(document: Any) -> dict[str, str]:
    """Return the types by column in a ``schema.json``: ours, or of the original, which has nothing else."""
    if not isinstance(document, Mapping):
        return {}
    dtypes = document.get("dtypes", document)
    if not isinstance(dtypes, Mapping):
        return {}
    return {str(name): str(dtype) for name, dtype in dtypes.items() if isinstance(dtype, str)}
