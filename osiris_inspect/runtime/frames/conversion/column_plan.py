"""Plan of a column: its Arrow type, how its slices are encoded, and what restores it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from osiris_inspect.runtime.frames.conversion.natural import STORED_NATURALLY, Natural

Encoder = Callable[[Any], pa.Array]
"""Converts a slice of a column's values to an Arrow array."""
Reader = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]
"""Converts an Arrow column, its restore info and its hidden columns to values for pandas."""


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Plan for storing one column.

    Attributes:
        type: the Arrow storage type.
        restore_info: JSON that restores the column; ``form`` selects the reader.
        encode: converts a slice of the column to an Arrow array of ``type``.
        hidden: further arrays of the same length that only pandas needs.
        not_restorable: descriptions of what cannot be restored; encoding a slice may add to it.
        natural: what differs between the stored and the natural form.
    """

    type: pa.DataType
    restore_info: Mapping[str, Any]
    encode: Encoder
    hidden: Mapping[str, tuple[pa.DataType, Encoder]] = field(default_factory=dict)
    not_restorable: set[str] = field(default_factory=set)
    natural: Natural = STORED_NATURALLY


Planner = Callable[[Any], ColumnPlan]
"""Plans the storage of a column from all its values."""
