"""The cells of a query's rows: as values for JSON, as text for CSV and the screen, as typed Arrow columns for Parquet.

All of them follow one masking policy, see ``sql_console``.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

from osiris_inspect.inspector.run.frame_info import Cell
from osiris_inspect.inspector.tables.table_rows import format_interval
from osiris_inspect.inspector.text.json_line import to_json_line
from osiris_inspect.inspector.text.sanitize import shorten
from osiris_inspect.model.redaction import MASK, is_secret_key, mask_by_key, mask_texts

if TYPE_CHECKING:
    import pyarrow as pa

_BLOB: Final = {
    code: chr(code) if 32 <= code < 127 and chr(code) not in "\\\"'" else f"\\x{code:02X}"
    for code in range(256)
}
"""How DuckDB writes the bytes of a BLOB as text."""
_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  full-width forms count too
_NUMBER: Final = re.compile(r"[+-][0-9]+(?:[.,][0-9]+)*(?:[eE][+-]?[0-9]+)?")


def cell_values(name: str, column: "pa.Array") -> list[Any]:
    """Return the cells of a column for JSON, secrets masked: numbers, booleans, None, nested values, else text."""
    return _masked(name, column.type, _values(column))


def cell_texts(name: str, column: "pa.Array", limit: int | None = None) -> list[Cell]:
    """Return the cells of a column as text, secrets masked; nested values as JSON.

    Cells longer than ``limit`` are shortened and end with the number of characters that are missing.
    """
    import pyarrow as pa

    values, is_nested = _values(column, limit), pa.types.is_nested(column.type)
    if limit is not None and not is_nested and not is_secret_key(name):
        values = [_shortened(value, limit) for value in values]
    texts = [_text(value) for value in _masked(name, column.type, values)]
    return [_shortened(text, limit) for text in texts] if limit is not None and is_nested else texts


def write_csv(
    names: Sequence[str], batches: Iterable["pa.RecordBatch"], out: TextIO, *, is_safe: bool = False
) -> None:
    """Write rows as CSV with a heading, secrets masked; NULL is an empty field.

    With ``is_safe``, an apostrophe is put before a text that a spreadsheet takes for a formula.
    """
    writer = csv.writer(_LineFeeds(out))
    writer.writerow(map(_without_formula, names) if is_safe else names)
    for batch in batches:
        columns = [cell_texts(name, column) for name, column in zip(names, batch.columns, strict=True)]
        if is_safe:
            columns = [
                [_without_formula(cell) for cell in cells] if _holds_text(column.type) else cells
                for cells, column in zip(columns, batch.columns, strict=True)
            ]
        writer.writerows(zip(*columns, strict=True))


class _LineFeeds:
    """Stream that ends rows with a line feed; the writer quotes a lone return only if its rows end with one."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, row: str) -> None:
        """Write a row that ends with a return and a line feed."""
        self._out.write(f"{row[:-2]}\n")


def _without_formula(cell: Cell) -> Cell:
    is_formula = cell is not None and cell[:1] in _FORMULA_STARTS and _NUMBER.fullmatch(cell) is None
    return f"'{cell}" if is_formula else cell


def mask_column(name: str, column: "pa.Array") -> "pa.Array":
    """Return a column with its type and its secrets masked.

    It becomes text if its name is that of a secret; a nested type with a map or a secret field becomes JSON text.
    """
    import pyarrow as pa

    if not is_secret_key(name):
        if not _holds_text(column.type):
            return column
        if _keeps_type(column.type):
            return pa.array(cell_values(name, column), column.type)
    return pa.array(cell_texts(name, column), pa.string())


def _masked(name: str, kind: "pa.DataType", values: list[Any]) -> list[Any]:
    import pyarrow as pa

    if is_secret_key(name):
        return [value if value in (None, "") else MASK for value in values]
    return [mask_by_key(value) for value in values] if pa.types.is_nested(kind) else mask_texts(values)


def _values(column: "pa.Array", limit: int | None = None) -> list[Any]:
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_interval(kind):
        return [None if value is None else format_interval(value) for value in column.to_pylist()]
    if pa.types.is_temporal(kind):
        # not Python's own dates, which end at the year 9999 and need a package for time zones
        texts = column.cast(pa.string())
        for pattern, replacement in ((r"^(\S+) ", r"\1T"), (r"\.0+(Z?)$", r"\1"), ("Z$", "+00:00")):
            texts = compute.replace_substring_regex(texts, pattern, replacement)
        return list(texts.to_pylist())
    try:
        values = list(column.to_pylist())
    except (ValueError, OverflowError):  # Python has no form for a value in a nested one
        values = [str(value) if value.is_valid else None for value in column]
    if pa.types.is_map(kind):
        return [value if value is None else {str(key): item for key, item in value} for value in values]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [value if value is None else _blob_text(value, limit) for value in values]
    return values


def _blob_text(value: bytes, limit: int | None) -> str:
    """Return a BLOB as text; bytes after ``limit`` are not escaped, which would take a second for 16 MB."""
    text = value.decode("latin-1")
    return text.translate(_BLOB) if limit is None else text[:limit].translate(_BLOB) + text[limit:]


def _holds_text(kind: "pa.DataType") -> bool:
    """Return True if a value of the type may contain a secret."""
    import pyarrow as pa

    if pa.types.is_nested(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        return any(is_secret_key(field.name) or _holds_text(field.type) for field in fields)
    return not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind))


def _keeps_type(kind: "pa.DataType") -> bool:
    """Return True if a masked value of the type still has the type."""
    import pyarrow as pa

    if not _holds_text(kind):
        return True
    if pa.types.is_struct(kind):
        return all(not is_secret_key(field.name) and _keeps_type(field.type) for field in kind)
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return _keeps_type(kind.value_type)
    return bool(pa.types.is_string(kind))


def _shortened(value: Any, limit: int) -> Any:
    return shorten(value, limit) if isinstance(value, str) and len(value) > limit else value


def _text(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value
    return to_json_line(value).decode() if isinstance(value, dict | list) else str(value)
