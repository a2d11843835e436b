"""One pandas column as an Arrow array in normal form, and back: which form it takes, and what restores it.

``plan`` looks at a whole column once; the ``Column`` it gives encodes slices of it. ``restore`` undoes it from the facts
alone, which are JSON. ``beside`` holds what only pandas needs (which kind of nothing a gap was): it does not stand among
the columns that SQL sees.

Here live the types that hold values of other types: intervals, sparse columns, categories.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import cell_json as cells
from osiris_inspect.runtime.frames.conversion import extension_columns
from osiris_inspect.runtime.frames.conversion import index as index_form
from osiris_inspect.runtime.frames.conversion import numpy_columns as number_columns
from osiris_inspect.runtime.frames.conversion import object_columns as objects
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan, Planner, Reader


def plan(values: Any) -> ColumnPlan:
    """How the column ``values`` (what ``Series.array`` or ``Index.array`` gives) is kept."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        return number_columns.plan_numpy(np.asarray(values), dtype)
    if type(values) is pd.arrays.NumpyExtensionArray:  # text of pandas is a subclass of it
        return number_columns.plan_numpy(values.to_numpy(), values.to_numpy().dtype)
    for kind, planner in _EXTENSIONS.items():
        if isinstance(dtype, kind):
            return planner(values)
    column = objects.plan(np.asarray(values, dtype=object))
    column.not_restorable.add(f"dtype {dtype} of {type(dtype).__module__}")
    return replace(column, encode=lambda part: column.encode(np.asarray(part, dtype=object)))


def restore(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    """The values of a column for pandas.

    Raises:
        SpillCorrupt: the facts speak of a form we do not know.
    """
    reader = _READERS.get(facts["form"])
    if reader is None:
        raise SpillCorrupt(
            f"a column in the unknown form {facts['form']!r}; was it written by a newer version?"
        )
    return reader(array, facts, beside)


def _plan_intervals(values: Any) -> ColumnPlan:
    inner = plan(values.left.array)
    kind = pa.struct([("left", inner.type), ("right", inner.type)])
    facts = {"form": "interval", "closed": values.closed, "inner": dict(inner.restore_info)}
    return ColumnPlan(kind, facts, lambda part: _intervals(part, inner, kind))


def _intervals(values: Any, inner: ColumnPlan, kind: pa.DataType) -> pa.Array:
    sides = [inner.encode(values.left.array), inner.encode(values.right.array)]
    return pa.StructArray.from_arrays(sides, fields=list(kind), mask=pa.array(np.asarray(values.isna())))


def _plan_sparse(values: Any) -> ColumnPlan:
    lost: set[str] = set()
    dense = plan(_sparse_to_dense(values))
    facts = {
        "form": "sparse",
        "fill": cells.cell_to_json(values.dtype.fill_value, lost),
        "subtype": values.dtype.subtype.str,
        "inner": dict(dense.restore_info),
    }
    return replace(
        dense,
        restore_info=facts,
        encode=lambda part: dense.encode(_sparse_to_dense(part)),
        not_restorable=lost | dense.not_restorable,
    )


def _sparse_to_dense(values: Any) -> Any:
    return np.asarray(values.to_dense() if hasattr(values, "to_dense") else values).astype(
        values.dtype.subtype
    )


def _plan_categories(values: Any) -> ColumnPlan:
    labels = _category_values(values.categories)
    packed = index_form.index_to_json(values.categories, plan)
    facts = {
        "form": "category",
        "ordered": bool(values.ordered),
        "categories": packed.facts,
    }
    kind = arrow_form.TEXT_TYPE if labels.type == pa.large_string() else labels.type
    words = labels.cast(pa.string()) if kind != labels.type else labels

    def encode(part: Any) -> pa.Array:
        codes = np.asarray(part.codes, dtype="i4")
        indices = pa.array(codes, mask=codes < 0)
        if kind == labels.type:
            return labels.take(indices)
        return pa.DictionaryArray.from_arrays(indices, words)

    return ColumnPlan(kind, facts, encode, not_restorable=set(packed.lost))


def _category_values(categories: pd.Index) -> pa.Array:
    """What SQL sees of each category: the value where a plain type holds it, else its text."""
    inner = plan(categories.array)
    if (
        inner.restore_info["form"] in ("string", "numpy", "datetime")
        or inner.restore_info.get("cells") == "str"
    ):
        return inner.encode(categories.array)
    texts = [str(category) for category in categories]
    if len(set(texts)) < len(texts):
        lost: set[str] = set()
        return objects.json_array(list(categories), lost)
    return objects.text_array(texts)


def _read_interval(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    whole = arrow_form.single_array(array)
    left, right = (
        restore(pa.chunked_array([whole.field(side)]), facts["inner"], {}) for side in ("left", "right")
    )
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=facts["closed"])


def _read_sparse(array: Any, facts: Mapping[str, Any], beside: Mapping[str, Any]) -> Any:
    fill = cells.cell_from_json(facts["fill"])
    dtype = pd.SparseDtype(np.dtype(facts["subtype"]), fill)
    return pd.arrays.SparseArray(restore(array, facts["inner"], beside), fill_value=fill, dtype=dtype)


def _read_category(array: Any, facts: Mapping[str, Any], _beside: Mapping[str, Any]) -> Any:
    categories = index_form.index_from_json(facts["categories"], restore)
    codes = _codes(array, _category_values(categories))
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, ordered=facts["ordered"]))


def _codes(array: Any, labels: pa.Array) -> "np.ndarray[Any, Any]":
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    parts = [_codes_of(chunk, labels) for chunk in chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype="i4")


def _codes_of(chunk: pa.Array, labels: pa.Array) -> "np.ndarray[Any, Any]":
    if pa.types.is_dictionary(chunk.type):
        places = pc.index_in(chunk.dictionary.cast(labels.type), value_set=labels).take(chunk.indices)
    else:
        places = pc.index_in(chunk, value_set=labels, skip_nulls=True)
    if places.null_count != chunk.null_count:
        raise SpillCorrupt("a category that is not in the list of categories")
    codes: np.ndarray[Any, Any] = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
    return codes


_EXTENSIONS: dict[type, Planner] = {
    **extension_columns.PLANNERS,
    pd.CategoricalDtype: _plan_categories,
    pd.IntervalDtype: _plan_intervals,
    pd.SparseDtype: _plan_sparse,
}

_READERS: dict[str, Reader] = {
    **number_columns.READERS,
    **extension_columns.READERS,
    "interval": _read_interval,
    "sparse": _read_sparse,
    "category": _read_category,
    "objects": objects.restore,
}
