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
from osiris_inspect.runtime.frames.conversion.column_names import sql_names
from osiris_inspect.runtime.frames.conversion.column_plan import Column
from osiris_inspect.runtime.frames.conversion.frame_plan import Texts, field_of
from osiris_inspect.runtime.frames.conversion.index import Packed

Metadata = Mapping[bytes, bytes] | None
_SHAPES = 512
"""Shapes that are remembered; the one not met for the longest time is forgotten."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of a frame's columns: as they are, as SQL is told them, and packed.

    ``index`` is the name and the type of plain text labels, which with ``given`` say all of them; None for other labels.
    """

    given: tuple[Any, ...]
    names: tuple[str, ...]
    packed: Packed
    index: tuple[str | None, Any] | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the columns of frames are kept, whose names and types are all that matters."""

    columns: tuple[Column, ...]
    fields: tuple[Mapping[str, Any], ...]
    texts: Texts
    metadata: Callable[[], Metadata]


def labels_of(index: pd.Index) -> Labels:
    """The names of columns."""
    given = tuple(index)
    if _is_plain(index, given):
        return _plain_labels(given, index.name, index.dtype)
    return Labels(given, tuple(sql_names(given)), index_form.pack(index, columns.plan))


def _is_plain(index: pd.Index, given: tuple[Any, ...]) -> bool:
    is_text = index.dtype == np.dtype(object) or isinstance(index.dtype, pd.StringDtype)
    has_plain_name = index.name is None or type(index.name) is str
    return (
        type(index) is pd.Index and is_text and has_plain_name and all(type(label) is str for label in given)
    )


@lru_cache(maxsize=_SHAPES)
def _plain_labels(given: tuple[str, ...], name: str | None, dtype: Any) -> Labels:
    packed = index_form.pack(_index(given, name, dtype), columns.plan)
    return Labels(given, tuple(sql_names(given)), packed, (name, dtype))


def _index(given: tuple[str, ...], name: str | None, dtype: Any) -> pd.Index:
    index: pd.Index = pd.Index(list(given), dtype=dtype, name=name, tupleize_cols=False)
    return index


def shape_of(labels: Labels, dtypes: tuple[Any, ...]) -> Shape | None:
    """What frames with these columns have in common; None where a column's values have a say."""
    if labels.index is None or not all(isinstance(dtype, columns.SIMPLE) for dtype in dtypes):
        return None
    return _shape(labels.given, *labels.index, dtypes)


@lru_cache(maxsize=_SHAPES)
def _shape(given: tuple[str, ...], name: str | None, dtype: Any, dtypes: tuple[Any, ...]) -> Shape | None:
    kept = tuple(filter(None, map(columns.plan_of_type, dtypes)))
    if len(kept) < len(dtypes) or not dtypes:
        return None
    labels = _plain_labels(given, name, dtype)
    fields = tuple(map(field_of, labels.names, kept, given, dtypes))
    texts = Texts.of(fields, labels.packed.facts, schema_hash(fields))
    return Shape(kept, fields, texts, lru_cache(partial(_metadata_of_shape, labels, fields, dtypes)))


def schema_hash(fields: Sequence[Mapping[str, Any]]) -> str:
    """The same for all frames with the same columns, in the same order, of the same types."""
    shape = [[field["name"], field["dtype"], field["arrow"]] for field in fields]
    return xxhash.xxh3_64(json.dumps(shape).encode()).hexdigest()


def _metadata_of_shape(
    labels: Labels, fields: Sequence[Mapping[str, Any]], dtypes: Sequence[Any]
) -> Metadata:
    assert labels.index is not None  # noqa: S101 - only plain labels have a shape
    frame = pd.DataFrame({place: pd.Series([], dtype=dtype) for place, dtype in enumerate(dtypes)})
    frame.columns = _index(labels.given, *labels.index)
    return metadata_of(frame, labels, fields)


def metadata_of(frame: pd.DataFrame, labels: Labels, fields: Sequence[Mapping[str, Any]]) -> Metadata:
    """What ``pandas.read_parquet`` reads the types of such a frame from; None where our form would mislead it."""
    if not (
        fields
        and labels.names == labels.given
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
