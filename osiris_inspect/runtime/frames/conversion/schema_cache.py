"""What frames with the same columns have in common, found once: a run makes frames of few shapes, again and again.

Only what names and types decide is remembered. How text that may be no UTF-8, objects, categories, moments with a zone and
moments by the second are kept is decided by their values, each time anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xxhash

from osiris_inspect.runtime.frames.conversion import columns
from osiris_inspect.runtime.frames.conversion import index as index_form
from osiris_inspect.runtime.frames.conversion.column_names import unique_sql_names
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan
from osiris_inspect.runtime.frames.conversion.frame_plan import SchemaJson, field_metadata
from osiris_inspect.runtime.frames.conversion.index import PackedIndex

Metadata = Mapping[bytes, bytes] | None
_CACHE_SIZE = 512
"""Shapes that are remembered; the one not met for the longest time is forgotten."""


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """The names of a frame's columns: as they are, as SQL is told them, and packed.

    ``index`` is the name and the type of plain text labels, which with ``given`` say all of them; None for other labels.
    """

    original: tuple[Any, ...]
    names: tuple[str, ...]
    packed: PackedIndex
    index: tuple[str | None, Any] | None = None


@dataclass(frozen=True, slots=True)
class CachedSchema:
    """How the columns of frames are kept, whose names and types are all that matters."""

    columns: tuple[ColumnPlan, ...]
    fields: tuple[Mapping[str, Any], ...]
    texts: SchemaJson
    metadata: Callable[[], Metadata]


def column_labels(index: pd.Index) -> ColumnLabels:
    """The names of columns."""
    given = tuple(index)
    if _is_plain(index, given):
        return _plain_labels(given, index.name, index.dtype)
    return ColumnLabels(given, tuple(unique_sql_names(given)), index_form.index_to_json(index, columns.plan))


def _is_plain(index: pd.Index, original: tuple[Any, ...]) -> bool:
    is_text = index.dtype == np.dtype(object) or isinstance(index.dtype, pd.StringDtype)
    has_plain_name = index.name is None or type(index.name) is str
    return (
        type(index) is pd.Index
        and is_text
        and has_plain_name
        and all(type(label) is str for label in original)
    )


@lru_cache(maxsize=_CACHE_SIZE)
def _plain_labels(original: tuple[str, ...], name: str | None, dtype: Any) -> ColumnLabels:
    packed = index_form.index_to_json(_index(original, name, dtype), columns.plan)
    return ColumnLabels(original, tuple(unique_sql_names(original)), packed, (name, dtype))


def _index(original: tuple[str, ...], name: str | None, dtype: Any) -> pd.Index:
    index: pd.Index = pd.Index(list(original), dtype=dtype, name=name, tupleize_cols=False)
    return index


def cached_schema(labels: ColumnLabels, dtypes: tuple[Any, ...]) -> CachedSchema | None:
    """What frames with these columns have in common; None where a column's values have a say."""
    if labels.index is None or not all(isinstance(dtype, columns.SIMPLE) for dtype in dtypes):
        return None
    return _shape(labels.original, *labels.index, dtypes)


@lru_cache(maxsize=_CACHE_SIZE)
def _shape(
    original: tuple[str, ...], name: str | None, dtype: Any, dtypes: tuple[Any, ...]
) -> CachedSchema | None:
    kept = tuple(filter(None, map(columns.plan_for_dtype, dtypes)))
    if len(kept) < len(dtypes) or not dtypes:
        return None
    labels = _plain_labels(original, name, dtype)
    fields = tuple(map(field_metadata, labels.names, kept, original, dtypes))
    texts = SchemaJson.build(fields, labels.packed.facts, schema_hash(fields))
    return CachedSchema(kept, fields, texts, lru_cache(partial(_metadata_of_shape, labels, fields, dtypes)))


def schema_hash(fields: Sequence[Mapping[str, Any]]) -> str:
    """The same for all frames with the same columns, in the same order, of the same types."""
    shape = [[field["name"], field["dtype"], field["arrow"]] for field in fields]
    return xxhash.xxh3_64(json.dumps(shape).encode()).hexdigest()


def _metadata_of_shape(
    labels: ColumnLabels, fields: Sequence[Mapping[str, Any]], dtypes: Sequence[Any]
) -> Metadata:
    assert labels.index is not None  # noqa: S101 - only plain labels have a shape
    frame = pd.DataFrame({place: pd.Series([], dtype=dtype) for place, dtype in enumerate(dtypes)})
    frame.columns = _index(labels.original, *labels.index)
    return metadata_of(frame, labels, fields)


def metadata_of(frame: pd.DataFrame, labels: ColumnLabels, fields: Sequence[Mapping[str, Any]]) -> Metadata:
    """What ``pandas.read_parquet`` reads the types of such a frame from; None where our form would mislead it."""
    if not (
        fields
        and labels.names == labels.original
        and all(_is_read_by_pandas(field["facts"]) for field in fields)
    ):
        return None
    empty = frame.iloc[:0].reset_index(drop=True)
    empty.attrs = {}
    found: Mapping[bytes, bytes] = pa.Schema.from_pandas(empty, preserve_index=False).metadata
    return {b"pandas": found[b"pandas"]}


def _is_read_by_pandas(facts: Mapping[str, Any]) -> bool:
    if facts["form"] == "category":
        levels = facts["categories"].get("levels")  # a range of numbers has none
        return bool(levels) and _is_text(levels[0]["facts"])
    return _is_text(facts) or facts["form"] in ("numpy", "datetime", "masked")


def _is_text(facts: Mapping[str, Any]) -> bool:
    return facts["form"] == "string" or facts.get("cells") == "str"
