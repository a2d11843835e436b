"""Spill policy of the frame store, and descriptions of what it stores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.model.run_types import FrameLocation


@dataclass(frozen=True, slots=True)
class SpillPolicy:
    """Conditions for moving frames to disk.

    A frame with more than ``threshold`` rows is spilled, and so is a stream of more than ``stream_bytes``.
    """

    force_spill: bool = False
    threshold: int = 100_000
    budget_bytes: int | None = None
    release_consumed: bool = False
    stream_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes of the frames in memory and of the spill files."""

    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """Description of a driver's stored result.

    Attributes:
        rows: rows of the frame; None if there is no frame, as for all that follows.
        columns, dtypes: names and types as text, in the order of the frame.
        original_names: names in the driver's frame, as text, of the columns that have another SQL name.
        nulls: rows without a value, by column.
        distinct: estimate of the different values, by column: 0, 1, ``few``, ``many`` or None if unknown.
        min, max: smallest and largest value as text, by column; None except for numbers and times.
        negatives: values below 0, by column; None except for numbers.
        sentinels: by column of numbers, the ``value`` at an end of its range that may stand for no value, such as -999,
            the ``rows`` that have it, and the ``next`` value; only if it is repeated.
        gaps: by column of dates or times, the only month or day without rows between the first and the last, if the
            others have many or equally many.
        index_columns: columns that are named levels of the index of a pandas frame.
        index_left_out: types of unnamed levels of the index, which only pandas sees; numbers do not count.
        blank_columns: columns of text whose values are all empty or spaces.
        repeated: rows, and how many of them repeat another row: all rows of a small frame, else those of the first
            values of a column ``id``; empty if there are none, or not counted.
        garbled: a column of text that was decoded wrong, and how often its first rows show it, by kind.
        unique: columns of a small frame of which each row has its own value.
        first_keys: by unique column of text, a short hash of its smallest value.
        odd_values: by column of text, rows with a word that stands for no value or an error; and odd forms of values.
        value_counts: by column with few different values each value, or its hash, with its rows, or those of a sample.
        join: counts of the join that made the frame; None if there was none or it was not counted.
        source: what the driver noticed in the file that it read, such as lines that a comment ends; None without
            anything.
        checks: mistakes that the query and its inputs show.
        filters: for each condition of the query the table, its rows and how many of them fulfil it.
        storage: location of the frame; ``reason`` explains it.
        parquet, schema: paths relative to the run directory.
        fingerprint, column_fingerprints: hashes of the values of the frame, and of each column by its SQL name.
        keys: type name of each key that the driver returned.
    """

    rows: int | None = None
    columns: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    original_names: Mapping[str, str] = field(default_factory=dict)
    nulls: tuple[int, ...] = ()
    distinct: tuple[int | str | None, ...] = ()
    min: tuple[str | None, ...] = ()
    max: tuple[str | None, ...] = ()
    negatives: tuple[int | None, ...] = ()
    sentinels: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    index_columns: tuple[str, ...] = ()
    index_left_out: tuple[str, ...] = ()
    blank_columns: tuple[str, ...] = ()
    odd_values: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    repeated: Mapping[str, int] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    first_keys: Mapping[str, str] = field(default_factory=dict)
    garbled: Mapping[str, int | str] = field(default_factory=dict)
    value_counts: Mapping[str, list[tuple[str, int]]] = field(default_factory=dict)
    join: Mapping[str, Any] | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    filters: tuple[Mapping[str, Any], ...] = ()
    source: Mapping[str, Any] | None = None
    storage: FrameLocation = "none"
    reason: str
    memory_bytes: int = 0
    spill_bytes: int = 0
    parquet: str | None = None
    schema: str | None = None
    fingerprint: str | None = None
    column_fingerprints: Mapping[str, str] = field(default_factory=dict)
    schema_hash: str | None = None
    keys: Mapping[str, str]
