"""The columns of a table that are JSON, found by filters that only some types accept.

PostgREST describes the types at its root, but that can be disabled, depends on rights and may have megabytes. A filter is
evaluated by the database, whatever the version.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, Literal

import pyarrow as pa
import pyarrow.types as kinds

from osiris_inspect.runtime.drivers.supabase.rest_errors import RequestRejected
from osiris_inspect.runtime.frames.conversion.natural import Natural

TargetKind = Literal["plain", "json", "other"]
"""Column that takes the text of its values, a JSON column, or a column of another type."""

_ONLY_JSON: Final = "[{}]"
"""Value that JSON takes, and no array, range, vector, number or composite type."""
_NO_OPERATOR_OF_JSON: Final = "json = "
"""Part of the error for the type ``json``, which cannot be compared."""


def sample_texts(schema: pa.Schema, natural: Mapping[str, Natural]) -> Mapping[str, str]:
    """Return a text for each column whose values are not JSON themselves; its usual target takes it, and JSON does not."""
    samples = {field.name: _sample_text(field.type, natural[field.name]) for field in schema}
    return {name: sample for name, sample in samples.items() if sample is not None}


def _sample_text(arrow_type: pa.DataType, natural: Natural) -> str | None:
    if natural.kind == "uuid":
        return "00000000-0000-0000-0000-000000000000"
    if natural.kind in ("duration", "interval") or kinds.is_duration(arrow_type):
        return "PT0S"
    if natural.kind == "decimal" or kinds.is_floating(arrow_type):
        return "NaN"
    if kinds.is_timestamp(arrow_type) or kinds.is_date(arrow_type):
        return "2000-01-01"
    if kinds.is_time(arrow_type):
        return "00:00"
    is_json = kinds.is_integer(arrow_type) or kinds.is_boolean(arrow_type) or kinds.is_decimal(arrow_type)
    return None if is_json or kinds.is_nested(arrow_type) or kinds.is_null(arrow_type) else "{"


def target_kinds(
    samples: Mapping[str, str], rejection: Callable[[str], RequestRejected | None]
) -> Mapping[str, TargetKind]:
    """Return the kind of the target of each column.

    ``samples`` are those of ``sample_texts``; ``rejection`` sends a filter and returns the server's rejection.
    """
    if not samples:
        return {}
    rejected = rejection(",".join(_is_equal(name, value) for name, value in samples.items()))
    if rejected is None:
        return dict.fromkeys(samples, "plain")
    if len(samples) == 1:
        (name,) = samples
        is_json = _NO_OPERATOR_OF_JSON in rejected.reason or rejection(_is_equal(name, _ONLY_JSON)) is None
        return {name: "json" if is_json else "other"}
    rest = iter(samples.items())
    first = dict(islice(rest, len(samples) // 2))
    return {**target_kinds(first, rejection), **target_kinds(dict(rest), rejection)}


def quoted(text: str) -> str:
    """Return a name or value for a filter."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_equal(name: str, value: str) -> str:
    return f"{quoted(name)}.eq.{quoted(value)}"
