"""Descriptions of a driver's result: its keys, their types, and what is wrong with them."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.model.redaction import Redactor

FRAME_KEY = layout.FRAME_KEY


class StoredResult(Protocol):
    """The result of a step, as the store keeps it."""

    result: dict[str, Any]
    frame: Any
    released: bool
    spilled: Any


def is_frame(value: Any) -> bool:
    """Return True if a value is a pandas DataFrame or an Arrow table or stream."""
    return isinstance(value, pd.DataFrame | pa.Table | pa.RecordBatchReader)


def result_types(result: Any) -> dict[str, str]:
    """Return the type name of each key of a result; empty if the result is not a mapping."""
    if not isinstance(result, Mapping):
        return {}
    return {str(key): type(value).__name__ for key, value in result.items()}


def missing_frame_reason(result: Any) -> str:
    """Return why a result has no frame under ``df``; empty if it has one."""
    if result is None:
        return "the driver returned nothing"
    if not isinstance(result, Mapping):
        return f"the driver returned {_type_with_article(result)}, not a mapping"
    if FRAME_KEY in result:
        value = result[FRAME_KEY]
        return (
            ""
            if is_frame(value)
            else f"the driver returned 'df' as {_type_with_article(value)}, not as a frame"
        )
    if not result:
        return "the driver returned an empty mapping"
    return f"the driver returned {_keys_and_types(result)}, not 'df'"


def missing_frame_advice(result: Any) -> str:
    """Return how to correct a driver whose result has no frame under ``df``."""
    keys = (
        [str(key) for key, value in result.items() if is_frame(value)] if isinstance(result, Mapping) else []
    )
    if len(keys) == 1:
        return f"return the DataFrame under 'df' instead of {keys[0]!r}"
    return "return {'df': frame}, where frame is a DataFrame or an Arrow table"


def missing_frame_error(step: str, driver: str, result: Any) -> DriverError:
    """Return the error of a driver whose result has no frame under ``df``."""
    return DriverError(
        f"step {step!r}: driver {driver!r} returned no frame under 'df': {missing_frame_reason(result)}",
        kind=_missing_frame_kind(result),
        fix=missing_frame_advice(result),
        step=step,
        driver=driver,
        keys=list(map(str, result)) if isinstance(result, Mapping) else None,
    )


def _missing_frame_kind(result: Any) -> str:
    if result is None or (isinstance(result, Mapping) and not result):
        return "output-missing"
    has_other_keys = isinstance(result, Mapping) and FRAME_KEY not in result
    return "output-key-wrong" if has_other_keys else "output-not-a-frame"


def memory_lookup(entry: StoredResult | None, ref: InputRef) -> dict[str, Any]:
    """Return the outcome of looking for an input in memory, as the fields of an event."""
    if entry is None:
        outcome, reason = "absent", f"{ref.from_step!r} stored no result"
    elif ref.key == FRAME_KEY and entry.frame is None and entry.spilled is not None:
        outcome, reason = "absent", "spilled"
    elif ref.key == FRAME_KEY and entry.frame is None and entry.released:
        outcome, reason = "released", "released after its last consumer"
    else:
        value = entry.frame if ref.key == FRAME_KEY and entry.frame is not None else entry.result.get(ref.key)
        reason = "in memory" if is_frame(value) else _unusable_reason(entry, ref)
        outcome = "found" if is_frame(value) else "absent"
    return {"place": "memory", "outcome": outcome, "reason": reason}


def _unusable_reason(entry: StoredResult, ref: InputRef) -> str:
    if ref.key in entry.result:
        return f"{ref.key!r} is {_type_with_article(entry.result[ref.key])}, not a frame"
    has_frame = entry.frame is not None or entry.spilled is not None
    returned = ["'df': its frame"] * has_frame + [_keys_and_types(entry.result)] * bool(entry.result)
    return f"{ref.from_step!r} returned {', '.join(returned) or 'nothing'}, not {ref.key!r}"


def _keys_and_types(result: Mapping[Any, Any]) -> str:
    return ", ".join(f"{str(key)!r}: {type(value).__name__}" for key, value in result.items())


def _type_with_article(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def mask_metadata(result: Mapping[str, Any] | None, redactor: Redactor) -> Mapping[str, Any] | None:
    """Return the result of a driver with known secrets masked in the metadata of its frame, which is not data."""
    frame = result.get(FRAME_KEY) if isinstance(result, Mapping) else None
    if isinstance(frame, pd.DataFrame) and frame.attrs and _has_secret(frame.attrs, redactor):
        frame.attrs = redactor.redact_value(frame.attrs)
    elif (
        isinstance(frame, pa.Table) and frame.schema.metadata and _has_secret(frame.schema.metadata, redactor)
    ):
        items = frame.schema.metadata.items()
        masked = {_masked_bytes(key, redactor): _masked_bytes(value, redactor) for key, value in items}
        return {**(result or {}), FRAME_KEY: frame.replace_schema_metadata(masked)}
    return result


def _has_secret(metadata: Mapping[Any, Any], redactor: Redactor) -> bool:
    text = repr(metadata)
    return redactor.redact_text(text) != text


def _masked_bytes(text: bytes, redactor: Redactor) -> bytes:
    return redactor.redact_text(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
