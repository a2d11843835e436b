"""Frames as CSV text with one header, quoted so that every field is read back as one field.

Each batch is turned into one column of whole lines in Arrow memory, whose buffer is what is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.csv.cells import TEXT, BinaryForm, cell_texts, is_number
from osiris_inspect.runtime.drivers.csv.syntax.text_format import check_encoding
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.frames.conversion.natural import STORED_NATURALLY, Natural

ROWS_PER_BATCH: Final = 100_000


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """Format of a CSV file."""

    encoding: str
    header: bool
    line_end: str
    delimiter: str
    quoting: str
    na_rep: str
    binary: BinaryForm


def dialect_for(config: Config) -> CsvDialect:
    """Return the format that the step requests.

    Raises:
        DriverError: the delimiter is invalid, or the encoding is unknown.
    """
    delimiter = config["delimiter"]
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise DriverError(
            f"delimiter is {delimiter!r}; it takes one character other than a quote or line break",
            kind="config-value-invalid",
            fix="correct delimiter",
            setting="delimiter",
            value=delimiter,
        )
    check_encoding(config["encoding"])
    return CsvDialect(
        encoding=config["encoding"],
        header=config["header"],
        line_end="\r\n" if config["newline"] == "crlf" else "\n",
        delimiter=delimiter,
        quoting=config["quoting"],
        na_rep=config.get("na_rep") or "",
        binary=config.get("binary") or "base64",
    )


def write(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    natural: Mapping[str, Natural],
    dialect: CsvDialect,
    on_progress: Callable[[int], None],
) -> int:
    """Write the batches under one header; return the number of rows.

    ``natural`` is the natural form of columns by name, for those that have one.
    """
    written = 0
    forms = [natural.get(name, STORED_NATURALLY) for name in schema.names]
    with path.open("wb") as file:
        encode = _encoder(dialect.encoding)
        if dialect.header:
            file.write(encode(_header(schema.names, dialect)))
        for batch in batches:
            file.write(encode(_lines(batch, forms, dialect)))
            written += batch.num_rows
            on_progress(written)
    return written


def _encoder(encoding: str) -> Callable[[memoryview | bytes], memoryview | bytes]:
    """Return a function that converts UTF-8 to an encoding, whose mark is at the beginning only."""
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return lambda text: text
    import codecs

    encoder = codecs.getincrementalencoder(encoding)()
    return lambda text: encoder.encode(str(text, "utf-8"))


def _header(names: Sequence[str], dialect: CsvDialect) -> memoryview | bytes:
    columns = [pa.array([name], TEXT) for name in names]
    return _join(columns, [False] * len(names), list(names), dialect)


def _lines(batch: pa.RecordBatch, forms: Sequence[Natural], dialect: CsvDialect) -> memoryview | bytes:
    texts = [
        cell_texts(column, form, dialect.binary) for column, form in zip(batch.columns, forms, strict=True)
    ]
    numbers = [is_number(column.type) for column in batch.columns]
    return _join(texts, numbers, batch.schema.names, dialect)


def _join(
    columns: Sequence[pa.Array], numbers: Sequence[bool], names: Sequence[str], dialect: CsvDialect
) -> memoryview | bytes:
    """Return rows of text as lines."""
    if not columns or not len(columns[0]):
        return b""
    fields = [
        _quoted(text.fill_null(dialect.na_rep), is_number, name, dialect, is_only=len(columns) == 1)
        for text, is_number, name in zip(columns, numbers, names, strict=True)
    ]
    fields[-1] = _joined([fields[-1], pa.scalar(dialect.line_end, TEXT)], "")
    lines = fields[0] if len(fields) == 1 else _joined(fields, dialect.delimiter)
    return _content(lines)


def _joined(parts: Sequence[Any], separator: str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, pa.scalar(separator, TEXT))


def _content(texts: pa.Array) -> memoryview | bytes:
    """Return the texts of an array without nulls, one after another."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, "<i8", count=len(texts) + 1, offset=texts.offset * 8)
    return memoryview(data)[ends[0] : ends[-1]] if data is not None else b""


def _quoted(texts: pa.Array, is_number: bool, name: str, dialect: CsvDialect, *, is_only: bool) -> pa.Array:
    """Return fields with quotes where the dialect wants them."""
    if dialect.quoting == "all" or (dialect.quoting == "nonnumeric" and not is_number):
        return _in_quotes(texts)
    special = {dialect.delimiter, '"', "\n", "\r"}
    content = bytes(_content(texts)) if texts.null_count == 0 else b""
    needs_quotes = None
    if any(letter.encode() in content for letter in special):
        needs_quotes = pc.match_substring_regex(texts, f"[{''.join(map(_in_class, special))}]")
    if is_only:  # an empty line is no row
        is_empty = pc.equal(pc.binary_length(texts), 0)
        needs_quotes = is_empty if needs_quotes is None else pc.or_(needs_quotes, is_empty)
    if needs_quotes is None:
        return texts
    if dialect.quoting == "none" and pc.any(needs_quotes).as_py():
        raise _unquotable(name)
    return pc.if_else(needs_quotes, _in_quotes(texts), texts)


def _in_quotes(texts: pa.Array) -> pa.Array:
    quote = pa.scalar('"', TEXT)
    return _joined([quote, pc.replace_substring(texts, '"', '""'), quote], "")


def _in_class(letter: str) -> str:
    """Return a character for a class of RE2."""
    return f"\\x{{{ord(letter):x}}}"


def _unquotable(name: str) -> DriverError:
    return DriverError(
        f"column {name!r} has a value that must be quoted: it is empty, or contains the delimiter, a quote or a line break",
        kind="config-value-invalid",
        fix="set quoting: minimal",
        setting="quoting",
        value="none",
        column=name,
    )


@contextmanager
def csv_write_errors(config: Config) -> Iterator[None]:
    """Convert errors in the block to a ``DriverError`` that names the option to set.

    Raises:
        DriverError: a text cannot be written in the encoding.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise DriverError(
            f"{character!r} cannot be written in {config['encoding']}",
            kind="encoding-wrong",
            fix="set encoding: utf-8",
            encoding=config["encoding"],
            character=character,
        ) from error
