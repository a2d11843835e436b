"""Last search of a bundle, before it is written: secrets, names, and values of the original frames."""

import base64
import binascii
import datetime as dt
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args

import orjson
import pandas as pd
import pyarrow.parquet as pq

from osiris_inspect.model.failure.signature import MAX_WORDS, general_words
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import (
    FrameLocation,
    InputLocation,
    RunMode,
    RunOriginKind,
    RunStatus,
)
from osiris_inspect.runtime.frames.frame_part import Frame
from osiris_inspect.runtime.proxy.secret_names import is_program_word
from osiris_inspect.runtime.replay.repro.input_frames import columns_of, unique_values
from osiris_inspect.runtime.replay.repro.known_texts import KnownTexts

MIN_TEXT: Final = 4
"""Characters of the shortest text of a frame that is searched: shorter ones are in any log."""
MIN_DIGITS: Final = 5
"""Digits of the shortest number of a frame that is searched."""
_STATUS_WORDS: Final = frozenset(
    word
    for kind in (RunStatus, StepStatus, RunMode, FrameLocation, InputLocation, RunOriginKind)
    for word in get_args(kind)
)
"""Words that logs have as whole texts."""
_MIN_BASE64: Final = 24
_QUOTED: Final = re.compile(r"'((?:[^'\n]|'')*)'|\"([^\"\n]*)\"|`([^`\n]*)`")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_WORDS: Final = re.compile(r"\w+(?:[.@:/+-]\w+)*")
_DIGITS: Final = re.compile(r"\d")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}\Z")
_FREE_TEXT: Final = frozenset(
    {"error", "message", "traceback", "reason", "detail", "text", "cell", "value", "cells"}
)
"""Fields whose texts are for people, and may quote values."""


class Hit(NamedTuple):
    """A text of a bundle that must not be in it; ``column`` is empty unless it is a value of a frame."""

    file: str
    what: str
    column: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class _FileTexts:
    """Texts of a file.

    Attributes:
        whole: everything in it, decoded.
        cells: values that are a whole text of it: cells, statistics, and texts of JSON.
        phrases: texts for people, such as errors and logs.
    """

    whole: str
    cells: frozenset[str]
    phrases: tuple[str, ...]


def find_known(files: Mapping[str, bytes], known: KnownTexts) -> Iterator[Hit]:
    """Yield the secrets and names in files, in their names, contents and in what Parquet files decode to."""
    redactor = Redactor(known.secrets)
    patterns = [(_word(text), what) for text, what in known.names.items()]
    for name, content in files.items():
        texts = _texts(name, content)
        joined = "\n".join((name, texts.whole, *texts.cells))
        if redactor.redact_text(joined) != joined:
            yield Hit(name, "a secret")
        yield from (Hit(name, f"the {what}") for pattern, what in patterns if pattern.search(joined))


def find_values(
    files: Mapping[str, bytes],
    frames: Mapping[str, Frame],
    kept: Iterable[str],
    public: frozenset[str] = frozenset(),
) -> Iterator[Hit]:
    """Yield the values of the original frames in files, without those of the columns that may be seen.

    Values that are ``public`` names of the run or words of this program are left out.
    """
    texts = {name: _texts(name, content) for name, content in files.items()}
    quoted = {name: _in_texts(each) for name, each in texts.items()}
    named_texts = frozenset(itertools.chain.from_iterable(quoted.values()))
    for name, frame in frames.items():
        for label, column in columns_of(frame):
            if is_kept(f"{name}.{label}", kept):
                continue
            for value in _needles(_possible(column, named_texts)):
                if value in public or value in _STATUS_WORDS or is_program_word(value):
                    continue
                yield from (
                    Hit(file, "a value", f"{name}.{label}", value) for file in quoted if value in quoted[file]
                )


def is_kept(column: str, kept: Iterable[str]) -> bool:
    """Return True if a column, such as ``df.name``, is named by itself or with its input."""
    return any(name in (column, column.partition(".")[2]) for name in kept)


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(text)}(?![A-Za-z0-9_])", re.IGNORECASE)


