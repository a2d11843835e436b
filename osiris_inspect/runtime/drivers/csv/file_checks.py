"""Signs that a CSV file was read without an error and wrong: its header, its encoding, its comments.

Recorded as ``source`` of ``output_stored``. A name is absent if its sign is.

- ``header_rows``: files whose first row contains the column names.
- ``encoding_found``: the encoding that the bytes of the file have, which is not ``encoding``, the one of the step.
- ``replacement_characters``: characters that an earlier program could not decode.
- ``double_encoded``: UTF-8 characters that an earlier program decoded as another encoding.
- ``repeated_name``: the first name that the header has several times.
- ``lines_cut``: lines that ``comment`` ended inside a value, or before the last column.

The first ``MAX_BYTES`` of each file are checked.
"""

import codecs
import csv
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import numpy as np
import pandas as pd

from osiris_inspect.runtime.drivers.csv.reader import CsvFile
from osiris_inspect.runtime.drivers.csv.syntax.dialect import FieldSyntax
from osiris_inspect.runtime.drivers.csv.syntax.text_format import compression_of, first_bytes
from osiris_inspect.runtime.drivers.interface.driver import Config

MAX_BYTES: Final = 1 << 20
MAX_ROWS: Final = 50
MAX_CHARACTERS: Final = 2_000
_ONE_BYTE: Final = re.compile(r"(?:iso8859|cp125|mac|koi8)[-_\w]{0,12}|cp(?:437|850|852|858|866)")
_REPLACEMENT: Final = "\ufffd".encode()
_DOUBLE_ENCODED: Final = (b"\xc3\x83\xc2", b"\xc3\x84\xc2", b"\xc3\x85\xc2", b"\xc3\xa2\xe2\x82\xac")
"""Starts of an accented letter and of a quotation mark whose UTF-8 bytes were decoded as cp1252 or latin-1."""
_CONTROLS: Final = bytes({*range(0x80, 0xA0)} - {0x85})
_NUMBERED: Final = re.compile(r"(.{1,200})\.\d{1,4}")
_NAME: Final = re.compile(r"[^\W\d][\w .()/%-]{0,60}")
_VALUE: Final = re.compile(
    r"[+-]?\d[\d.,]{0,40}(?:[eE][+-]?\d{1,3})?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T][\d:.+Z-]{1,30})?"
)


def check_file(file: CsvFile, frame: pd.DataFrame) -> dict[str, int | str]:
    """Return the signs in a file and its frame; ``frame`` has the columns of the file only."""
    signs: dict[str, int | str] = {"header_rows": int(_begins_with_names(frame, file.config))}
    encoding = codecs.lookup(file.config["encoding"]).name
    is_utf8 = encoding in ("utf-8", "utf-8-sig")
    if (is_utf8 or _ONE_BYTE.fullmatch(encoding)) and compression_of(file.source, file.config) is None:
        start = first_bytes(file.source, MAX_BYTES)
        if not start.isascii():
            signs |= _signs_of_utf8(start) if is_utf8 else _signs_of_one_byte(start, encoding)
        signs["lines_cut"] = _lines_cut(start, file.config, len(file.header))
        signs["repeated_name"] = _repeated_name(file, start)
    if "encoding_found" in signs:
        signs["encoding"] = file.config["encoding"]
    return {name: sign for name, sign in signs.items() if sign}


def add_signs(signs: dict[str, int | str], more: Mapping[str, int | str]) -> None:
    """Add the signs of another file: numbers are summed, the first encoding is kept."""
    for name, sign in more.items():
        before = signs.get(name, 0)
        if isinstance(sign, int) and isinstance(before, int):
            signs[name] = before + sign
        else:
            signs.setdefault(name, sign)


