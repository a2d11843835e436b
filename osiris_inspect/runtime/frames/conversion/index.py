"""An index as JSON, and back: the names of columns, the categories of a categorical.

How the values of a level are kept is handed in: a level may be of categories, whose categories are an index again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import cell_json as cells
from osiris_inspect.runtime.frames.conversion.column_plan import Planner, Reader


@dataclass(frozen=True, slots=True)
class PackedIndex:
    """An index as JSON, and what of it cannot be restored."""

    facts: dict[str, Any]
    lost: tuple[str, ...] = ()


def index_to_json(index: pd.Index, plan: Planner) -> PackedIndex:
    """``index`` as JSON: values, type, names, frequency."""
    lost: set[str] = set()
    names = [cells.cell_to_json(name, lost) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return PackedIndex(
            {"kind": "range", "range": [index.start, index.stop, index.step], "names": names}, tuple(lost)
        )
    levels = [_pack_level(level, plan, lost) for level in index_levels(index)]
    kind = "multi" if isinstance(index, pd.MultiIndex) else "flat"
    facts = {"kind": kind, "levels": levels, "names": names, "freq": frequency(index, lost)}
    return PackedIndex(facts, tuple(sorted(lost)))


def index_from_json(facts: Mapping[str, Any], restore: Reader) -> pd.Index:
    """The index that was packed."""
    names = [cells.cell_from_json(name) for name in facts["names"]]
    if facts["kind"] == "range":
        start, stop, step = facts["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    return index_from_levels([_unpack_level(level, restore) for level in facts["levels"]], names, facts)


def index_levels(index: pd.Index) -> list[pd.Index]:
    """The values of each level, one a row."""
    if isinstance(index, pd.MultiIndex):
        return [index.get_level_values(place) for place in range(index.nlevels)]
    return [index]


def index_from_levels(levels: list[Any], names: list[Any], facts: Mapping[str, Any]) -> pd.Index:
    """An index of the values of its levels, with its names and its frequency."""
    if facts["kind"] == "multi":
        return pd.MultiIndex.from_arrays(levels, names=names)
    index = as_index(levels[0], names[0])
    if facts.get("freq"):
        setattr(index, "freq", pd.tseries.frequencies.to_offset(facts["freq"]))  # noqa: B010 - the stubs call it read-only
    return index


def as_index(values: Any, name: Any = None) -> pd.Index:
    """Values as an index of exactly their type; pandas would guess a narrower one for objects."""
    if getattr(values, "dtype", None) == np.dtype(object):
        values = pd.Index(values, dtype=object, tupleize_cols=False)
    index: pd.Index = pd.Index(values, name=name, copy=False)
    return index


def frequency(index: pd.Index, lost: set[str]) -> str | None:
    """The frequency of an index in the words of pandas; None where it has none, or words do not tell all of it."""
    freq = getattr(index, "freq", None)
    if freq is None or isinstance(index, pd.PeriodIndex):
        return None
    if pd.tseries.frequencies.to_offset(freq.freqstr) == freq:
        return str(freq.freqstr)
    lost.add(f"freq {freq!r}")
    return None


def _pack_level(level: pd.Index, plan: Planner, lost: set[str]) -> dict[str, Any]:
    values = level.to_numpy() if isinstance(level.dtype, np.dtype) else level.array
    column = plan(values)
    beside = {
        name: {"type": arrow_form.type_to_text(kind), "cells": encode(values).to_pylist()}
        for name, (kind, encode) in column.hidden.items()
    }
    found = column.encode(values)
    lost.update(column.not_restorable)
    return {
        "dtype": str(level.dtype),
        "facts": dict(column.restore_info),
        "type": arrow_form.type_to_text(column.type),
        "cells": [cells.cell_to_json(cell, lost) for cell in found.to_pylist()],
        "beside": beside,
    }


def _unpack_level(level: Mapping[str, Any], restore: Reader) -> Any:
    try:
        array = pa.array(
            [cells.cell_from_json(cell) for cell in level["cells"]], arrow_form.type_from_text(level["type"])
        )
        beside = {
            name: pa.array(part["cells"], arrow_form.type_from_text(part["type"]))
            for name, part in level["beside"].items()
        }
    except (pa.ArrowInvalid, KeyError, TypeError) as error:
        raise SpillCorrupt(f"an index in schema.json cannot be read: {error}") from error
    return restore(pa.chunked_array([array]), level["facts"], beside)
