"""The types of CSV columns, decided over all lines of all files, so that no whole number is rounded.

pandas decides a piece of a file at a time and reads whole numbers with gaps as floats. Where that could have changed a
value, the column's texts decide: whole numbers that 64 bits hold are whole numbers, with gaps too; a column with larger
ones, or with fractions beside whole numbers that a float cannot hold, stays text.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

_Column = pd.Series  # of whatever type the file gives
_WHOLE: Final = r"\s*[+-]?[0-9]+\s*"
_BOOLEANS: Final = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_FIRST_ROUNDED: Final = 2**53
_LONGEST_FLOAT: Final = 309
"""Digits before the point of the largest float."""


def unify_types(
    parts: Sequence[pd.DataFrame],
    texts_of: Callable[[list[Any]], list[pd.DataFrame]],
    asked: Mapping[Hashable, Any],
    nothing: Sequence[str],
) -> None:
    """Give the columns of ``parts`` the types that one file with all their lines would have.

    Args:
        parts: the frame of each file as pandas read it; changed in place.
        texts_of: the columns of these names again, as text, a frame a file.
        asked: the types that the step asks for, by column; they stand.
        nothing: texts that stand for nothing.
    """
    if not any(map(len, parts)):
        return
    names = [
        name
        for name in parts[0].columns
        if _needs_reinference([part[name] for part in parts], nothing, asked=name in asked)
    ]
    if not names:
        return
    texts = texts_of(names)
    for name in names:
        columns = [part[name] for part in parts]
        joint = pd.concat([text[name] for text in texts], ignore_index=True)
        column = _infer_column(joint, columns)
        _split_to_parts(column.astype(asked[name]) if name in asked else column, name, parts)


def _split_to_parts(joint: "_Column[Any]", name: Any, parts: Sequence[pd.DataFrame]) -> None:
    start = 0
    for part in parts:
        part[name] = joint.iloc[start : start + len(part)].array
        start += len(part)


def _needs_reinference(columns: Sequence["_Column[Any]"], nothing: Sequence[str], *, asked: bool) -> bool:
    if asked:
        return len({column.dtype for column in columns}) > 1  # categories differ from file to file
    kinds = {str(column.dtype) for column in columns}
    if kinds in ({"int64"}, {"uint64"}, {"bool"}):
        return False
    if kinds <= {"int64", "float64"}:
        return _may_be_rounded(columns)
    # text that should have become nothing: pandas met whole numbers beyond 64 bits half way and gave up on gaps
    return len(kinds) > 1 or "object" in kinds or any(column.isin(nothing).any() for column in columns)


def _may_be_rounded(columns: Sequence["_Column[Any]"]) -> bool:
    present = [column.dropna() for column in columns]
    with_gaps = any(map(len, columns)) and any(
        len(some) < len(column) for some, column in zip(present, columns, strict=True)
    )
    if not any(map(len, present)):
        return False
    if with_gaps and all((some % 1 == 0).all() for some in present):
        return True
    return any(((some >= _FIRST_ROUNDED) | (some <= -_FIRST_ROUNDED)).any() for some in present)


def _infer_column(texts: "_Column[Any]", columns: Sequence["_Column[Any]"]) -> "_Column[Any]":
    """The column that ``texts`` make; ``columns`` are its parts as pandas read them."""
    present = texts.dropna()
    if present.empty:
        return texts.astype("float64")
    is_whole = present.str.fullmatch(_WHOLE)
    if is_whole.all():
        return _parse_integers(texts)
    if present.isin(list(_BOOLEANS)).all():
        truth = texts.map(_BOOLEANS).astype("boolean")
        return truth if truth.hasnans else truth.astype("bool")
    if all(column.dtype.kind in "iuf" for column in columns) and not any(
        map(_loses_precision, present[is_whole])
    ):
        return pd.concat([column.astype("float64") for column in columns], ignore_index=True)
    return texts


def _parse_integers(texts: "_Column[Any]") -> "_Column[Any]":
    """Whole numbers of 64 bits, the texts where one is larger."""
    array = pa.array(texts.str.strip().str.removeprefix("+"), pa.large_string(), from_pandas=True)
    for arrow_type, with_gaps in ((pa.int64(), pd.Int64Dtype()), (pa.uint64(), pd.UInt64Dtype())):
        try:
            numbers = array.cast(arrow_type)
        except pa.ArrowInvalid:
            continue  # one is beyond this type: the next one is larger
        types = {arrow_type: with_gaps} if numbers.null_count else {}
        column: pd.Series[Any] = numbers.to_pandas(types_mapper=types.get)
        return column
    return texts


def _loses_precision(text: str) -> bool:
    digits = text.strip()
    return len(digits) > _LONGEST_FLOAT or float(digits) != int(digits)