def _signs_of_utf8(start: bytes) -> dict[str, int | str]:
    signs = {"double_encoded": 0, "replacement_characters": 0}
    codes = np.frombuffer(start, np.uint8)
    for position in np.flatnonzero((codes == 0xC2) | (codes == 0xE2) | (codes == 0xEF))[
        :MAX_CHARACTERS
    ].tolist():
        if start[position - 2 : position + 3].startswith(_DOUBLE_ENCODED):
            signs["double_encoded"] += 1
        elif start.startswith(_REPLACEMENT, position):
            signs["replacement_characters"] += 1
    return dict(signs)


def _signs_of_one_byte(start: bytes, encoding: str) -> dict[str, int | str]:
    if _is_utf8(start):
        return {"encoding_found": "utf-8"}
    if encoding.startswith("iso8859") and start != start.translate(None, _CONTROLS):
        return {"encoding_found": "cp1252" if encoding == "iso8859-1" else "cp125x"}
    return {}


def _is_utf8(start: bytes) -> bool:
    """Return True if the bytes are UTF-8 with characters that text has.

    Two letters of another encoding can be one character of UTF-8 by chance: phonetic ones, or a single rare one.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < MAX_BYTES)
    except UnicodeDecodeError:
        return False
    characters = [ord(character) for character in islice((one for one in text if one > "\x7f"), 1000)]
    if any(0x80 <= code < 0xA0 or 0x250 <= code < 0x300 for code in characters):
        return False
    return len(characters) > 1 or any(0xC0 <= code < 0x180 or code >= 0x800 for code in characters)


def _lines_cut(start: bytes, config: Config, width: int) -> int:
    """Return the number of lines that a comment ends inside a value, or before the last column."""
    comment, delimiter = (str(config.get(key) or "").encode() for key in ("comment", "delimiter"))
    if not comment or len(delimiter) != 1 or comment not in start:
        return 0
    quote = (FieldSyntax.of_config(config).quote or "").encode()
    unquoted = re.sub(b"%b[^%b\n]*%b" % ((re.escape(quote),) * 3), b"", start) if quote else start
    return sum(
        _is_cut(line.partition(comment)[0], delimiter, width)
        for line in unquoted.split(b"\n")
        if comment in line
    )


def _is_cut(before: bytes, delimiter: bytes, width: int) -> bool:
    if not before.strip():
        return False
    return before.count(delimiter) + 1 < width or before.endswith(delimiter) or before[-1:].isalpha()


def _repeated_name(file: CsvFile, start: bytes) -> str:
    """Return the first name that the header has twice, which pandas numbers: ``a``, ``a.1``; empty without one."""
    config = file.config
    known = set(map(str, file.header))
    numbered = [match[1] for name in known if (match := _NUMBERED.fullmatch(name)) and match[1] in known]
    if not numbered or not config["header"] or config.get("skip_rows") or len(config["delimiter"]) != 1:
        return ""
    lines = start.decode(config["encoding"], "replace").lstrip("\ufeff").splitlines()
    try:
        rows = FieldSyntax.of_config(config).rows(
            [line for line in lines[:MAX_ROWS] if line.strip()], config["delimiter"]
        )
        header = next(iter(rows), [])
    except csv.Error:  # a field that is too long for a name
        return ""
    return next((name for name in header if name in numbered and header.count(name) > 1), "")


def _begins_with_names(frame: pd.DataFrame, config: Config) -> bool:
    """Return True if the first row repeats the names, or has words above numbers in a file without a header."""
    if len(frame) < 2 or any(dtype.kind != "O" for dtype in frame.dtypes):
        return False
    rows = frame.iloc[: MAX_ROWS + 1]
    first: list[Any] = [str(cell).strip() for cell in rows.iloc[0]]
    if config["header"]:
        return first == [str(name).strip() for name in frame.columns]
    if len(set(first)) < len(first) or not all(map(_NAME.fullmatch, first)):
        return False
    return any(_has_values(rows.iloc[1:, number].dropna()) for number in range(len(first)))


def _has_values(cells: "pd.Series[Any]") -> bool:
    return len(cells) > 1 and all(_VALUE.fullmatch(str(cell).strip()) for cell in cells)
