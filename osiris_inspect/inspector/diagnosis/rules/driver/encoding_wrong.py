"""Bytes were decoded as text in an encoding that they do not have.

What it finds:
    An error while bytes were decoded to text, or text was encoded.

Why it matters:
    The step stops at the first invalid byte. A single-byte encoding such as latin-1 accepts any bytes: it turns the
    error into wrong characters.

How to fix:
    If the first bytes are those of UTF-16, an archive or another format, read the file as what it is. Otherwise find
    out which encoding the producer of the file used, and set it in the step.

Example:
    `'utf-8' codec can't decode byte 0xe9 in position 12`
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.traceback_frames import own_frame
from osiris_inspect.model.finding import Confidence, Severity

SEARCHES = ("errors",)
REFINES = ("csv-ragged",)
_BY_BYTE: Mapping[tuple[int, int], str] = {
    (0, 0xFF): "UTF-16 text",
    (0, 0xFE): "UTF-16 text",
    (1, 0x8B): "a gzip archive",
    (1, 0x9D): "a compressed file (.Z)",
    (1, 0xB5): "a Zstandard archive",
    (2, 0xBC): "a 7z archive",
    (0, 0xFD): "an xz archive",
    (0, 0x89): "a PNG image or an HDF5 file",
    (0, 0x80): "a pickle",
}
"""Position and value of the first byte that is not UTF-8, in files that begin with a signature."""

_BY_EXTENSION: Mapping[str, str] = {
    ".xlsx": "an Excel workbook",
    ".xlsm": "an Excel workbook",
    ".xlsb": "an Excel workbook",
    ".xls": "an Excel workbook",
    ".ods": "a spreadsheet",
    ".parquet": "a Parquet file",
    ".feather": "a Feather file",
    ".arrow": "an Arrow file",
    ".orc": "an ORC file",
    ".avro": "an Avro file",
    ".pdf": "a PDF file",
    ".db": "a database file",
    ".sqlite": "a database file",
    ".duckdb": "a database file",
    ".pkl": "a pickle",
    ".pickle": "a pickle",
}
_LETTERS = frozenset(["80", "9d", "b5", "bc", "fd"])
"""Bytes of a signature that are also letters or signs of common single-byte encodings."""
PATTERNS = (
    ErrorPattern(
        pattern=r"unknown encoding: [^\n]{1,60}",
        message="no encoding has this name",
        fix="correct the name of the encoding in the step, for example utf-8 or cp1252",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"codec can't encode character '\\{1,2}udc[89a-f][^\n]{1,80}surrogates not allowed",
        message="the text contains a byte that was not decoded where it was read, as in names of files",
        fix="read the text or the name with its right encoding, and without errors='surrogateescape'",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"codec can't encode (?!character '\\{1,2}udc[89a-f])[^\n]{1,120}surrogates not allowed",
        message="the text contains half of a character pair, which no encoding can represent",
        fix="repair such text where it is read: text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"codec can't encode (?![^\n]{1,120}surrogates)[^\n]{1,160}",
        message="a character does not exist in the target encoding",
        fix="write as utf-8",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"line contains NUL\b|UTF-16 stream does not start with BOM|(?:utf-?16|utf-?32)\S{0,4} codec can't decode",
        message="the bytes are not text in the encoding with which they were read",
        fix="look at the first bytes of the file: NUL bytes are those of UTF-16 text or of a binary file; set the "
        "encoding to utf-16 only for the former",
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
)
_DATABASE = (
    "the database returned text that is not in the character set of the connection",
    "set the character set of the connection to that of the column, or convert the column in the query",
    Confidence.MEDIUM,
)
_DECODING = FindingTemplate(Severity.ERROR, "data", confidence=Confidence.MEDIUM)
_NOT_DECODED = LazyRegex(
    r"'(?P<codec>[\w\-]{1,30})' codec can't decode (?:byte 0x(?P<byte>[0-9a-f]{2})|bytes) in position (?P<at>\d{1,15})"
    r"(?:-\d{1,15})?(?:: (?P<why>[^\n]{1,80}))?"
    r"|(?i:invalid UTF-?8 (?:data|sequence|character)|is not utf-8 encoded|Invalid unicode \(byte sequence mismatch\))"
    r"[^\n]{0,80}"
    r"|CSV encoding error(?![^\n]{0,80}codec can't)[^\n]{0,120}"
)
_DECODE = LazyRegex(r"\.decode\(|\bstr\([^()\n]{1,80}, ?(?:encoding ?= ?)?['\"]")
_SLICE = LazyRegex(r"\[[^\[\]\n]{0,40}:[^\[\]\n]{0,40}\] ?\.decode\(")
_WIDE = LazyRegex(r"(?i)utf-?(?:16|32)")
_CANDIDATES = (
    "find out which encoding the producer uses and set it in the step; Windows writes cp1252 (Western European), "
    "cp1250 (Central European) or cp1251 (Cyrillic); then check the accented letters, because a wrong single-byte "
    "encoding often causes no error"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find bytes that are not text, or text of another encoding, and what they are."""
    for error, match in matching_errors(run, _NOT_DECODED):
        codec = (match["codec"] or "utf-8").lower().replace("_", "-")
        if _WIDE.match(codec):
            continue
        step = run.step(error.step or "")
        config = step.config if step is not None else {}
        path = config["path"] if isinstance(config.get("path"), str) else None
        source = _decoding_line(error)
        is_of_driver = source and (path is None or _SLICE.search(source))
        if is_of_driver and _kind(codec, match, None) is None:
            (explanation, fix), confidence = _bytes_of_driver(codec, match["why"]), Confidence.HIGH
        elif path is None and ("query" in config or "resolved_connection" in config):
            explanation, fix, confidence = _DATABASE
        else:
            kind = _kind(codec, match, path)
            confidence = Confidence.MEDIUM if match["byte"] in _LETTERS else Confidence.HIGH
            subject = f"file {path!r}" if path else "the input"
            if kind is not None:
                explanation, fix = f"{subject} {kind[0]}", kind[1]
            else:
                confidence = Confidence.MEDIUM
                explanation, fix = _text_of_other_encoding(codec, match, subject)
        yield _DECODING.finding(
            f"{error.headline(match[0])}{SEPARATOR}{explanation}",
            error.evidence(match[0][:200]),
            step=error.step,
            stage=error.stage,
            fix=fix,
            confidence=confidence,
        )


