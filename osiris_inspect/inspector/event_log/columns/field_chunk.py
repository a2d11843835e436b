"""The values of one field in some lines of a log, and which of these lines match a comparison."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from osiris_inspect.inspector.event_log.columns import arrow_buffers
from osiris_inspect.inspector.event_log.filter.expressions import FieldComparison, number_in
from osiris_inspect.inspector.event_log.index.vectorized import Mask, Numbers
from osiris_inspect.inspector.event_log.search.literals import ESCAPE, text_literals
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine

if TYPE_CHECKING:
    import pyarrow as pa

_NUMERIC: Final = {"=": np.equal, ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal}
_LONG_INTEGER: Final = re.compile(r"\d{19}", re.ASCII)
_MAX_COMPARED: Final = 1_000
"""Distinct texts that are compared one by one; of more, Arrow first selects those that contain the text."""


class ChunkMatches(NamedTuple):
    """Lines (from 0) that match for certain, and lines that must be decoded to know."""

    matching: Numbers
    undecided: Numbers


@dataclass(frozen=True, slots=True)
class FieldChunk:
    """The lines of a chunk that have a value, or that only decoding can read.

    Attributes:
        lines: their numbers from 0.
        integers, reals: values that are 64-bit integers or finite floats; else null.
        texts: all other values as JSON, those of a kept column by a dictionary; null for a number and for a line that must
            be decoded.
        undecided: True for each line that must be decoded.
    """

    lines: Numbers
    integers: "pa.Array"
    reals: "pa.Array"
    texts: "pa.Array"
    undecided: Mask

    def compare(self, comparison: FieldComparison) -> ChunkMatches:
        """Return the lines that match a comparison that is not negated."""
        matches, undecided = np.zeros(len(self.lines), bool), self.undecided.copy()
        for column in (self.integers, self.reals):
            if column.null_count < len(column):
                _compare_numbers(comparison, column, matches)
        if self.texts.null_count < len(self.texts):
            _compare_texts(comparison, self.texts, matches, undecided)
        return ChunkMatches(self.lines[matches & ~undecided], self.lines[undecided])


def decode_text(text: str) -> object:
    """Return the value of a text of a column.

    Raises:
        InvalidLine: only our reader can decode it, such as ``NaN``, or it depends on the rest of its line: an integer
            beyond 64 bits is exact in a line with ``NaN``, else a float.
    """
    if not text.startswith('"') and _LONG_INTEGER.search(text) is not None:
        raise InvalidLine("an integer beyond 64 bits")
    return jsonl.decode_value(text)


def concatenate(chunks: Sequence[FieldChunk]) -> FieldChunk:
    """Return the lines of chunks that follow each other."""
    import pyarrow as pa

    return FieldChunk(
        np.concatenate([chunk.lines for chunk in chunks]),
        pa.concat_arrays([chunk.integers for chunk in chunks]),
        pa.concat_arrays([chunk.reals for chunk in chunks]),
        pa.concat_arrays([chunk.texts for chunk in chunks]),
        np.concatenate([chunk.undecided for chunk in chunks]),
    )


def _compare_numbers(comparison: FieldComparison, column: "pa.Array", matches: Mask) -> None:
    limit = number_in(comparison.value)
    if limit is not None and comparison.operator in _NUMERIC:
        numbers = arrow_buffers.numbers(column).astype(np.float64, copy=False)
        matches |= arrow_buffers.valid(column) & _NUMERIC[comparison.operator](numbers, limit)
        return
    distinct = column.dictionary_encode()
    known = [comparison.compare_value(value) for value in distinct.dictionary.to_pylist()]
    matches |= _of_codes(known, distinct)


def _compare_texts(comparison: FieldComparison, column: "pa.Array", matches: Mask, undecided: Mask) -> None:
    distinct = column.dictionary_encode()
    texts = distinct.dictionary
    is_match, is_unknown = np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    for number in _candidates(comparison, texts):
        try:
            value = decode_text(texts[number].as_py())
        except InvalidLine:  # such as NaN, which our reader accepts
            is_unknown[number] = True
            continue
        is_match[number] = value is not None and comparison.compare_value(value)
    matches |= _of_codes(is_match, distinct)
    undecided |= _of_codes(is_unknown, distinct)


def _candidates(comparison: FieldComparison, texts: "pa.Array") -> Any:
    """Return the numbers of the texts that may match, or that only our reader can parse."""
    from pyarrow import compute

    literals = text_literals(comparison.value) if comparison.operator in ("=", "~") else ()
    if len(texts) <= _MAX_COMPARED or not literals:
        return range(len(texts))
    may_match = compute.match_substring(texts, ESCAPE.decode())
    for literal in literals[0]:
        found = compute.match_substring(texts, literal.decode(), ignore_case=True)
        may_match = compute.or_(may_match, found)
    is_odd = compute.invert(compute.match_substring_regex(texts, '^["{\\[tfn]'))
    return np.flatnonzero(arrow_buffers.booleans(compute.or_(may_match, is_odd))).tolist()


def _of_codes(known: Any, distinct: "pa.DictionaryArray") -> Mask:
    """Return the answer for each row of a column, from those for its distinct values."""
    table = np.append(np.asarray(known, bool), np.False_)
    codes = distinct.indices.cast("int64")
    answers: Mask = table[np.where(arrow_buffers.valid(codes), arrow_buffers.numbers(codes), -1)]
    return answers