def _texts(name: str, content: bytes) -> _FileTexts:
    if name.endswith(".parquet"):
        return _FileTexts(content.decode("latin-1"), frozenset(_parquet_texts(content)), ())
    whole = content.decode("utf-8", "surrogateescape")
    if not name.endswith((".json", ".jsonl", ".yaml")):
        return _FileTexts(whole, frozenset(), tuple(whole.splitlines()))
    cells: set[str] = set()
    phrases: list[str] = []
    lines = content.splitlines() if name.endswith(".jsonl") else [content]
    for line in filter(None, lines):
        for key, text in _leaves("", orjson.loads(line)):
            cells.add(text)
            if key in _FREE_TEXT:
                phrases.append(text)
            if len(text) >= _MIN_BASE64 and _BASE64.match(text):
                phrases.append(_decoded(text))
    return _FileTexts(whole, frozenset(cells), tuple(phrases))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("latin-1")
    except binascii.Error:  # a hash or a name
        return ""


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of a JSON value with their keys; those of a list have its key."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(key, item)
    elif isinstance(value, str):
        yield key, value


def _parquet_texts(content: bytes) -> Iterator[str]:
    """Yield the cells of a Parquet file as text, its statistics and its metadata."""
    with pq.ParquetFile(io.BytesIO(content)) as file:
        metadata = file.metadata
        for group in range(metadata.num_row_groups):
            for position in range(metadata.num_columns):
                statistics = metadata.row_group(group).column(position).statistics
                if statistics is not None and statistics.has_min_max:
                    yield from _values(statistics.min)
                    yield from _values(statistics.max)
        for key, value in (metadata.metadata or {}).items():
            yield from (key.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
        table = file.read()
    for column in table.columns:
        yield from (text for cell in column.to_pylist() for text in _values(cell))


def _values(value: Any) -> Iterator[str]:
    """Yield the texts of a cell: of each item, if it has several; a whole number has no fraction."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_values(key), *_values(item))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _values(item)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dt.datetime):
        yield from (str(value), value.isoformat())
    elif value is not None:
        yield str(value).removesuffix(".0")


def _in_texts(texts: _FileTexts) -> frozenset[str]:
    """Return the values that texts name: whole texts, quoted ones, and words of texts for people."""
    named_texts = set(texts.cells)
    for text in texts.cells:
        named_texts.update(
            part.replace("''", "'") for match in _QUOTED.finditer(text) for part in match.groups() if part
        )
    for phrase in texts.phrases:
        if len(phrase) < MAX_WORDS:  # words that are of every message of its kind are not of a frame
            named_texts.update(set(_WORDS.findall(phrase)) - set(_WORDS.findall(general_words(phrase))))
        named_texts.update(part for match in _QUOTED.finditer(phrase) for part in match.groups() if part)
    return frozenset(named_texts)


def _possible(column: pd.Series, named_texts: frozenset[str]) -> pd.Series:
    """Return the part of a column that may be among texts; it takes no loop for the usual types."""
    kinds = pd.api.types
    if kinds.is_bool_dtype(column.dtype):
        return column[:0]
    if kinds.is_numeric_dtype(column.dtype):
        return column[column.isin(_numbers(named_texts))]
    if kinds.is_datetime64_dtype(column.dtype):
        return column[column.isin(_moments(named_texts))]
    if kinds.is_string_dtype(column):
        return column[column.astype("str").str.strip().isin(list(named_texts))]
    return column


def _numbers(texts: frozenset[str]) -> list[float]:
    numbers: set[float] = set()
    for text in texts:
        with suppress(ValueError, OverflowError):
            numbers |= {float(text), int(float(text)) if text.count(".") else int(text)}
    return list(numbers)


def _moments(texts: frozenset[str]) -> list[pd.Timestamp]:
    moments = []
    for text in filter(_DATE.match, texts):
        with suppress(ValueError, OverflowError):
            moments.append(pd.Timestamp(text).tz_localize(None))
    return moments


def _needles(column: pd.Series) -> Iterator[str]:
    """Yield the values of a column that are long enough to be told from words and numbers of any log."""
    for value in unique_values(column):
        if isinstance(value, float) and value != value:  # noqa: PLR0124  NaN
            continue
        yield from filter(_is_long_enough, map(str.strip, _values(value)))


def _is_long_enough(text: str) -> bool:
    is_number = text.replace(".", "", 1).lstrip("-").isdigit()
    return len(_DIGITS.findall(text)) >= MIN_DIGITS if is_number else len(text) >= MIN_TEXT
