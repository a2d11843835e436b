"""What a driver returned, in words: which keys, of which kinds, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from osiris_inspect.model.manifest import InputRef


class StoredResult(Protocol):
    """What the store keeps of a step."""

    result: dict[str, Any]
    frame: Any
    released: bool
    spilled: Any


def is_frame(value: Any) -> bool:
    """Whether a value is a frame: of pandas, or of Arrow."""
    return isinstance(value, pd.DataFrame | pa.Table | pa.RecordBatchReader)


def result_types(result: Any) -> dict[str, str]:
    """The keys of a result with the names of their types; empty for what is no mapping."""
    if not isinstance(result, Mapping):
        return {}
    return {str(key): type(value).__name__ for key, value in result.items()}


def missing_frame_reason(result: Any) -> str:
    """Why a result has no frame under ``df``; empty if it has one."""
    if result is None:
        return "the driver returned nothing"
    if not isinstance(result, Mapping):
        return f"the driver returned {_with_article(type(result).__name__)}, not a mapping"
    if "df" in result:
        found = result["df"]
        return (
            ""
            if is_frame(found)
            else f"the driver returned 'df' as {_with_article(type(found).__name__)}, not as a frame"
        )
    if not result:
        return "the driver returned an empty mapping"
    return f"the driver returned {_shown(result)}, not 'df'"


def what_is_wrong(result: Any) -> str | None:
    """What a driver that was to give a frame did wrong, and how to mend it; None if nothing."""
    why = missing_frame_reason(result)
    if not why:
        return None
    frames = (
        [str(key) for key, value in result.items() if is_frame(value)] if isinstance(result, Mapping) else []
    )
    if len(frames) == 1:
        return f"{why}; return the frame under 'df' instead of {frames[0]!r}"
    if is_frame(result):
        return f"{why}; return {{'df': frame}}"
    return f"{why}; a step that gives a frame returns {{'df': frame}}"


def memory_lookup(entry: StoredResult | None, ref: InputRef, frame_key: str) -> dict[str, Any]:
    """What is found in memory for an input: its outcome and the reason, as an event tells it."""
    outcome, reason = _outcome(entry, ref, frame_key)
    return {"place": "memory", "outcome": outcome, "reason": reason}


def _outcome(entry: StoredResult | None, ref: InputRef, frame_key: str) -> tuple[str, str]:
    if entry is None:
        return "absent", f"{ref.from_step!r} put nothing into the store"
    if ref.key == frame_key and entry.frame is not None:
        return "found", "in memory"
    if ref.key == frame_key and (entry.spilled is not None or entry.released):
        return ("absent", "spilled") if entry.spilled else ("released", "released after its last consumer")
    if ref.key not in entry.result:
        has_frame = entry.frame is not None or entry.spilled is not None
        returned = ", ".join(filter(None, ["'df': its frame" if has_frame else "", _shown(entry.result)]))
        return "absent", f"{ref.from_step!r} returned {returned or 'nothing'}, not {ref.key!r}"
    value = entry.result[ref.key]
    is_usable = is_frame(value)
    return (
        ("found", "in memory")
        if is_usable
        else ("absent", f"{ref.key!r} is {_with_article(_kind(value))}, not a frame")
    )


def _kind(value: Any) -> str:
    return type(value).__name__


def _shown(result: Mapping[Any, Any]) -> str:
    return ", ".join(f"{str(key)!r}: {type(value).__name__}" for key, value in result.items())


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
