"""Conversion of an index to JSON and back: column names, row labels, categories of a categorical.

The caller passes how the values of a level are converted, because a level may be categorical, whose
categories are an index again.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.conversion import arrow_types, cell_json
from osiris_inspect.runtime.frames.conversion.column_plan import Planner, Reader


def index_to_json(index: pd.Index, plan: Planner) -> tuple[dict[str, Any], set[str]]:
    """Return ``index`` as JSON (values, type, names, frequency), and what of it cannot be restored."""
    not_restorable: set[str] = set()
    names = [cell_json.cell_to_json(name, not_restorable) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        bounds = [index.start, index.stop, index.step]
        return {"kind": "range", "range": bounds, "names": names}, not_restorable
    levels = [_pack_level(level, plan, not_restorable) for level in index_levels(index)]
    kind = "multi" if isinstance(index, pd.MultiIndex) else "flat"
    freq = frequency(index, not_restorable)
    return {"kind": kind, "levels": levels, "names": names, "freq": freq}, not_restorable


def index_from_json(info: Mapping[str, Any], restore: Reader) -> pd.Index:
    """Return the index that ``index_to_json`` wrote."""
    names = [cell_json.cell_from_json(name) for name in info["names"]]
    if info["kind"] == "range":
        start, stop, step = info["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    return index_from_levels([_unpack_level(level, restore) for level in info["levels"]], names, info)


def index_levels(index: pd.Index) -> list[pd.Index]:
    """Return the values of each level, one per row."""
    if isinstance(index, pd.MultiIndex):
        return [index.get_level_values(position) for position in range(index.nlevels)]
    return [index]


def index_from_levels(levels: list[Any], names: list[Any], info: Mapping[str, Any]) -> pd.Index:
    """Return the index with these level values, with its names and frequency."""
    if info["kind"] == "multi":
        return pd.MultiIndex.from_arrays(levels, names=names)
    values = levels[0]
    if getattr(values, "dtype", None) == np.dtype(object):  # pandas would infer a narrower type
        values = pd.Index(values, dtype=object, tupleize_cols=False)
    index: pd.Index = pd.Index(values, name=names[0], copy=False)
    if info.get("freq"):
        setattr(index, "freq", pd.tseries.frequencies.to_offset(info["freq"]))  # noqa: B010 - the stubs call it read-only
    return index


def frequency(index: pd.Index, not_restorable: set[str]) -> str | None:
    """Return the frequency of an index as text; None if it has none or if text cannot represent it."""
    freq = getattr(index, "freq", None)
    if freq is None or isinstance(index, pd.PeriodIndex):
        return None
    if pd.tseries.frequencies.to_offset(freq.freqstr) == freq:
        return str(freq.freqstr)
    not_restorable.add(f"freq {freq!r}")
    return None


def _pack_level(level: pd.Index, plan: Planner, not_restorable: set[str]) -> dict[str, Any]:
    values = level.to_numpy() if isinstance(level.dtype, np.dtype) else level.array
    column = plan(values)
    hidden = {
        name: {"type": arrow_types.type_to_text(kind), "cells": encode(values).to_pylist()}
        for name, (kind, encode) in column.hidden.items()
    }
    array = column.encode(values)
    not_restorable.update(column.not_restorable)
    return {
        "dtype": str(level.dtype),
        "facts": dict(column.restore_info),
        "type": arrow_types.type_to_text(column.type),
        "cells": [cell_json.cell_to_json(cell, not_restorable) for cell in array.to_pylist()],
        "beside": hidden,
    }


def _unpack_level(level: Mapping[str, Any], restore: Reader) -> Any:
    try:
        array = pa.array(
            [cell_json.cell_from_json(cell) for cell in level["cells"]],
            arrow_types.type_from_text(level["type"]),
        )
        hidden = {
            name: pa.array(column["cells"], arrow_types.type_from_text(column["type"]))
            for name, column in level["beside"].items()
        }
    except (pa.ArrowInvalid, KeyError, TypeError) as error:
        raise SpillCorrupt(
            f"cannot read an index of schema.json: {error}", fix="run the step that wrote it again"
        ) from error
    return restore(pa.chunked_array([array]), level["facts"], hidden)
