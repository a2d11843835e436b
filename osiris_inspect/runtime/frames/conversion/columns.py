"""Conversion of a pandas column to Arrow and back.

``plan`` inspects a whole column once; its ``ColumnPlan`` encodes slices. ``restore`` converts back from the
JSON info alone. Hidden columns hold what only pandas needs (which missing value a gap was) and are not seen
by SQL.

This module handles the types that contain other types: intervals, sparse columns and categories.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.conversion import (
    arrow_types,
    cell_json,
    extension_columns,
    numpy_columns,
    object_columns,
)
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Encoder, Planner, Reader
from osiris_inspect.runtime.frames.conversion.index import index_from_json, index_to_json
from osiris_inspect.runtime.frames.conversion.natural import STORED_NATURALLY, Natural


def plan(values: Any) -> ColumnPlan:
    """Return the plan of a column, whose ``values`` are a ``Series.array`` or ``Index.array``."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return numpy_columns.plan_numpy(np.asarray(values), dtype)
    if type(values) is pd.arrays.NumpyExtensionArray:  # not its subclasses, the text types
        return numpy_columns.plan_numpy(values.to_numpy(), values.to_numpy().dtype)
    for kind, planner in _EXTENSIONS.items():
        if isinstance(dtype, kind):
            return planner(values)
    column = object_columns.plan(np.asarray(values, dtype=object))
    column.not_restorable.add(f"dtype {dtype} of {type(dtype).__module__}")
    return replace(column, encode=lambda chunk: column.encode(np.asarray(chunk, dtype=object)))


def restore(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    """Return the values of a column for pandas.

    Raises:
        SpillCorrupt: the column has an unknown form.
    """
    reader = _READERS.get(info["form"])
    if reader is None:
        raise SpillCorrupt(
            f"cannot read a column: unknown form {info['form']!r}",
            fix="upgrade if a newer version wrote it",
            form=info["form"],
        )
    return reader(array, info, hidden)


def _plan_intervals(values: Any) -> ColumnPlan:
    column = object_columns.plan(np.asarray(values, dtype=object))
    info = {"form": "interval", "dtype": str(values.dtype), "inner": dict(column.restore_info)}
    return replace(
        column,
        restore_info=info,
        encode=_of_objects(column.encode),
        hidden={key: (kind, _of_objects(encode)) for key, (kind, encode) in column.hidden.items()},
    )


def _of_objects(encode: Encoder) -> Encoder:
    return lambda chunk: encode(np.asarray(chunk, dtype=object))


def _read_intervals(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    cells = object_columns.restore(array, info["inner"], hidden)
    dtype: Any = pd.api.types.pandas_dtype(info["dtype"])
    return pd.array(cells, dtype=dtype)


def _plan_sparse(values: Any) -> ColumnPlan:
    not_restorable: set[str] = set()
    dense = plan(_sparse_to_dense(values))
    info = {
        "form": "sparse",
        "fill": cell_json.cell_to_json(values.dtype.fill_value, not_restorable),
        "subtype": values.dtype.subtype.str,
        "inner": dict(dense.restore_info),
    }
    return replace(
        dense,
        restore_info=info,
        encode=lambda chunk: dense.encode(_sparse_to_dense(chunk)),
        not_restorable=not_restorable | dense.not_restorable,
    )


def _sparse_to_dense(values: Any) -> Any:
    return np.asarray(values.to_dense() if hasattr(values, "to_dense") else values).astype(
        values.dtype.subtype
    )


def _plan_categories(values: Any) -> ColumnPlan:
    labels = _category_values(values.categories)
    categories, not_restorable = index_to_json(values.categories, plan)
    info = {"form": "category", "ordered": bool(values.ordered), "categories": categories}
    kind = arrow_types.TEXT_TYPE if labels.type == pa.large_string() else labels.type
    texts = labels.cast(pa.string()) if kind != labels.type else labels

    def encode(chunk: Any) -> pa.Array:
        codes = np.asarray(chunk.codes, dtype="i4")
        indices = pa.array(codes, mask=codes < 0)
        if kind == labels.type:
            return labels.take(indices)
        return pa.DictionaryArray.from_arrays(indices, texts)

    return ColumnPlan(
        kind, info, encode, not_restorable=not_restorable, natural=_category_natural(values.categories)
    )


def _category_natural(categories: pd.Index) -> Natural:
    """Return the natural form of categories: their text, unless two have the same or one has none."""
    inner = plan(categories.array)
    if inner.natural.kind == "none":
        return inner.natural
    if "cells" in inner.restore_info and len({str(category) for category in categories}) < len(categories):
        return Natural("none", reason="categories of different types with the same text")
    return STORED_NATURALLY


def _category_values(categories: pd.Index) -> pa.Array:
    """Return the SQL value of each category: the value if a plain type can hold it, otherwise its text."""
    inner = plan(categories.array)
    if (
        inner.restore_info["form"] in ("string", "numpy", "datetime")
        or inner.restore_info.get("cells") == "str"
    ):
        return inner.encode(categories.array)
    texts = [str(category) for category in categories]
    if len(set(texts)) < len(texts):
        not_restorable: set[str] = set()
        return object_columns.json_array(list(categories), not_restorable)
    return object_columns.text_array(texts)


def _read_sparse(array: Any, info: Mapping[str, Any], hidden: Mapping[str, Any]) -> Any:
    fill = cell_json.cell_from_json(info["fill"])
    dtype = pd.SparseDtype(np.dtype(info["subtype"]), fill)
    return pd.arrays.SparseArray(restore(array, info["inner"], hidden), fill_value=fill, dtype=dtype)


def _read_category(array: Any, info: Mapping[str, Any], _hidden: Mapping[str, Any]) -> Any:
    categories = index_from_json(info["categories"], restore)
    codes = _codes(array, _category_values(categories))
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, ordered=info["ordered"]))


def _codes(array: Any, labels: pa.Array) -> "np.ndarray[Any, Any]":
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    codes = [_codes_of(chunk, labels) for chunk in chunks]
    return np.concatenate(codes) if codes else np.empty(0, dtype="i4")


def _codes_of(chunk: pa.Array, labels: pa.Array) -> "np.ndarray[Any, Any]":
    if pa.types.is_dictionary(chunk.type):
        positions = pc.index_in(chunk.dictionary.cast(labels.type), value_set=labels).take(chunk.indices)
    else:
        positions = pc.index_in(chunk, value_set=labels, skip_nulls=True)
    if positions.null_count != chunk.null_count:
        raise SpillCorrupt(
            "cannot read a category: it is not in the list of categories",
            fix="run the step that wrote it again",
        )
    codes: np.ndarray[Any, Any] = pc.fill_null(positions, -1).to_numpy(zero_copy_only=False)
    return codes


_EXTENSIONS: dict[type, Planner] = {
    **extension_columns.PLANNERS,
    pd.CategoricalDtype: _plan_categories,
    pd.IntervalDtype: _plan_intervals,
    pd.SparseDtype: _plan_sparse,
}

_READERS: dict[str, Reader] = {
    **numpy_columns.READERS,
    **extension_columns.READERS,
    "interval": _read_intervals,
    "sparse": _read_sparse,
    "category": _read_category,
    "objects": object_columns.restore,
}
