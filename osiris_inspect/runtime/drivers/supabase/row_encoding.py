"""Rows for PostgREST: the text that COPY would send for each value, as a JSON value from which PostgreSQL takes this text.

PostgREST hands the body of a request to ``json_to_recordset``, which takes numbers and JSON as they are written there.
"""

import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.postgres.types import TargetColumn, encode_column, nul_error
from osiris_inspect.runtime.drivers.supabase.json_columns import TargetKind
from osiris_inspect.runtime.frames.conversion.natural import Natural

_quote: Final[Callable[[str], str]] = encode_basestring
_QUOTED_KEY: Final = re.compile(r'value of key "([^"\n]{1,200})"')
_QUOTED_VALUE: Final = re.compile(r'"([^\n]{1,1000}?)"(?=;|$| is out of range)')
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def encode_rows(table: pa.Table, natural: Mapping[str, Natural], targets: Mapping[str, TargetKind]) -> bytes:
    """Return rows that ``check_rows`` accepted as a JSON list of objects."""
    columns = [
        _values(name, column.combine_chunks(), natural[name], targets.get(name, "other"))
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    row = ",".join(_quote(name).replace("%", "%%") + ":%s" for name in table.column_names)
    return ("[" + ",".join(map(f"{{{row}}}".__mod__, zip(*columns, strict=True))) + "]").encode()


def check_rows(
    batch: pa.RecordBatch, natural: Mapping[str, Natural], targets: Mapping[str, TargetKind]
) -> None:
    """Check that the server will take the values for what they are.

    Raises:
        DriverError: a value cannot be stored by PostgreSQL, or text for a JSON column is not JSON; names the column.
    """
    names = batch.schema.names
    if (error := nul_error(names, batch.columns)) is not None:
        raise error
    for name, array in zip(names, batch.columns, strict=True):
        if targets.get(name) == "json":
            for text in _texts(name, array, natural[name]).to_pylist():
                if text is not None:
                    _check_json(name, text)
        elif _may_have_nanoseconds(array.type, natural[name]):
            _texts(name, array, natural[name])  # refuses them


def _may_have_nanoseconds(arrow_type: pa.DataType, natural: Natural) -> bool:
    if kinds.is_timestamp(arrow_type) or kinds.is_duration(arrow_type):
        return bool(arrow_type.unit == "ns")
    return natural.kind == "interval"


def column_of_value(message: str, table: pa.Table, natural: Mapping[str, Natural]) -> str | None:
    """Return the column of the value or the key that a message of the server quotes, if only one can be meant."""
    key = _QUOTED_KEY.search(message)
    if key is not None and key[1] in table.column_names:
        return key[1]
    value = _QUOTED_VALUE.search(message)
    if value is None:
        return None
    texts = pa.array([value[1], _quote(value[1])], pa.large_string())
    names = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pc.any(pc.is_in(_texts(name, column.combine_chunks(), natural[name]), texts)).as_py()
    ]
    return names[0] if len(names) == 1 else None


def _check_json(name: str, text: str) -> None:
    reason, fix = "", "write JSON in the column, or change the type of the table's column"
    try:
        orjson.loads(text)
    except ValueError as error:
        if not _is_json_of_large_numbers(text):
            reason = f"text that is not JSON, but the table's column is JSON: {error}"
    if text.strip() == "null":
        reason = "JSON null, which REST stores as a missing value"
        fix = "write over SQL, with pg_dsn, or make the value missing in an earlier step"
    elif "\\u0000" in text and _NUL.search(text):
        reason = "JSON text with the character NUL, which PostgreSQL cannot store"
        fix = "remove it in an earlier step"
    if reason:
        raise DriverError(
            f"column {name!r} contains {reason}", kind="value-refused", fix=fix, column=name, type="json"
        )


def _is_json_of_large_numbers(text: str) -> bool:
    """Return True for JSON that orjson rejects because a number is above the largest float."""
    try:
        json.loads(text, parse_constant=int)  # which fails for NaN and Infinity
    except (ValueError, RecursionError):
        return False
    return re.search(r"[eE]\+?\d{3}|\d{309}", text) is not None


def _values(name: str, array: Any, natural: Natural, target: TargetKind) -> list[str]:
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    texts = _texts(name, array, natural)
    if (
        target == "json"
        or (target == "other" and natural.kind == "json")
        or _is_json_type(array.type, natural)
    ):
        if kinds.is_floating(array.type):
            quote, separator = pa.scalar('"', texts.type), pa.scalar("", texts.type)
            quoted = pc.binary_join_element_wise(quote, texts, quote, separator)
            texts = pc.if_else(pc.is_finite(array), texts, quoted)
        values: list[str] = pc.fill_null(texts, "null").to_pylist()
        return values
    return ["null" if text is None else _quote(text) for text in texts.to_pylist()]


def _is_json_type(arrow_type: pa.DataType, natural: Natural) -> bool:
    """Return True for types whose text is also JSON."""
    is_number = kinds.is_integer(arrow_type) or kinds.is_floating(arrow_type) or kinds.is_decimal(arrow_type)
    is_container = kinds.is_nested(arrow_type) and natural.kind != "interval"
    return bool(is_number or is_container or kinds.is_boolean(arrow_type))


def _texts(name: str, array: pa.Array, natural: Natural) -> pa.Array:
    encoded = encode_column(TargetColumn(name, array.type, natural, ""), array)
    return encoded if kinds.is_large_string(encoded.type) else encoded.cast(pa.large_string())
