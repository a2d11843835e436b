"""Compares the rows of two frames on disk, with DuckDB in bounded memory.

Rows are matched by position if the frames have the same number of rows and most agree, else by a key, else as a whole. A
key with duplicates or NULL is never joined. Values of samples are masked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.tables.diff.expressions import SharedColumn
from osiris_inspect.inspector.tables.diff.frame_pair import FramePair, FramesNotComparable, readable_errors
from osiris_inspect.inspector.tables.diff.row_matching import MatchedRows, RowMatching
from osiris_inspect.model.run_types import OutputLevel

DEFAULT_ROWS: Final = 20
MAX_KEY_SEARCH: Final = 1_000_000
"""Rows up to which a key is searched among the columns."""
_MAX_CANDIDATES: Final = 3


@dataclass(frozen=True, slots=True)
class FrameDiffOptions:
    """Options for the comparison of two frames.

    Attributes:
        key: columns that identify a row; empty to choose.
        candidates: keys to try if none is set, the most likely first, as of the writer that takes the frame.
        tolerance: difference of two floats that counts as rounding, absolute below 1 and relative above; None for 4 units
            in the last place.
        rows: number of rows in ``samples``.
        finds_key: True to search a key among the columns of frames of any size.
    """

    key: tuple[str, ...] = ()
    candidates: tuple[tuple[str, ...], ...] = ()
    tolerance: float | None = None
    rows: int = DEFAULT_ROWS
    finds_key: bool = False


def diff_frames(base: Path, other: Path, options: FrameDiffOptions | None = None) -> FrameChanges:
    """Return how two Parquet files differ.

    Raises:
        FramesNotComparable: a file is missing, damaged or too large, or the key is not in both.
    """
    options = options or FrameDiffOptions()
    with FramePair(base, other) as pair, readable_errors():
        key = _named(pair, options.key)
        candidates = [key] if key else _candidates(pair, options)
        matching = RowMatching(pair, options.tolerance, options.rows)
        notes: list[str] = []
        matched = _match(pair, matching, key, candidates, notes)
        return FrameChanges(
            matched.method,
            _level(pair, matched),
            pair.rows,
            matched.key,
            matched.added,
            matched.removed,
            matched.changed,
            dict(matched.cells),
            matched.rounded,
            matched.is_reordered,
            pair.column_changes,
            tuple(matched.samples[: options.rows]),
            tuple(notes),
        )


def output_level(base: Path, other: Path) -> OutputLevel | None:
    """Return how close two Parquet files are; None if they cannot be compared."""
    try:
        return diff_frames(base, other).level
    except FramesNotComparable:
        return None


def _match(
    pair: FramePair,
    matching: RowMatching,
    key: tuple[SharedColumn, ...],
    candidates: Sequence[tuple[SharedColumn, ...]],
    notes: list[str],
) -> MatchedRows:
    """Match the rows in the first way that fits; ``notes`` gets why a key did not."""
    if not pair.columns:
        return MatchedRows("rows", pair.rows[1], pair.rows[0])
    if not key and pair.rows[0] == pair.rows[1]:
        matched = matching.by_position(has_key=bool(candidates))
        if matched is not None:
            return matched
    for columns in candidates:
        by_key = matching.by_key(columns)
        if isinstance(by_key, MatchedRows):
            return by_key
        names = ", ".join(column.name for column in columns)
        notes.append(f"{names} is not a key: {by_key}")
    return matching.by_rows()


def _candidates(pair: FramePair, options: FrameDiffOptions) -> list[tuple[SharedColumn, ...]]:
    columns = {column.name: column for column in pair.columns}
    keys = [key for key in options.candidates if key and all(name in columns for name in key)]
    can_search = options.finds_key or max(pair.rows) <= MAX_KEY_SEARCH
    names = [name for name in columns if name.lower() == "id"]
    names += [name for name in columns if name.lower().endswith("_id")] if can_search else []
    keys += [(name,) for name in names[:_MAX_CANDIDATES]]
    return [tuple(columns[name] for name in key) for key in dict.fromkeys(keys)]


def _named(pair: FramePair, key: Sequence[str]) -> tuple[SharedColumn, ...]:
    columns = {column.name: column for column in pair.columns}
    unknown = [name for name in key if name not in columns]
    if unknown:
        names = ", ".join(columns) or "no column"
        raise FramesNotComparable(f"no column {unknown[0]!r} in both frames; they share {names}")
    return tuple(columns[name] for name in key)


def _level(pair: FramePair, matched: MatchedRows) -> OutputLevel:
    if pair.column_changes or pair.rows[0] != pair.rows[1]:
        return "other"
    if matched.added or matched.removed or matched.changed:
        return "same shape"
    if matched.rounded:
        return "same but for rounding"
    return "same rows, other order" if matched.is_reordered else "identical"
