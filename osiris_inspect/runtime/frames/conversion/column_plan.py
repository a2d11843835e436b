"""How one column is kept: its Arrow type, what restores it, and how a slice of it is encoded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

Encoder = Callable[[Any], pa.Array]
"""A slice of a column's values as an Arrow array."""
Reader = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]
"""An Arrow column, its facts and what lies beside it, as values for pandas."""


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """A plan for one column.

    Attributes:
        type: the Arrow type of the normal form.
        facts: what restores the column, as JSON; ``form`` names the way back.
        encode: a slice of the column as an Arrow array of ``type``.
        beside: what only pandas needs, as further arrays of the same length.
        lost: what cannot be restored, in words; encoding a slice may add to it.
    """

    type: pa.DataType
    restore_info: Mapping[str, Any]
    encode: Encoder
    hidden: Mapping[str, tuple[pa.DataType, Encoder]] = field(default_factory=dict)
    not_restorable: set[str] = field(default_factory=set)


Planner = Callable[[Any], ColumnPlan]
"""A whole column's values: how they are kept."""
