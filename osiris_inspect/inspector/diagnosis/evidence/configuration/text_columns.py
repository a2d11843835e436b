"""Columns of a failed step's inputs that are text because of a few cells, as the runtime recorded them."""

import re
from collections.abc import Mapping
from typing import Any

from osiris_inspect.inspector.run.run import StepFailure
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_ABOUT_TYPES = LazyRegex(
    r"(?i:\bvarchar\b|\bstr\b|\bstrings?\b|\bobject\b|\bconver(?:t|sion)|\bcast\b|\bnumeric\b|\bfloat\b|\bint\b|decimal)"
)


def text_columns(failure: StepFailure, query: str = "") -> tuple[str, str]:
    """Return what to add to the message of an error about types, and what to do; both empty for other errors."""
    recorded = failure.info.facts.get("text_columns") if failure.info is not None else None
    if not isinstance(recorded, list) or _ABOUT_TYPES.search(failure.message) is None:
        return "", ""
    columns = [entry for entry in recorded if isinstance(entry, Mapping) and "column" in entry]
    words = f"{failure.message}\n{(failure.traceback or '')[-4000:]}\n{query}"
    named = [entry for entry in columns if re.search(rf"\b{re.escape(str(entry['column']))}\b", words)]
    chosen = next(iter(named), columns[0] if len(columns) == 1 else None)
    return _words(chosen) if chosen is not None else ("", "")


def _words(entry: Mapping[str, Any]) -> tuple[str, str]:
    column, step, row, cell = (entry.get(key) for key in ("column", "step", "row", "cell"))
    text = f"; column {column!r} of step {step!r} is text: row {row} has {cell!r}"
    if isinstance(cell, str) and "\0" in cell:
        return f"{text}, with a NUL byte", f"remove the NUL bytes from the file that step {step!r} reads"
    if entry.get("decimal_comma"):
        return (
            text,
            f"replace the decimal comma of {column!r} by a point, then convert the column to a number",
        )
    return (
        text,
        f"correct the cell at its source, or read {cell!r} as a missing value in step {step!r} (na_values of a CSV extractor)",
    )
