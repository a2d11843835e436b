"""Checks of a CSV file's encoding and format, made where reading it would fail or return garbage."""

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.base.text.text_formats import TextFormat, text_format
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.interface.file_format import (
    START_BYTES,
    FileFormat,
    decoded_start,
    extractor_fix,
    is_utf8,
    recognized_format,
    wide_encoding,
)

_USUAL_ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1250", "cp1252", "shift_jis")
_COMPRESSIONS: Final[Mapping[str, str]] = {
    ".gz": "gzip",
    ".bz2": "bz2",
    ".zip": "zip",
    ".xz": "xz",
    ".zst": "zstd",
}
"""Suffix of a file to the compression that pandas infers from it."""


def check_encoding(encoding: str) -> None:
    """Check that Python knows an encoding of text.

    Raises:
        DriverError: it does not.
    """
    try:
        "".encode(encoding)
    except (LookupError, ValueError) as error:
        raise DriverError(
            f"unknown encoding {encoding!r}",
            kind="config-value-invalid",
            fix=suggestion(
                encoding, _USUAL_ENCODINGS, "set encoding to one that Python knows, such as utf-8"
            ),
            setting="encoding",
            value=encoding,
        ) from error


def check_is_text(source: Path | bytes, path: Path, config: Config) -> None:
    """Check that the first bytes are text in the requested encoding, or compressed as requested.

    Raises:
        DriverError: they are another format, or the step names UTF-16 or UTF-32 where it is not, or the reverse.
    """
    compression = compression_of(source, config)
    form = recognized_format(source)
    if form is not None and form.name != compression:
        raise wrong_format_error(path, form, config)
    if compression is not None:
        return
    start = first_bytes(source, START_BYTES)
    encoding = wide_encoding(start)
    if encoding is not None and not _is_same_family(encoding, config["encoding"]):
        raise DriverError(
            f"{path} is {encoding}, not {config['encoding']}",
            kind="encoding-wrong",
            fix=f"set encoding: {encoding}",
            path=str(path),
            encoding=config["encoding"],
            found_encoding=encoding,
        )
    if _is_wide(config["encoding"]) and is_utf8(start):
        raise DriverError(
            f"{path} is utf-8, not {config['encoding']}",
            kind="encoding-wrong",
            fix="set encoding: utf-8",
            path=str(path),
            encoding=config["encoding"],
            found_encoding="utf-8",
        )
    is_header_first = bool(config["header"]) and not config.get("skip_rows")
    text = text_format(decoded_start(start, config["encoding"]), is_first_line_header=is_header_first)
    if text is not None:
        raise not_a_table_error(path, text)


def check_is_header(name: str, path: Path) -> None:
    """Check that the first name of a header is not the start of another kind of text.

    Raises:
        DriverError: it is.
    """
    text = text_format(name)
    if text is not None:
        raise not_a_table_error(path, text)


def not_a_table_error(path: Path, text: TextFormat) -> DriverError:
    """Return the error for a text that is not a table."""
    return DriverError(
        f"{path} is {text.description}, not CSV text",
        kind="file-format-wrong",
        fix=text.fix,
        path=str(path),
        format=text.name,
    )


def compression_of(source: Path | bytes, config: Config) -> str | None:
    """Return the compression that the step requests or that the file's suffix means; None for plain text."""
    requested = config.get("compression", "infer")
    if requested != "infer":
        return None if requested == "none" else str(requested)
    return _COMPRESSIONS.get(source.suffix.lower()) if isinstance(source, Path) else None


def first_bytes(source: Path | bytes, size: int) -> bytes:
    """Return at most ``size`` bytes from the start of a file."""
    if isinstance(source, bytes):
        return source[:size]
    with source.open("rb") as file:
        return file.read(size)


def wrong_format_error(path: Path, form: FileFormat | None, config: Config) -> DriverError:
    """Return the error for a file that is not CSV text as the step describes it; None is text."""
    if form is None:
        fix = "set compression: none, or name a compressed file"
    elif form.name in _COMPRESSIONS.values():
        fix = f"set compression: {form.name}"
    else:
        fix = extractor_fix(path, form, "CSV")
    return DriverError(
        f"{path} is {form.description if form else 'not compressed'}, not "
        + ("CSV text" if form else f"{config['compression']} data"),
        kind="file-format-wrong",
        fix=fix,
        path=str(path),
        format=form.name if form else "text",
    )


def _is_wide(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))


def _is_same_family(encoding: str, requested: str) -> bool:
    name = requested.lower().replace("_", "-")
    return name.startswith(encoding[:6]) or name.replace("-", "").startswith(encoding[:6].replace("-", ""))