def _decoding_line(error: ErrorText) -> str:
    """Return the line in which the code of the driver itself decoded bytes; empty if a library or a file did."""
    frame = own_frame(error.traceback, "UnicodeDecodeError: ")
    return frame.source if frame is not None and _DECODE.search(frame.source) else ""


def _bytes_of_driver(codec: str, reason: str | None) -> tuple[str, str]:
    """Return an explanation and a remedy for bytes that the driver decoded itself."""
    if reason == "unexpected end of data":
        return (
            "the bytes that the driver decoded end in the middle of a character",
            "cut the text after it is decoded, not the bytes; decode pieces of a stream with codecs.getincrementaldecoder",
        )
    return (
        f"the bytes that the driver decoded are not text in {codec}",
        "find out which encoding these bytes have, such as from the Content-Type of a response, and decode them with it",
    )


def _kind(codec: str, match: re.Match[str], path: str | None) -> tuple[str, str] | None:
    """Return what a file is and how to read it, if its extension or its first bytes identify it.

    The extension of an archive does not: readers decompress it, and then decode the text in it.
    """
    suffix = PurePosixPath(path.replace("\\", "/")).suffix if path else ""
    named = _BY_EXTENSION.get(suffix.lower())
    if named is not None:
        return f"is {named}, not text", _read_as(named)
    if not match["byte"] or not codec.startswith(("utf-8", "utf8")):
        return None
    kind = _BY_BYTE.get((int(match["at"]), int(match["byte"], 16)))
    if kind == "UTF-16 text":
        return (
            f"begins with byte 0x{match['byte']}, the first byte of a UTF-16 byte order mark",
            "set the encoding of the step to utf-16, or save the file as UTF-8",
        )
    return (f"begins like {kind}, which is not text", _read_as(kind)) if kind is not None else None


def _text_of_other_encoding(codec: str, match: re.Match[str], subject: str) -> tuple[str, str]:
    """Return an explanation and a remedy for bytes that may be text."""
    if match["why"] == "unexpected end of data":
        explanation = f"{subject} ends in the middle of a character: it is truncated, or it is not UTF-8"
        return explanation, f"check that it is complete; if it is, {_CANDIDATES}"
    if not codec.startswith(("utf-8", "utf8")):
        explanation = f"{subject} is not text in the encoding with which it was read"
        return explanation, "set the encoding of the step to utf-8 if the file is UTF-8"
    if match["at"] == "0" and match["byte"] == "d0":
        explanation = f"{subject} is not UTF-8 text; an old Excel workbook begins with this byte as well"
        return explanation, f"if it is a workbook, export it as CSV in UTF-8; otherwise {_CANDIDATES}"
    return f"{subject} is not UTF-8 text", f"check that it is text at all; if it is, {_CANDIDATES}"


def _read_as(kind: str) -> str:
    if "archive" in kind or "compressed" in kind:
        return "decompress the file first, or set the compression of the step if its driver has that option"
    return f"export the data as CSV in UTF-8, or read the file with a driver for {kind}"
